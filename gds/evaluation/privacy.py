"""Do synthetic people give away those that the generator was trained on: copies, and distances to them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from gds.evaluation.calibration import wilson_interval
from gds.evaluation.distances import equal_sizes
from gds.evaluation.frequency_attack import frequency_attack
from gds.evaluation.membership import membership_figures
from gds.evaluation.neighbourhoods import Neighbourhoods
from gds.evaluation.neighbours import by_person

_QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75)


@dataclass(frozen=True)
class RecordDistances:
    """City-block distances to the nearest row of another set, int32, one a row; see :func:`record_distances`."""

    train_to_synthetic: np.ndarray
    test_to_synthetic: np.ndarray
    synthetic_to_train: np.ndarray
    synthetic_to_test: np.ndarray
    test_to_train: np.ndarray


def record_distances(
    train: np.ndarray,
    test: np.ndarray,
    synthetic: np.ndarray,
    neighbourhoods: Neighbourhoods | None = None,
) -> RecordDistances:
    """The distances that the figures of this module share.

    Parameters
    ----------
    train, test, synthetic
        Alleles or dosages, shape (row, variant), of training people, held-out people and synthetic ones.
    neighbourhoods
        Comparisons made so far.
    """
    compared = neighbourhoods or Neighbourhoods()
    return RecordDistances(
        compared.between(train, synthetic).nearest,
        compared.between(test, synthetic).nearest,
        compared.between(synthetic, train).nearest,
        compared.between(synthetic, test).nearest,
        compared.between(test, train).nearest,
    )


def copies(
    train: np.ndarray,
    test: np.ndarray,
    synthetic: np.ndarray,
    *,
    near_quantile: float = 0.01,
    level: float = 0.95,
    neighbourhoods: Neighbourhoods | None = None,
) -> pd.DataFrame:
    """Shares of synthetic rows that copy, or nearly copy, a training row.

    An exact copy differs nowhere. A near copy lies nearer to a training row than the ``near_quantile`` of held-out rows
    do: of rows that were drawn independently of those trained on, at most about that share does.

    Parameters
    ----------
    train, test, synthetic
        Alleles or dosages, shape (row, variant), of training people, held-out people and synthetic ones.
    near_quantile
        Quantile of the held-out distances below which a row is a near copy.
    level
        Coverage of the intervals.
    neighbourhoods
        Comparisons made so far.

    Returns
    -------
    pandas.DataFrame
        Index ``exact_copies``, ``near_copies``; columns ``value``, ``lower``, ``upper`` (Wilson), ``held_out`` (the
        same share of held-out rows), ``excess_lower`` (lower bound of the difference of the two shares) and
        ``distance`` (the greatest that counts).
    """
    distances = record_distances(train, test, synthetic, neighbourhoods)
    distance, baseline = distances.synthetic_to_train, distances.test_to_train
    # "lower" keeps the bound a distance that occurs, so the held-out share strictly below it is at most the quantile.
    bound = int(np.quantile(baseline, near_quantile, method="lower"))
    rows = {}
    for name, greatest in (("exact_copies", 0), ("near_copies", max(bound - 1, 0))):
        rows[name] = [*excess_share(distance <= greatest, baseline <= greatest, level=level), greatest]
    columns = ["value", "lower", "upper", "held_out", "excess_lower", "distance"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).astype(float)


def excess_share(found: np.ndarray, baseline: np.ndarray, *, level: float = 0.95) -> tuple[float, ...]:
    """A share, and by how much it surely exceeds another.

    Parameters
    ----------
    found, baseline
        Of each row whether it counts, bool, shapes (row,) and (other,).
    level
        Coverage of the intervals.

    Returns
    -------
    tuple of float
        Share of ``found`` with its lower and upper Wilson bound, share of ``baseline``, and the lower bound of their
        difference (Newcombe 1998, Statistics in Medicine 17:873, method 10).
    """
    counts, sizes = np.array([found.sum(), baseline.sum()]), np.array([len(found), len(baseline)])
    share, other = counts / sizes
    (lower, _), (upper, other_upper) = wilson_interval(counts, sizes, level)
    excess_lower = share - other - np.hypot(share - lower, other_upper - other)
    return float(share), float(lower), float(upper), float(other), float(excess_lower)


def distance_to_closest_record(
    train: np.ndarray,
    test: np.ndarray,
    synthetic: np.ndarray,
    *,
    rows_a_person: int = 1,
    level: float = 0.95,
    seed: int = 0,
    neighbourhoods: Neighbourhoods | None = None,
) -> tuple[dict[str, float], pd.DataFrame]:
    """Distances of synthetic rows to the nearest training row, beside those of held-out rows.

    Parameters
    ----------
    train, test, synthetic
        Alleles or dosages, shape (row, variant).
    rows_a_person
        Consecutive real rows of one person: 2 for haplotypes.
    level
        Coverage of the interval.
    seed
        Seed of the subsampling of training and held-out people to equal numbers, for ``closer_to_train``.
    neighbourhoods
        Comparisons made so far.

    Returns
    -------
    figures : dict
        ``median_ratio``: median distance of synthetic rows to training rows over that of held-out rows (NaN if that is
        0). ``closer_to_train``: share of synthetic rows nearer to a training row than to a held-out one, among equally
        many of both, ties counted by half (.5 when nothing was memorised), with ``closer_lower`` and
        ``closer_upper``: its standard error is that of the same share after training and held-out people have been
        exchanged at random, so that a person who is the nearest of many synthetic rows counts once.
    quantiles : pandas.DataFrame
        Index ``quantile``; columns ``synthetic`` and ``held_out``: distances to the nearest training row, in alleles.
    """
    compared = neighbourhoods or Neighbourhoods()
    distances = record_distances(train, test, synthetic, compared)
    distance, baseline = distances.synthetic_to_train, distances.test_to_train
    median = float(np.median(baseline))
    people = equal_sizes(train, test, seed=seed, rows_a_unit=(rows_a_person, rows_a_person))
    to_train, to_test = (compared.between(synthetic, each) for each in people)
    win = (to_train.nearest < to_test.nearest) + 0.5 * (to_train.nearest == to_test.nearest)
    closer = float(win.mean())
    # What each person contributes, training people first.
    weights = np.concatenate(
        [
            by_person(np.bincount(each.index, weights=won, minlength=len(rows)), rows_a_person)
            for each, won, rows in ((to_train, win, people[0]), (to_test, 1 - win, people[1]))
        ]
    )
    # Half of the people drawn without replacement are the training people.
    half = ndtri((1 + level) / 2) * rows_a_person * np.sqrt(len(weights) / 4 * weights.var(ddof=1)) / len(win)
    figures = {
        "median_ratio": float(np.median(distance)) / median if median else float("nan"),
        "closer_to_train": closer,
        "closer_lower": max(closer - half, 0.0),
        "closer_upper": min(closer + half, 1.0),
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
    rows_a_person: int = 1,
    level: float = 0.95,
    seed: int = 0,
    neighbourhoods: Neighbourhoods | None = None,
) -> pd.DataFrame:
    """Two attacks that need nothing but the synthetic file: by distance, and by allele frequencies.

    Parameters
    ----------
    train, test, synthetic
        Alleles or dosages, shape (row, variant); ``test`` serves as the others and as the reference population.
    ploidy
        2 for dosages, 1 for haplotypes.
    rows_a_person
        Consecutive real rows of one person: 2 for haplotypes.
    level
        Coverage of the intervals.
    seed
        Seed of the bootstrap.
    neighbourhoods
        Comparisons made so far.

    Returns
    -------
    pandas.DataFrame
        Index ``attack`` (``distance``, ``frequency``) and ``figure``; columns as
        :func:`gds.evaluation.membership.membership_figures` gives them.
    """
    distances = record_distances(train, test, synthetic, neighbourhoods)
    tables = {
        # The nearer a synthetic row, the likelier a member.
        "distance": membership_figures(
            -distances.train_to_synthetic,
            -distances.test_to_synthetic,
            rows_a_person=rows_a_person,
            level=level,
            seed=seed,
        ),
        "frequency": frequency_attack(
            train, test, synthetic, ploidy=ploidy, rows_a_person=rows_a_person, level=level, seed=seed
        ),
    }
    return pd.concat(tables, names=["attack", "figure"])
