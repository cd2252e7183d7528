"""Six figures of a classifier on test people, each with a bootstrap interval.

All six are written as functions of how often each person counts, so that one sort of the scores
serves every resample.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.evaluation.resampling import bootstrap_counts, smallest_number_of_units

METRICS = ("auroc", "auprc", "accuracy", "balanced_accuracy", "log_loss", "brier")
HIGHER_IS_BETTER = {
    "auroc": True, "auprc": True, "accuracy": True, "balanced_accuracy": True, "log_loss": False, "brier": False,
}  # fmt: skip


def classification_metrics(
    labels: np.ndarray,
    probabilities: np.ndarray,
    *,
    n_bootstrap: int = 1000,
    seed: int = 0,
    groups: np.ndarray | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Discrimination and calibration of predicted probabilities, with bootstrap intervals.

    An interval is the middle part of the resampled values, moved so that their mean is the value itself.

    Two classes: class 1 is the positive one. More: AUROC and AUPRC are means over classes of one against
    the rest. The Brier score is ``mean((p_1 - y)^2)`` for two classes and ``mean(sum_c (p_c - y_c)^2)``
    for more. The predicted class is the most probable one, the first of equals. Log-loss takes
    probabilities no smaller than the float64 epsilon (2.2e-16). AUPRC is the average precision, without interpolation.

    Classes that no test person belongs to are left out of every mean over classes; with fewer than two
    classes present AUROC and AUPRC are NaN. Intervals are NaN where a class has only one person (or
    one group): resampling cannot see its uncertainty.

    Parameters
    ----------
    labels
        Class indices 0 ... k - 1, shape (sample,).
    probabilities
        Shape (sample, class), rows summing to 1; or, for two classes, that of class 1, shape (sample,).
    n_bootstrap
        Resamples of people, drawn within classes; 0: no intervals.
    seed
        Seed of the resampling. Methods scored with one seed are resampled alike.
    groups
        Family of each person, shape (sample,): whole families are resampled.
    level
        Coverage of the intervals.

    Returns
    -------
    pandas.DataFrame
        Index ``metric`` (:data:`METRICS`), columns ``value``, ``lower``, ``upper``.

    Raises
    ------
    UserError
        Labels or probabilities are not what they should be; the message names the first wrong row.
    """
    labels, probabilities = check_predictions(labels, probabilities)
    n_classes = probabilities.shape[1]
    metrics = weighted_metrics(labels, probabilities)
    values = metrics(np.ones((1, len(labels)), dtype=np.int32))
    table = pd.DataFrame(
        {"value": values[:, 0], "lower": np.nan, "upper": np.nan}, index=pd.Index(METRICS, name="metric")
    )
    if n_bootstrap and smallest_number_of_units(labels, groups) > 1:
        resampled = metrics(bootstrap_counts(labels, n_bootstrap, groups=groups, seed=seed))
        table["lower"], table["upper"] = _interval(resampled, values, level)
        bounded = [name for name in METRICS if name != "log_loss" and (n_classes == 2 or name != "brier")]
        table.loc[bounded, ["lower", "upper"]] = table.loc[bounded, ["lower", "upper"]].clip(0, 1)
    return table


def _interval(resampled: np.ndarray, values: np.ndarray, level: float) -> np.ndarray:
    """Quantiles of resampled values, moved so that their mean is the value itself.

    People recur in a resample, which makes its average precision too high, for rare classes by more than
    the width of the interval; the other figures hardly move.
    """
    centred = resampled - resampled.mean(axis=1, keepdims=True) + values
    return np.quantile(centred, [(1 - level) / 2, (1 + level) / 2], axis=1)


