"""Several calibrated methods as one."""

from collections.abc import Sequence

import numpy as np
from scipy.special import softmax

SMALLEST_PROBABILITY = 1e-6  # one method that is sure and wrong must not decide


def mean_log_posterior(probabilities: Sequence[np.ndarray], *, product: bool = False) -> np.ndarray:
    """Class probabilities of an ensemble: the geometric mean of its members', normalised.

    Parameters
    ----------
    probabilities
        Of each member, for the same people and classes, shape (sample, class).
    product
        The product instead of the geometric mean: right for members whose errors are independent, too sure otherwise.
        The most probable class is the same.

    Returns
    -------
    numpy.ndarray
        Shape (sample, class).
    """
    total = sum(np.log(np.maximum(member, SMALLEST_PROBABILITY)) for member in probabilities)
    return softmax(total if product else total / len(probabilities), axis=1)
