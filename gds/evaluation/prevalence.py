r"""From the probability of a case in a case-control sample to that in the population."""

import numpy as np

from gds.errors import UserError


def population_probability(probability: np.ndarray, prevalence: float, case_fraction: float) -> np.ndarray:
    r"""Probability of being a case where a fraction K of people are, by a classifier that learned where w were.

    Sampling by the label multiplies the odds of everyone by the same number, so that

    odds(population) = odds(sample) x [K / (1 - K)] x [(1 - w) / w]

    Source: Prentice and Pyke 1979, Biometrika 66:403; King and Zeng 2001, Political Analysis 9:137, equation 7;
    Elkan 2001, IJCAI 17:973, theorem 2. It takes cases and controls to be drawn at random from all ill and all well.

    Parameters
    ----------
    probability
        At the case fraction of the labelled people learned from, shape (sample,).
    prevalence
        K, 0 < K < 1.
    case_fraction
        w, share of cases among those people, 0 < w < 1.

    Raises
    ------
    UserError
        A share outside its range.
    """
    for name, value in (("prevalence", prevalence), ("case fraction", case_fraction)):
        if not 0 < value < 1:
            raise UserError(f"{name} must lie between 0 and 1, found {value}")
    p = np.asarray(probability, dtype=np.float64)
    case = p * prevalence / case_fraction
    control = (1 - p) * (1 - prevalence) / (1 - case_fraction)
    return case / (case + control)
