"""Recovery rate: can synthetic people replace real ones in training a classifier?"""

import numpy as np

from gds.errors import UserError
from gds.evaluation.calibration import wilson_interval


def recovery_rate(
    labels: np.ndarray, synthetic_predictions: np.ndarray, real_predictions: np.ndarray
) -> dict[str, float]:
    """Accuracy after training on synthetic people over accuracy after training on as many real people.

    A classifier that always says the commonest class recovers chance / accuracy, so chance is given too.

    Parameters
    ----------
    labels
        Class of each held-out real person, shape (sample,).
    synthetic_predictions, real_predictions
        What the classifier trained on synthetic, and that trained on real people, says of them, shape (sample,).

    Returns
    -------
    dict
        ``recovery`` (NaN where nobody is classified correctly after training on real people); ``synthetic`` and
        ``real``, the accuracies; ``synthetic_lower`` and ``synthetic_upper`` (Wilson, 95 %); ``chance``, the share of
        the commonest class.
    """
    if not len(labels) or not labels.shape == synthetic_predictions.shape == real_predictions.shape:
        raise UserError(
            "expected a class and two predictions for each person, found shapes "
            f"{labels.shape}, {synthetic_predictions.shape}, {real_predictions.shape}"
        )
    correct = int((synthetic_predictions == labels).sum())
    synthetic, real = correct / len(labels), float((real_predictions == labels).mean())
    lower, upper = wilson_interval(np.array(correct), np.array(len(labels)))
    return {
        "real": real,
        "synthetic": synthetic,
        "synthetic_lower": float(lower),
        "synthetic_upper": float(upper),
        "recovery": synthetic / real if real else float("nan"),
        "chance": float(np.unique(labels, return_counts=True)[1].max() / len(labels)),
    }
