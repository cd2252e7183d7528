"""Do people given a risk of 30 % fall ill in 30 of 100 cases?"""

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri

from gds.errors import UserError
from gds.evaluation.classification import check_predictions


def reliability_curve(
    labels: np.ndarray, probability: np.ndarray, *, n_bins: int = 10, level: float = 0.95
) -> pd.DataFrame:
    """Observed frequency of class 1 among people of similar predicted probability.

    Parameters
    ----------
    labels
        0 or 1, shape (sample,).
    probability
        Predicted probability of class 1, shape (sample,).
    n_bins
        Bins of (nearly) equal numbers of people; people of equal probability share a bin, so there may be fewer.
    level
        Coverage of the Wilson score intervals.

    Returns
    -------
    pandas.DataFrame
        One row a bin: ``predicted`` (mean), ``observed``, ``lower``, ``upper``, ``n``.
    """
    labels, probability = _two_classes(labels, probability)
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, n_bins + 1)[1:-1]))
    people = pd.DataFrame({"predicted": probability, "observed": labels})
    table = people.groupby(np.searchsorted(edges, probability, side="left")).agg(
        predicted=("predicted", "mean"), observed=("observed", "mean"), n=("observed", "size")
    )
    table["lower"], table["upper"] = wilson_interval(
        (table["observed"] * table["n"]).to_numpy(), table["n"].to_numpy(), level
    )
    return table.reset_index(drop=True)[["predicted", "observed", "lower", "upper", "n"]]


def wilson_interval(successes: np.ndarray, n: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Score interval of a proportion (Wilson 1927): lower and upper bound, shape (2, ...)."""
    z = ndtri((1 + level) / 2)
    successes, n = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    centre = (successes + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(successes * (n - successes) / n + z**2 / 4)
    return np.stack([np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)])


def calibration_table(labels: np.ndarray, probability: np.ndarray, *, level: float = 0.95) -> pd.DataFrame:
    """Calibration slope and calibration in the large, with Wald intervals.

    ``slope`` is b in logit P(y = 1) = a + b logit p, 1 when calibrated, below 1 when predictions are too
    extreme. ``intercept`` is a with b fixed at 1 (calibration in the large): 0 when the mean risk is right, below 0
    when it is overestimated.

    Predictions of exactly 0 or 1 are taken as 1e-6 from there, the logit being infinite. Where no finite
    estimate exists (all predictions equal: no slope; cases and controls separated; one class only) the row is NaN.

    Parameters
    ----------
    labels
        0 or 1, shape (sample,).
    probability
        Predicted probability of class 1, shape (sample,).
    level
        Coverage of the intervals.

    Returns
    -------
    pandas.DataFrame
        Index ``slope``, ``intercept``; columns ``value``, ``lower``, ``upper``.

    Notes
    -----
    Cox 1958; Van Calster et al. 2019, BMC Medicine 17:230.
    """
    labels, probability = _two_classes(labels, probability)
    score = logit(np.clip(probability, 1e-6, 1 - 1e-6))
    ones = np.ones_like(score)
    z = ndtri((1 + level) / 2)
    rows = {}
    fits = {"slope": (np.column_stack([ones, score]), 0.0, 1), "intercept": (ones[:, None], score, 0)}
    for name, (design, offset, column) in fits.items():
        estimate, error = _logistic_fit(design, labels, offset, column)
        rows[name] = {"value": estimate, "lower": estimate - z * error, "upper": estimate + z * error}
    return pd.DataFrame.from_dict(rows, orient="index")


def _logistic_fit(
    design: np.ndarray, labels: np.ndarray, offset: np.ndarray | float, column: int
) -> tuple[float, float]:
    """Newton's method for an unpenalised logistic regression: one coefficient and its standard error."""
    coefficients = np.zeros(design.shape[1])
    for _ in range(50):
        fitted = expit(design @ coefficients + offset)
        information = design.T @ (design * (fitted * (1 - fitted))[:, None])
        if np.linalg.matrix_rank(information, tol=1e-9) < len(information):
            return np.nan, np.nan
        step = np.linalg.solve(information, design.T @ (labels - fitted))
        # Far starts can overshoot; a bounded step still converges, as the likelihood is concave.
        coefficients = coefficients + step * min(1, 2 / np.abs(step).max(initial=1e-300))
        if np.abs(step).max() < 1e-10:
            return float(coefficients[column]), float(np.sqrt(np.linalg.inv(information)[column, column]))
    return np.nan, np.nan


def _two_classes(labels: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if np.ndim(probability) != 1:
        raise UserError(
            f"calibration is that of one class: give its probability, shape (sample,), found {np.shape(probability)}"
        )
    labels, both = check_predictions(labels, probability)
    return labels, both[:, 1]
