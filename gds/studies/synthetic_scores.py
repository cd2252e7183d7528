"""Every figure of synthetic genotypes by name, for any pair or triple of sets: the file's and its references' alike."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gds.evaluation.calibration import wilson_interval
from gds.evaluation.fidelity import (
    allele_frequency_agreement,
    heterozygosity_agreement,
    nearest_kinship,
    principal_component_distance,
)
from gds.evaluation.linkage import ld_correlation, three_point_correlation
from gds.evaluation.neighbours import (
    adversarial_accuracy,
    nearest_neighbour_privacy_loss,
    precision_recall_density_coverage,
)
from gds.evaluation.privacy import (
    copies,
    distance_to_closest_record,
    membership_inference,
    record_distances,
)
from gds.genotypes.hwe import hardy_weinberg_p

# KING-robust kinship from which people are relatives of the first degree or nearer (2 ** -2.5).
CLOSE_KINSHIP = 0.177
# Mid-p of the exact test below which a variant is counted as out of Hardy-Weinberg proportions.
_HWE_P = 1e-4
_Z = 1.959963984540054

Interval = tuple[float, float, float]
_NO_BOUND = float("nan")


@dataclass(frozen=True)
class Places:
    """Where the variants lie, and which pairs of them count for LD.

    Attributes
    ----------
    chromosome, position
        Shape (variant,).
    window
        Greatest distance in base pairs of a pair; None: all pairs, also between chromosomes.
    """

    chromosome: np.ndarray
    position: np.ndarray
    window: float | None = None


@dataclass
class Scores:
    """Figures with what is drawn of them.

    Attributes
    ----------
    values
        Name to value, lower and upper bound (NaN where there is no interval).
    decay
        LD by distance (:func:`gds.evaluation.linkage.ld_correlation`).
    scores
        Principal component scores of the real and of the other rows.
    quantiles
        Distances to the closest record.
    closest
        Distances of synthetic and of held-out rows to the nearest training row.
    held_out
        Shares that held-out rows have, by name of the figure.
    """

    values: dict[str, Interval] = field(default_factory=dict)
    decay: pd.DataFrame = field(default_factory=pd.DataFrame)
    scores: tuple[np.ndarray, np.ndarray] | None = None
    quantiles: pd.DataFrame = field(default_factory=pd.DataFrame)
    closest: tuple[np.ndarray, np.ndarray] | None = None
    held_out: dict[str, float] = field(default_factory=dict)


def fidelity_scores(
    real: np.ndarray, other: np.ndarray, places: Places, *, ploidy: int, seed: int = 0
) -> Scores:
    """How like real rows others are.

    Parameters
    ----------
    real, other
        Alleles or dosages, shape (row, variant).
    places
        Of the variants.
    ploidy
        2 for dosages, 1 for haplotypes; genotypes and kinship need dosages.
    seed
        Seed of triplets and subsamples.
    """
    found = Scores()
    values = found.values

    def add(name: str, value: float) -> None:
        values[name] = (value, _NO_BOUND, _NO_BOUND)

    frequency = allele_frequency_agreement(real, other, ploidy=ploidy)
    add("allele_frequency_r", frequency["r"])
    add("allele_frequency_rmse", frequency["rmse"])
    add("lost_or_fixed", (frequency["lost"] + frequency["fixed"]) / max(frequency["n_polymorphic"], 1))
    if ploidy == 2:
        genotype = heterozygosity_agreement(real, other)
        add("heterozygosity_r", genotype["r"])
        add("inbreeding", genotype["inbreeding_synthetic"])
        add("hwe_deviating", _out_of_proportions(other))
    ld, found.decay = ld_correlation(
        real, other, chromosome=places.chromosome, position=places.position, window=places.window
    )
    add("ld_r", ld["r"])
    add("ld_rmse", ld["rmse"])
    add("three_point_r", three_point_correlation(real, other, seed=seed)["r"])
    distance, *found.scores = principal_component_distance(real, other)  # type: ignore[assignment]
    add("pc_wasserstein", distance["wasserstein"])
    neighbours = adversarial_accuracy(real, other, seed=seed)
    values["aa_truth"] = _share(neighbours["aa_truth"], neighbours["n"])
    values["aa_syn"] = _share(neighbours["aa_syn"], neighbours["n"])
    add("aats", neighbours["aats"])
    manifold = precision_recall_density_coverage(real, other, seed=seed)
    for name in ("precision", "recall", "coverage"):
        values[name] = _share(manifold[name], manifold["n"])
    add("density", manifold["density"])
    if ploidy == 2:
        close = nearest_kinship(other) > CLOSE_KINSHIP
        values["kin_within"] = _share(close.mean(), len(close))
    return found


def privacy_scores(
    train: np.ndarray, test: np.ndarray, other: np.ndarray, *, ploidy: int, seed: int = 0
) -> Scores:
    """What the other rows give away of the training rows; parameters as of :func:`fidelity_scores`."""
    found = Scores()
    values = found.values
    distances = record_distances(train, test, other)
    found.closest = (distances.synthetic_to_train, distances.test_to_train)
    for name, row in copies(train, test, other, distances=distances).iterrows():
        values[str(name)] = (row["value"], row["lower"], row["upper"])
        found.held_out[str(name)] = row["held_out"]
    closest, found.quantiles = distance_to_closest_record(train, test, other, seed=seed, distances=distances)
    values["closest_record_ratio"] = (closest["median_ratio"], _NO_BOUND, _NO_BOUND)
    values["closer_to_train"] = (closest["closer_to_train"], closest["closer_lower"], closest["closer_upper"])
    loss = nearest_neighbour_privacy_loss(train, test, other, seed=seed)
    half = _Z * loss["se"]
    values["privacy_loss"] = (loss["privacy_loss"], loss["privacy_loss"] - half, loss["privacy_loss"] + half)
    attacks = membership_inference(train, test, other, ploidy=ploidy, seed=seed, distances=distances)
    for (attack, figure), row in attacks.iterrows():
        values[f"{attack}_attack_{figure}"] = (row["value"], row["lower"], row["upper"])
    if ploidy == 2:
        close = nearest_kinship(other, train) > CLOSE_KINSHIP
        values["kin_to_train"] = _share(close.mean(), len(close))
        found.held_out["kin_to_train"] = float((nearest_kinship(test, train) > CLOSE_KINSHIP).mean())
    return found


def _share(value: float, n: float) -> Interval:
    lower, upper = wilson_interval(np.array(value * n), np.array(n))
    return float(value), float(lower), float(upper)


def _out_of_proportions(dosage: np.ndarray) -> float:
    counts = [(dosage == value).sum(axis=0) for value in range(3)]
    return float((hardy_weinberg_p(*counts, midp=True) < _HWE_P).mean())
