"""Do synthetic people give away those that the generator was trained on: copies, and distances to them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gds.evaluation.calibration import wilson_interval
from gds.evaluation.distances import equal_sizes, nearest_both_ways, nearest_neighbours
from gds.evaluation.membership import frequency_scores, membership_figures

_QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75)


@dataclass(frozen=True)
class RecordDistances:
    """City-block distances to the nearest row of another set, int32, one a row; see :func:`record_distances`."""

    train_to_synthetic: np.ndarray
    test_to_synthetic: np.ndarray
    synthetic_to_train: np.ndarray
    synthetic_to_test: np.ndarray
    test_to_train: np.ndarray


def record_distances(train: np.ndarray, test: np.ndarray, synthetic: np.ndarray) -> RecordDistances:
    """The distances that the figures of this module share, so that each is computed once.

    Parameters
    ----------
    train, test, synthetic
        Alleles or dosages, shape (row, variant), of training people, held-out people and synthetic ones.
    """
    train_to_synthetic, synthetic_to_train = nearest_both_ways(train, synthetic)
    test_to_synthetic, synthetic_to_test = nearest_both_ways(test, synthetic)
    return RecordDistances(
        train_to_synthetic,
        test_to_synthetic,
        synthetic_to_train,
        synthetic_to_test,
        nearest_neighbours(test, train)[0],
    )


def copies(
    train: np.ndarray,
    test: np.ndarray,
    synthetic: np.ndarray,
    *,
    near_quantile: float = 0.01,
    distances: RecordDistances | None = None,
) -> pd.DataFrame:
    """Shares of synthetic rows that copy, or nearly copy, a training row.

    An exact copy differs nowhere. A near copy lies nearer to a training row than the ``near_quantile`` of held-out rows
    do: of rows that were drawn independently of those trained on, at most that share does.

    Parameters
    ----------
    train, test, synthetic
        Alleles or dosages, shape (row, variant), of training people, held-out people and synthetic ones.
    near_quantile
        Quantile of the held-out distances below which a row is a near copy.
    distances
        Those of these three sets, where they are known already.

    Returns
    -------
    pandas.DataFrame
        Index ``exact_copies``, ``near_copies``; columns ``value``, ``lower``, ``upper`` (Wilson), ``held_out`` (the
        same share of held-out rows) and ``distance`` (the greatest that counts).
    """
    distances = distances or record_distances(train, test, synthetic)
    distance, baseline = distances.synthetic_to_train, distances.test_to_train
    # "lower" keeps the bound a distance that occurs, so the held-out share strictly below it is at most the quantile.
    bound = int(np.quantile(baseline, near_quantile, method="lower"))
    rows = {}
    for name, greatest in (("exact_copies", 0), ("near_copies", max(bound - 1, 0))):
        n = int((distance <= greatest).sum())
        lower, upper = wilson_interval(np.array(n), np.array(len(distance)))
        rows[name] = [n / len(distance), lower, upper, (baseline <= greatest).mean(), greatest]
    columns = ["value", "lower", "upper", "held_out", "distance"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).astype(float)


def distance_to_closest_record(
    train: np.ndarray,
    test: np.ndarray,
    synthetic: np.ndarray,
    *,
    seed: int = 0,
    distances: RecordDistances | None = None,
) -> tuple[dict[str, float], pd.DataFrame]:
    """Distances of synthetic rows to the nearest training row, beside those of held-out rows.

    Parameters
    ----------
    train, test, synthetic
        Alleles or dosages, shape (row, variant).
    seed
        Seed of the subsampling of training and held-out rows to equal numbers, for ``closer_to_train``.
    distances
        Those of these three sets, where they are known already.

    Returns
    -------
    figures : dict
        ``median_ratio``: median distance of synthetic rows to training rows over that of held-out rows (NaN if that is
        0). ``closer_to_train``: share of synthetic rows nearer to a training row than to a held-out one, among equally
        many of both, ties counted by half (.5 when nothing was memorised), with ``closer_lower`` and
        ``closer_upper`` (Wilson; given these training and held-out rows).
    quantiles : pandas.DataFrame
        Index ``quantile``; columns ``synthetic`` and ``held_out``: distances to the nearest training row, in alleles.
    """
    distances = distances or record_distances(train, test, synthetic)
    distance, baseline = distances.synthetic_to_train, distances.test_to_train
    median = float(np.median(baseline))
    some_train, some_test = equal_sizes(train, test, seed=seed)
    to_train = distance if some_train is train else nearest_neighbours(synthetic, some_train)[0]
    to_test = (
        distances.synthetic_to_test if some_test is test else nearest_neighbours(synthetic, some_test)[0]
    )
    wins = float((to_train < to_test).sum() + 0.5 * (to_train == to_test).sum())
    lower, upper = wilson_interval(np.array(wins), np.array(len(synthetic)))
    figures = {
        "median_ratio": float(np.median(distance)) / median if median else float("nan"),
        "closer_to_train": wins / len(synthetic),
        "closer_lower": float(lower),
        "closer_upper": float(upper),
    }
    quantiles = pd.DataFrame(
        {
            "synthetic": np.quantile(distance, _QUANTILES),
            "held_out": np.quantile(baseline, _QUANTILES),
        },
        index=pd.Index(_QUANTILES, name="quantile"),
    )
    return figures, quantiles


def membership_inference(
    train: np.ndarray,
    test: np.ndarray,
    synthetic: np.ndarray,
    *,
    ploidy: int = 2,
    seed: int = 0,
    distances: RecordDistances | None = None,
) -> pd.DataFrame:
    """Two attacks that need nothing but the synthetic file: by distance, and by allele frequencies.

    Parameters
    ----------
    train, test, synthetic
        Alleles or dosages, shape (row, variant); ``test`` serves as the others and as the reference population.
    ploidy
        2 for dosages, 1 for haplotypes.
    seed
        Seed of the bootstrap.
    distances
        Those of these three sets, where they are known already.

    Returns
    -------
    pandas.DataFrame
        Index ``attack`` (``distance``, ``frequency``) and ``figure``; columns as :func:`membership_figures` gives them.
    """
    distances = distances or record_distances(train, test, synthetic)
    # The nearer a synthetic row, the likelier a member.
    by_distance = [-distances.train_to_synthetic, -distances.test_to_synthetic]
    by_frequency = [
        frequency_scores(train, synthetic, test, ploidy=ploidy),
        frequency_scores(test, synthetic, test, ploidy=ploidy, people_are_reference=True),
    ]
    tables = {
        "distance": membership_figures(*by_distance, seed=seed),
        "frequency": membership_figures(*by_frequency, seed=seed),
    }
    return pd.concat(tables, names=["attack", "figure"])