def check_predictions(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Validate, and give two-class probabilities their second column.

    Returns
    -------
    labels : numpy.ndarray
        int64, shape (sample,).
    probabilities : numpy.ndarray
        float64, shape (sample, class).
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    if probabilities.ndim == 1:
        probabilities = np.column_stack([1 - probabilities, probabilities])
    if labels.ndim != 1 or probabilities.ndim != 2 or len(labels) != len(probabilities) or not len(labels):
        raise UserError(
            f"expected one label and one row of probabilities a person, found shapes {labels.shape} "
            f"and {probabilities.shape}"
        )
    n_classes = probabilities.shape[1]
    if n_classes < 2:
        raise UserError("probabilities have one column: expected one a class, at least two")
    wrong = ~np.isin(labels, np.arange(n_classes))
    if wrong.any():
        raise UserError(
            f"label {labels[wrong][0]} in row {np.flatnonzero(wrong)[0]}: expected 0 ... {n_classes - 1}, as "
            f"probabilities have {n_classes} columns (unlabelled people cannot be scored)"
        )
    outside = ~((probabilities >= 0) & (probabilities <= 1))  # also true for NaN
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise UserError(
            f"probability {probabilities[row, column]} in row {row}, class {column}: expected 0 ... 1 without NaN"
        )
    total = probabilities.sum(axis=1)
    off = np.abs(total - 1) > 1e-4
    if off.any():
        row = np.flatnonzero(off)[0]
        raise UserError(
            f"probabilities of row {row} sum to {total[row]:.6g}, expected 1: normalise them, or give "
            "class 1 alone as a one-dimensional array"
        )
    return labels.astype(np.int64), probabilities


def weighted_metrics(labels: np.ndarray, probabilities: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The six metrics as one function of the counts of people.

    Parameters
    ----------
    labels, probabilities
        As :func:`check_predictions` returns them.

    Returns
    -------
    callable
        Maps counts (resample, sample) to values (metric, resample), in the order of :data:`METRICS`.
    """
    n_classes = probabilities.shape[1]
    present = np.unique(labels)
    truth = labels[:, None] == np.arange(n_classes)
    correct = probabilities.argmax(axis=1) == labels
    surprise = -np.log(np.clip(probabilities[np.arange(len(labels)), labels], np.finfo(np.float64).eps, 1))
    squares = ((probabilities - truth) ** 2).sum(axis=1) / (2 if n_classes == 2 else 1)
    ranked = [1] if n_classes == 2 else [int(label) for label in present]
    ranks = [_ranking_metrics(truth[:, label], probabilities[:, label]) for label in ranked]
    # Columns: correct, surprise, squares, then for each class present its correct people, then all of it.
    sums = np.column_stack(
        [correct, surprise, squares, truth[:, present] & correct[:, None], truth[:, present]]
    ).astype(np.float64)

    def metrics(counts: np.ndarray) -> np.ndarray:
        return np.concatenate(
            # Few enough resamples at a time for the processor's cache.
            [some_resamples(counts[start : start + 32]) for start in range(0, len(counts), 32)],
            axis=1,
        )

    def some_resamples(counts: np.ndarray) -> np.ndarray:
        total = counts @ sums
        people = counts.sum(axis=1)
        recall = total[:, 3 : 3 + len(present)] / total[:, 3 + len(present) :]
        if len(present) > 1:
            auroc, auprc = np.mean([rank(counts) for rank in ranks], axis=0)
        else:
            auroc = auprc = np.full(len(counts), np.nan)
        return np.array(
            [
                auroc,
                auprc,
                total[:, 0] / people,
                recall.mean(axis=1),
                total[:, 1] / people,
                total[:, 2] / people,
            ]
        )

    return metrics


def _ranking_metrics(positive: np.ndarray, score: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """AUROC and average precision of one class against the rest, as a function of counts.

    AUROC is the probability that a positive scores above a negative, ties counting one half; average
    precision is the sum over thresholds of (recall gained) x (precision there). Equal scores are one
    threshold.
    """
    order = np.argsort(-score, kind="stable")
    is_positive = positive[order]
    # Last place of each run of equal scores.
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    tied = len(ends) < len(score)

    def metrics(counts: np.ndarray) -> np.ndarray:
        ordered = np.ascontiguousarray(counts.T[order], dtype=np.float32)
        gained = ordered * is_positive[:, None]
        if tied:
            starts = np.append(0, ends[:-1] + 1)
            ordered, gained = np.add.reduceat(ordered, starts), np.add.reduceat(gained, starts)
        # Whole numbers below 2^24: exact in float32.
        above, true = np.cumsum(ordered, axis=0), np.cumsum(gained, axis=0)
        positives = true[-1].astype(np.float64)
        negatives = above[-1] - positives
        # For each run of equal scores: its negatives lose to the positives above, half to its own.
        won = np.einsum("tr,tr->r", ordered - gained, true - gained / 2, dtype=np.float64)
        precision = true / np.maximum(above, 1)
        area = np.einsum("tr,tr->r", gained, precision, dtype=np.float64)
        return np.array([won / (positives * negatives), area / positives])

    return metrics
