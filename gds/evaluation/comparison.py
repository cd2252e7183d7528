"""Is one classifier better than another: on the same people, or over repeated splits."""

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.evaluation.classification import METRICS, check_predictions, weighted_metrics
from gds.evaluation.resampling import bootstrap_counts, smallest_number_of_units


def paired_difference(
    labels: np.ndarray,
    probabilities: np.ndarray,
    reference: np.ndarray,
    *,
    n_bootstrap: int = 1000,
    seed: int = 0,
    groups: np.ndarray | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Difference of each metric between two classifiers of the same people.

    Both are scored on the same resamples, so what makes a person hard for both cancels. A difference
    whose interval holds 0 is no evidence of one.

    Parameters
    ----------
    labels
        Class indices, shape (sample,).
    probabilities, reference
        Of the classifier and of the one it is compared with; see :func:`classification_metrics`.
    n_bootstrap, seed, groups, level
        As in :func:`classification_metrics`.

    Returns
    -------
    pandas.DataFrame
        Index ``metric``; columns ``value`` (classifier minus reference), ``lower``, ``upper`` and ``p_value``
        (two-sided: twice the smaller share of resampled differences on one side of 0, at least
        2 / (n_bootstrap + 1)).
    """
    classes, first = check_predictions(labels, probabilities)
    _, second = check_predictions(labels, reference)
    if first.shape != second.shape:
        raise UserError(f"classifiers of {first.shape[1]} and {second.shape[1]} classes cannot be compared")
    metrics = weighted_metrics(classes, first), weighted_metrics(classes, second)
    once = np.ones((1, len(classes)), dtype=np.int32)
    value = metrics[0](once) - metrics[1](once)
    table = pd.DataFrame(
        {"value": value[:, 0], "lower": np.nan, "upper": np.nan, "p_value": np.nan},
        index=pd.Index(METRICS, name="metric"),
    )
    if n_bootstrap and smallest_number_of_units(classes, groups) > 1:
        counts = bootstrap_counts(classes, n_bootstrap, groups=groups, seed=seed)
        resampled = metrics[0](counts) - metrics[1](counts)
        table["lower"], table["upper"] = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2], axis=1)
        sides = np.minimum((resampled <= 0).sum(axis=1), (resampled >= 0).sum(axis=1))
        p_value = np.minimum(1, 2 * (sides + 1) / (n_bootstrap + 1))
        table["p_value"] = np.where(np.isnan(value[:, 0]), np.nan, p_value)
    return table


def corrected_resampled_t_test(
    differences: np.ndarray, n_train: int, n_test: int, *, level: float = 0.95
) -> pd.Series:
    """Test a mean difference over repeated random splits of the same people.

    Splits share people, so their differences are correlated and an ordinary t-test is far too sure.
    The variance of the mean of J splits is taken as (1 / J + n_test / n_train) s^2.

    Parameters
    ----------
    differences
        Metric of one classifier minus that of another in each split, shape (split,).
    n_train, n_test
        People who train and are tested in each split.
    level
        Coverage of the interval.

    Returns
    -------
    pandas.Series
        ``value``, ``lower``, ``upper``, ``p_value`` (two-sided).

    Notes
    -----
    Nadeau and Bengio 2003, Machine Learning 52:239-281.
    """
    from scipy.stats import t

    differences = np.asarray(differences, dtype=np.float64)
    n = len(differences)
    if n < 2:
        raise UserError(f"{n} split: a test over splits needs at least two")
    mean = differences.mean()
    error = np.sqrt((1 / n + n_test / n_train) * differences.var(ddof=1))
    half = t.ppf((1 + level) / 2, n - 1) * error
    if error > 0:
        p_value = 2 * t.sf(abs(mean) / error, n - 1)
    else:
        p_value = 1.0 if mean == 0 else 0.0
    return pd.Series({"value": mean, "lower": mean - half, "upper": mean + half, "p_value": p_value})
