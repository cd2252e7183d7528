"""Every figure of synthetic genotypes by name, for any pair or triple of sets: the file's and its references' alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gds.evaluation.calibration import wilson_interval
from gds.evaluation.fidelity import (
    CLOSE_KINSHIP,
    allele_frequency_agreement,
    close_relatives,
    heterozygosity_agreement,
    principal_component_distance,
    principal_components,
)
from gds.evaluation.linkage import (
    decay_rmse,
    ld_correlations,
    random_triplets,
    third_moments,
    three_point_figures,
)
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
from gds.genotypes.hwe import share_out_of_proportions

# Coverage of each interval of privacy. A flag is raised by one side; with at most 21 figures that can raise one (8 of
# them of attacks with the model), a generator that gives nothing away is flagged in at most 21 x .0015 = 3.2 % of runs.
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
    others: Mapping[str, np.ndarray],
    places: Places,
    *,
    ploidy: int,
    seed: int = 0,
    neighbourhoods: Neighbourhoods | None = None,
) -> dict[str, Scores]:
    """How like real rows each of several sets is.

    Parameters
    ----------
    real
        Alleles or dosages, int8 (row, variant).
    others
        Sets of such rows, by name.
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
    # What the real rows are like is found out once.
    components = principal_components(real)
    triplets = random_triplets(real.shape[1], seed=seed)
    moments = third_moments(real, triplets)
    linkage = ld_correlations(
        real, others, chromosome=places.chromosome, position=places.position, window=places.window
    )
    found = {}
    for name, other in others.items():
        scores = found[name] = Scores()
        ld, scores.decay = linkage[name]
        distance, *scores.scores = principal_component_distance(  # type: ignore[assignment]
            real, other, components=components
        )
        values = {
            **_frequency_figures(real, other, ploidy),
            "ld_r": ld["r"],
            "ld_rmse": ld["rmse"],
            "ld_strong_kept": ld["strong_kept"],
            "ld_decay_rmse": decay_rmse(scores.decay) if len(scores.decay) else _NO_BOUND,
            "three_point_r": three_point_figures(moments, third_moments(other, triplets))["r"],
            "pc_wasserstein": distance["wasserstein"],
        }
        scores.values = {figure: (value, _NO_BOUND, _NO_BOUND) for figure, value in values.items()}
        scores.values |= _neighbour_figures(real, other, ploidy, seed, compared)
    return found


def _frequency_figures(real: np.ndarray, other: np.ndarray, ploidy: int) -> dict[str, float]:
    frequency = allele_frequency_agreement(real, other, ploidy=ploidy)
    values = {"allele_frequency_r": frequency["r"], "allele_frequency_rmse": frequency["rmse"]}
    values |= {name: frequency[name] / max(frequency["n_polymorphic"], 1) for name in ("lost", "fixed")}
    if ploidy == 2:
        genotype = heterozygosity_agreement(real, other)
        values |= {
            "heterozygosity_r": genotype["r"],
            "inbreeding": genotype["inbreeding_synthetic"],
            "hwe_deviating": share_out_of_proportions(other),
        }
    return values


def _neighbour_figures(
    real: np.ndarray, other: np.ndarray, ploidy: int, seed: int, compared: Neighbourhoods
) -> dict[str, Interval]:
    found = adversarial_accuracy(real, other, seed=seed, neighbourhoods=compared)
    values = {name: _share(found[name], found["n"]) for name in ("aa_truth", "aa_syn")}
    values["aats"] = (found["aats"], _NO_BOUND, _NO_BOUND)
    manifold = precision_recall_density_coverage(real, other, seed=seed, neighbourhoods=compared)
    values |= {name: _share(manifold[name], manifold["n"]) for name in ("precision", "recall", "coverage")}
    values["density"] = (manifold["density"], _NO_BOUND, _NO_BOUND)
    if ploidy == 2:
        values["kin_within"] = _share(close_relatives(other, neighbourhoods=compared), len(other))
    return values


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
