"""A synthetic file: its figures, those of its references beside them, and verdicts by stated rules."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from tqdm import tqdm

from gds.evaluation.neighbourhoods import Neighbourhoods
from gds.evaluation.reference_generators import copies_with_changes, gaussian_threshold, independent_sites
from gds.studies.synthetic.genotypes import ThreeSets
from gds.studies.synthetic.rules import RULES, meaning_of, verdict
from gds.studies.synthetic.scores import Places, Scores, fidelity_scores, privacy_scores

# More variants than this, and LD is that of pairs within a window.
_ALL_PAIRS = 10_000
_LD_WINDOW = 1_000_000.0


@dataclass(frozen=True)
class FigureRow:
    """One figure as ``metrics.json`` holds it.

    Attributes
    ----------
    name, section, title
        What it is.
    value, lower, upper
        Of the synthetic file; None: no interval.
    references
        The same figure of real half against real half, held-out people and generators in closed form.
    ideal
        What a perfect generator reaches.
    rule, verdict
        Both None, or the rule in words and ``good``, ``caution`` or ``bad``.
    """

    name: str
    section: str
    title: str
    value: float | None
    lower: float | None
    upper: float | None
    references: dict[str, float]
    ideal: str
    rule: str | None
    verdict: str | None


@dataclass
class Evaluation:
    """Everything that the page shows.

    Attributes
    ----------
    figures
        In the order of the page.
    fidelity, privacy
        Of the synthetic file, with what is drawn.
    reference_decay
        LD decay of each reference.
    held_out_scores
        Held-out rows on the principal components of training rows.
    seconds
        Wall time of each step.
    """

    figures: list[FigureRow]
    fidelity: Scores
    privacy: Scores
    reference_decay: dict[str, pd.DataFrame]
    held_out_scores: np.ndarray
    seconds: dict[str, float] = field(default_factory=dict)


def evaluate_synthetic(sets: ThreeSets, *, seed: int = 0) -> Evaluation:
    """Compute fidelity and privacy of a synthetic file beside their references.

    References of fidelity are two random halves of the training people, held-out people, and two generators fitted
    to the training people (independent sites, Gaussian threshold); of privacy the latter two, one half of the held-out
    people in the place of synthetic ones and the other half as held-out, in whom no figure may see a leak, and
    training people with one variant changed, in whom every figure must.

    Parameters
    ----------
    sets
        The people.
    seed
        Of everything random.
    """
    places = Places(
        sets.variants["chromosome"].to_numpy(),
        sets.variants["position"].to_numpy(),
        None if len(sets.variants) <= _ALL_PAIRS else _LD_WINDOW,
    )
    generators: dict[str, Callable[..., np.ndarray]] = {
        "independent_sites": independent_sites,
        "gaussian_threshold": gaussian_threshold,
        "one_variant_changed": copies_with_changes,
    }
    n = len(sets.synthetic)
    seconds: dict[str, float] = {}
    begin = time.perf_counter()
    drawn = {name: make(sets.train, n, seed=seed) for name, make in generators.items()}
    seconds["generators in closed form"] = time.perf_counter() - begin
    first_half, second_half = halves_by_person(sets.train, sets.rows_a_person(), seed)
    unseen, other_unseen = halves_by_person(sets.test, sets.rows_a_person(), seed)
    against_train = {
        "synthetic": sets.synthetic,
        "held_out": sets.test,
        "independent_sites": drawn["independent_sites"],
        "gaussian_threshold": drawn["gaussian_threshold"],
    }
    privacy_sets = {
        "synthetic": (sets.test, sets.synthetic),
        "unseen_people": (unseen, other_unseen),
        **{name: (sets.test, rows) for name, rows in drawn.items()},
    }
    compared = Neighbourhoods()
    fidelity: dict[str, Scores] = {}
    privacy: dict[str, Scores] = {}
    with tqdm(total=2 + len(privacy_sets), desc="evaluate", unit="step", delay=5, disable=None) as bar:
        for real, others in ((sets.train, against_train), (first_half, {"real_half": second_half})):
            begin = time.perf_counter()
            fidelity |= fidelity_scores(
                real, others, places, ploidy=sets.ploidy, seed=seed, neighbourhoods=compared
            )
            seconds[f"fidelity of {', '.join(others)}"] = time.perf_counter() - begin
            bar.update()
        for name, (test, other) in privacy_sets.items():
            begin = time.perf_counter()
            privacy[name] = privacy_scores(
                sets.train, test, other, ploidy=sets.ploidy, seed=seed, neighbourhoods=compared
            )
            seconds[f"privacy of {name}"] = time.perf_counter() - begin
            bar.update()
    figures = figure_rows(fidelity) + figure_rows(privacy)
    held_out = fidelity["held_out"].scores
    assert held_out is not None
    return Evaluation(
        figures=figures,
        fidelity=fidelity["synthetic"],
        privacy=privacy["synthetic"],
        reference_decay={name: each.decay for name, each in fidelity.items() if name != "synthetic"},
        held_out_scores=held_out[1],
        seconds={name: round(value, 2) for name, value in seconds.items()},
    )


def halves_by_person(rows: np.ndarray, rows_a_person: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two random halves of the rows, those of one person in the same half."""
    n_people = len(rows) // rows_a_person
    order = np.random.default_rng(seed).permutation(n_people)
    people = np.sort(order[: n_people // 2]), np.sort(order[n_people // 2 :])
    first, second = (
        rows[(rows_a_person * each[:, None] + np.arange(rows_a_person)).ravel()] for each in people
    )
    return first, second


def figure_rows(scores: dict[str, Scores]) -> list[FigureRow]:
    """Figures of ``synthetic``, with those of the other entries beside them and the verdict of each rule."""
    rows = []
    for name, interval in scores["synthetic"].values.items():
        references = {
            reference: each.values[name][0]
            for reference, each in scores.items()
            # Fewer people may allow fewer false-positive rates.
            if reference != "synthetic" and name in each.values
        }
        references |= scores["synthetic"].references.get(name, {})
        meaning = meaning_of(name)
        called = verdict(name, interval, references, scores["synthetic"].excess.get(name))
        value, lower, upper = (None if math.isnan(each) else float(each) for each in interval)
        rows.append(
            FigureRow(
                name=name,
                section=meaning.section,
                title=meaning.title,
                value=value,
                lower=lower,
                upper=upper,
                references={key: float(each) for key, each in references.items() if not math.isnan(each)},
                ideal=meaning.ideal,
                rule=None if called is None or meaning.rule is None else RULES[meaning.rule],
                verdict=called,
            )
        )
    return rows
