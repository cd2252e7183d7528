"""What each figure means, and the rule by which it is called good or bad; a figure without a rule gets no verdict."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gds.studies.synthetic.scores import Interval

Verdict = str | None


@dataclass(frozen=True)
class Meaning:
    """A figure in words.

    Attributes
    ----------
    section
        ``fidelity``, ``privacy`` or ``utility``.
    title
        Its name on the page.
    ideal
        What a perfect generator reaches.
    rule
        Name of the rule in :data:`RULES`; None: no verdict.
    """

    section: str
    title: str
    ideal: str
    rule: str | None = None


RULES = {
    "floor": "good: at least four fifths of the way from independent sites to real half; bad: not even half way; "
    "caution between",
    "component": "good: within .10 of real half; bad: more than .25 away; caution between",
    "manifold": "good: at least 80 % of real half; bad: below 50 % of it; caution between",
    "frequency": "good: at least .99; bad: below .95; caution between",
    "wasserstein": "good: at most twice real half; bad: more than 5 times; caution between",
    "chance": "good: the interval reaches chance or lies below, no leak is shown; caution: it lies above, a leak is "
    "shown, of at most .05; bad: a leak of more than .05 is shown",
    "held out": "good: the interval of the difference from held-out people reaches 0 or lies below; bad: more than "
    "among held-out people is shown",
}

MEANINGS: dict[str, Meaning] = {
    "allele_frequency_r": Meaning("fidelity", "allele frequency r", "1", "frequency"),
    "allele_frequency_rmse": Meaning("fidelity", "allele frequency RMSE", "0"),
    "lost": Meaning("fidelity", "variants lost", "0"),
    "fixed": Meaning("fidelity", "variants fixed", "0"),
    "heterozygosity_r": Meaning("fidelity", "heterozygosity r", "1", "frequency"),
    "inbreeding": Meaning("fidelity", "inbreeding F", "as held-out people"),
    "hwe_deviating": Meaning("fidelity", "variants out of HWE", "as held-out people"),
    "ld_r": Meaning("fidelity", "LD, correlation of r²", "1", "floor"),
    "ld_rmse": Meaning("fidelity", "LD, RMSE of r²", "0"),
    "ld_strong_kept": Meaning("fidelity", "LD kept between close variants (r² >= .8)", "1", "floor"),
    "ld_decay_rmse": Meaning("fidelity", "LD decay, RMSE of mean r²", "0"),
    "three_point_r": Meaning("fidelity", "3-point correlation", "1", "floor"),
    "pc_wasserstein": Meaning("fidelity", "Wasserstein distance, 10 PCs (sd)", "0", "wasserstein"),
    "aa_truth": Meaning("fidelity", "AA_truth", ".5", "component"),
    "aa_syn": Meaning("fidelity", "AA_syn", ".5", "component"),
    "aats": Meaning("fidelity", "AATS, mean of the two", ".5"),
    "precision": Meaning("fidelity", "precision", "as real half", "manifold"),
    "recall": Meaning("fidelity", "recall", "as real half", "manifold"),
    "density": Meaning("fidelity", "density", "1"),
    "coverage": Meaning("fidelity", "coverage", "as real half", "manifold"),
    "kin_within": Meaning("fidelity", "close relatives within", "as train"),
    "exact_copies": Meaning("privacy", "exact copies", "as held-out", "held out"),
    "near_copies": Meaning("privacy", "near copies", "<= .01", "held out"),
    "closest_record_ratio": Meaning("privacy", "distance to closest record, ratio", ">= 1"),
    "closer_to_train": Meaning("privacy", "closer to training people", ".5", "chance"),
    "privacy_loss": Meaning("privacy", "privacy loss", "0", "chance"),
    "kin_to_train": Meaning("privacy", "close relatives of training people", "as held-out",
                            "held out"),
}  # fmt: skip
_CHANCE = {"closer_to_train": 0.5, "privacy_loss": 0.0}
_ATTACKS = {
    "distance": "distance",
    "frequency": "allele frequencies",
    "loss": "the model's loss",
    "calibrated_loss": "calibrated loss",
}


def meaning_of(name: str) -> Meaning:
    """Meaning of a figure, those of attacks included."""
    if name in MEANINGS:
        return MEANINGS[name]
    attack, figure = name.split("_attack_")
    shown = "AUC" if figure == "auc" else figure.replace("tpr_at_", "TPR at ").replace("_fpr", " FPR")
    return Meaning("privacy", f"membership by {_ATTACKS[attack]}: {shown}", f"{chance_of(name):g}", "chance")


def chance_of(name: str) -> float:
    """Value of a privacy figure when nothing was learnt from single people."""
    if name in _CHANCE:
        return _CHANCE[name]
    figure = name.split("_attack_")[1]
    return 0.5 if figure == "auc" else float(figure.removeprefix("tpr_at_").removesuffix("%_fpr")) / 100


def verdict(
    name: str, found: Interval, references: Mapping[str, float], excess_lower: float | None = None
) -> Verdict:
    """``good``, ``caution`` or ``bad`` by the figure's rule; None without a rule or without a reference.

    Parameters
    ----------
    name
        Of the figure.
    found
        Value, lower and upper bound.
    references
        Values of ``real_half`` and ``independent_sites``, as far as they exist.
    excess_lower
        Lower bound of the difference from held-out people, of shares that are compared with theirs.
    """
    rule = meaning_of(name).rule
    value, lower, _ = found
    if rule is None or math.isnan(value):
        return None
    if rule == "frequency":
        return _three(value >= 0.99, value < 0.95)
    if rule == "chance":
        chance = chance_of(name)
        return _three(lower <= chance, value > chance + 0.05)
    if rule == "held out":
        return None if excess_lower is None else _three(excess_lower <= 1e-9, True)
    half = references.get("real_half", math.nan)
    if math.isnan(half):
        return None
    if rule == "component":
        return _three(abs(value - half) <= 0.1, abs(value - half) > 0.25)
    if rule == "manifold":
        return _three(value >= 0.8 * half, value < 0.5 * half)
    if rule == "wasserstein":
        return _three(value <= 2 * half, value > 5 * half)
    floor = references.get("independent_sites", math.nan)
    if math.isnan(floor):
        floor = 0.0
    return _three(value >= floor + 0.8 * (half - floor), value < floor + 0.5 * (half - floor))


def _three(good: Any, bad: Any) -> Verdict:
    return "good" if good else "bad" if bad else "caution"
