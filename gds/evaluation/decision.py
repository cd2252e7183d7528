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
    prevalence: float | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Net benefit of calling those cases whose probability reaches a threshold.

    Net benefit = TP / n - FP / n x t / (1 - t): who acts at probability t takes 1 - t wrongly treated controls
    for t cases. Source: Vickers and Elkin 2006, Med Decis Making 26:565. Intervals are Wald's, from the
    variance of each person's share, 1 for a case called, -t / (1 - t) for a control called.

    With a prevalence K, cases and controls stand for those of a population: net benefit =
    K TPR - (1 - K) FPR t / (1 - t), with the variance of two independent shares.

    Parameters
    ----------
    labels
        0 or 1, shape (sample,).
    probability
        Of class 1, shape (sample,), at the case fraction of these people, or with ``prevalence`` in the population
        (:func:`gds.evaluation.prevalence.population_probability`).
    thresholds
        Between 0 and 1.
    prevalence
        K, 0 < K < 1; None: that of these people.
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
    if prevalence is not None and (not 0 < prevalence < 1 or not 0 < share < 1):
        raise UserError(
            f"a prevalence between 0 and 1 and people of both classes are needed, found {prevalence}"
        )
    everyone = share if prevalence is None else prevalence
    rows = {}
    for t in thresholds:
        called = both[:, 1] >= t
        if prevalence is None:
            worth = np.where(labels == 1, 1.0, -t / (1 - t)) * called
            value, half = float(worth.mean()), z * worth.std() / np.sqrt(n)
        else:
            shares = np.array([called[labels == 1].mean(), called[labels == 0].mean()])
            weight = np.array([prevalence, -(1 - prevalence) * t / (1 - t)])
            value = float(weight @ shares)
            error = weight**2 @ (shares * (1 - shares) / (n * np.array([share, 1 - share])))
            half = z * np.sqrt(error)
        rows[t] = {
            "value": value, "lower": value - half, "upper": value + half, "all": everyone - (1 - everyone) * t / (1 - t)
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("threshold")
