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
from gds.evaluation.neighbourhoods import Neighbourhoods
from gds.evaluation.neighbours import (
    adversarial_accuracy,
    nearest_neighbour_privacy_loss,
    precision_recall_density_coverage,
)
from gds.evaluation.privacy import (
    copies,
    distance_to_closest_record,
    excess_share,
    membership_inference,
)
from gds.genotypes.hwe import hardy_weinberg_p

# KING-robust kinship from which people are relatives of the first degree or nearer (2 ** -2.5).
CLOSE_KINSHIP = 0.177
# Mid-p of the exact test below which a variant is counted as out of Hardy-Weinberg proportions.
_HWE_P = 1e-4
# Coverage of each interval of privacy. A flag is raised by one side; with at most 17 figures that can raise one, a
# generator that gives nothing away is flagged anywhere in at most 17 x .0015 = 2.6 % of evaluations.
PRIVACY_LEVEL = 0.997

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
    references
        By name of a figure, what it is read beside: ``held_out``, the same share of held-out rows;
        ``exact_frequencies``, what an attack reaches that knows the training frequencies.
    excess
        By name of a share, the lower bound of its difference from that of held-out rows.
    """

    values: dict[str, Interval] = field(default_factory=dict)
    decay: pd.DataFrame = field(default_factory=pd.DataFrame)
    scores: tuple[np.ndarray, np.ndarray] | None = None
    quantiles: pd.DataFrame = field(default_factory=pd.DataFrame)
    closest: tuple[np.ndarray, np.ndarray] | None = None
    references: dict[str, dict[str, float]] = field(default_factory=dict)
    excess: dict[str, float] = field(default_factory=dict)


def fidelity_scores(
    real: np.ndarray,
    other: np.ndarray,
    places: Places,
    *,
    ploidy: int,
    seed: int = 0,
    neighbourhoods: Neighbourhoods | None = None,
) -> Scores:
    """How like real rows others are.

    Parameters
    ----------
    real, other
        Alleles or dosages, int8 (row, variant).
    places
        Of the variants.
    ploidy
        2 for dosages, 1 for haplotypes; genotypes and kinship need dosages.
    seed
        Seed of triplets and subsamples.
    neighbourhoods
        Comparisons made so far.
    """
    compared = neighbourhoods or Neighbourhoods()
    found = Scores()
    values = found.values

    def add(name: str, value: float) -> None:
        values[name] = (value, _NO_BOUND, _NO_BOUND)

    frequency = allele_frequency_agreement(real, other, ploidy=ploidy)
    add("allele_frequency_r", frequency["r"])
    add("allele_frequency_rmse", frequency["rmse"])
    for name in ("lost", "fixed"):
        add(name, frequency[name] / max(frequency["n_polymorphic"], 1))
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
    neighbours = adversarial_accuracy(real, other, seed=seed, neighbourhoods=compared)
    values["aa_truth"] = _share(neighbours["aa_truth"], neighbours["n"])
    values["aa_syn"] = _share(neighbours["aa_syn"], neighbours["n"])
    add("aats", neighbours["aats"])
    manifold = precision_recall_density_coverage(real, other, seed=seed, neighbourhoods=compared)
    for name in ("precision", "recall", "coverage"):
        values[name] = _share(manifold[name], manifold["n"])
    add("density", manifold["density"])
    if ploidy == 2:
        close = nearest_kinship(other, neighbourhoods=compared) > CLOSE_KINSHIP
        values["kin_within"] = _share(close.mean(), len(close))
    return found


def privacy_scores(
    train: np.ndarray,
    test: np.ndarray,
    other: np.ndarray,
    *,
    ploidy: int,
    seed: int = 0,
    neighbourhoods: Neighbourhoods | None = None,
) -> Scores:
    """What the other rows give away of the training rows, with intervals of :data:`PRIVACY_LEVEL`.

    Parameters
    ----------
    train, test, other
        Alleles or dosages, int8 (row, variant).
    ploidy
        2 for dosages, 1 for haplotypes, two consecutive real rows a person; kinship needs dosages.
    seed
        Seed of subsamples and resampling.
    neighbourhoods
        Comparisons made so far.
    """
    compared = neighbourhoods or Neighbourhoods()
    found = Scores()
    values, sets = found.values, (train, test, other)
    people = {"rows_a_person": 2 if ploidy == 1 else 1, "level": PRIVACY_LEVEL, "seed": seed}

    def add_share(
        name: str, value: float, lower: float, upper: float, held_out: float, excess: float
    ) -> None:
        values[name] = (value, lower, upper)
        found.references[name] = {"held_out": held_out}
        found.excess[name] = excess

    nearest = [compared.between(each, train) for each in (other, test)]
    found.closest = (nearest[0].nearest, nearest[1].nearest)
    for name, row in copies(*sets, level=PRIVACY_LEVEL, neighbourhoods=compared).iterrows():
        add_share(str(name), *row[["value", "lower", "upper", "held_out", "excess_lower"]])
    if ploidy == 2:
        close = [each.kinship > CLOSE_KINSHIP for each in nearest]
        add_share("kin_to_train", *excess_share(*close, level=PRIVACY_LEVEL))
    closest, found.quantiles = distance_to_closest_record(*sets, **people, neighbourhoods=compared)  # type: ignore[arg-type]
    values["closest_record_ratio"] = (closest["median_ratio"], _NO_BOUND, _NO_BOUND)
    values["closer_to_train"] = (closest["closer_to_train"], closest["closer_lower"], closest["closer_upper"])
    loss = nearest_neighbour_privacy_loss(*sets, **people, neighbourhoods=compared)  # type: ignore[arg-type]
    values["privacy_loss"] = (loss["privacy_loss"], loss["lower"], loss["upper"])
    attacks = membership_inference(*sets, ploidy=ploidy, **people, neighbourhoods=compared)  # type: ignore[arg-type]
    for (attack, figure), row in attacks.iterrows():
        name = f"{attack}_attack_{figure}"
        values[name] = (row["value"], row["lower"], row["upper"])
        if attack == "frequency":
            found.references[name] = {"exact_frequencies": row["exact_frequencies"]}
    return found


def _share(value: float, n: float) -> Interval:
    lower, upper = wilson_interval(np.array(value * n), np.array(n))
    return float(value), float(lower), float(upper)


def _out_of_proportions(dosage: np.ndarray) -> float:
    counts = [(dosage == value).sum(axis=0) for value in range(3)]
    return float((hardy_weinberg_p(*counts, midp=True) < _HWE_P).mean())
