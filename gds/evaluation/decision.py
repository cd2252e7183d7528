"""Is acting on predictions better than acting on everybody or on nobody? Decision curves."""

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.evaluation.classification import check_predictions

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))


def net_benefit(
    labels: np.ndarray,
    probability: np.ndarray,
    thresholds: tuple[float, ...] = THRESHOLDS,
    *,
    level: float = 0.95,
) -> pd.DataFrame:
    """Net benefit of calling those cases whose probability reaches a threshold.

    Net benefit = TP / n - FP / n x t / (1 - t): who acts at probability t takes 1 - t wrongly treated controls
    for t cases. Source: Vickers and Elkin 2006, Med Decis Making 26:565. Intervals are Wald's, from the
    variance of each person's share, 1 for a case called, -t / (1 - t) for a control called.

    Parameters
    ----------
    labels
        0 or 1, shape (sample,).
    probability
        Of class 1, shape (sample,), at the case fraction of these people.
    thresholds
        Between 0 and 1.
    level
        Coverage of the intervals.

    Returns
    -------
    pandas.DataFrame
        Index ``threshold``; columns ``value``, ``lower``, ``upper``, ``all`` (everyone is called a case; nobody: 0).

    Raises
    ------
    UserError
        A threshold of 0 or 1, or labels and probabilities that do not fit.
    """
    from scipy.special import ndtri

    labels, both = check_predictions(labels, probability)
    if not all(0 < t < 1 for t in thresholds):
        raise UserError(f"thresholds must lie between 0 and 1, found {thresholds}")
    z, n, share = float(ndtri((1 + level) / 2)), len(labels), float(labels.mean())
    rows = {}
    for t in thresholds:
        worth = np.where(labels == 1, 1.0, -t / (1 - t)) * (both[:, 1] >= t)
        half = z * worth.std() / np.sqrt(n)
        value = float(worth.mean())
        rows[t] = {
            "value": value, "lower": value - half, "upper": value + half, "all": share - (1 - share) * t / (1 - t)
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("threshold")
