r"""How well a disease can be predicted from genotypes at best, under the liability-threshold model.

A person's liability is l = g + e with g ~ N(0, h2) from the genotypes, e ~ N(0, 1 - h2) from everything
else, and people with l > T = Phi^-1(1 - K) are ill. A perfect classifier knows g exactly; it cannot know e.

Source: Wray, Yang, Goddard and Visscher 2010, PLoS Genetics 6:e1000864.
"""

import numpy as np
from scipy.special import ndtr, ndtri

from gds.errors import UserError


def auroc_ceiling(prevalence: float, heritability: float) -> float:
    r"""Largest AUROC that any function of the genotypes can reach.

    With T = Phi^-1(1 - K), i = phi(T) / K and v = -i K / (1 - K) (equation 3 of Wray et al. 2010):

    AUC = Phi( (i - v) h2 / sqrt( h2 [ (1 - h2 i (i - T)) + (1 - h2 v (v - T)) ] ) )

    It takes g to be normal among the ill and among the well.

    Parameters
    ----------
    prevalence
        Lifetime risk K in the population, 0 ... 1 (ALS: about 1 / 350).
    heritability
        Variance h2 of liability that the genotyped variants explain, 0 ... 1 (ALS: about .085).

    Returns
    -------
    float
        Between .5 and 1; case-control sampling does not change it.

    Raises
    ------
    UserError
        A parameter lies outside its range.
    """
    threshold = _threshold(prevalence, heritability)
    if heritability == 0:
        return 0.5
    ill, well = _mean_liability(prevalence, threshold)
    spread = (1 - heritability * ill * (ill - threshold)) + (1 - heritability * well * (well - threshold))
    return float(ndtr((ill - well) * heritability / np.sqrt(heritability * spread)))


def balanced_accuracy_ceiling(prevalence: float, heritability: float) -> float:
    """Largest mean of sensitivity and specificity that any function of the genotypes can reach.

    The best rule calls a person ill whose risk Phi((g - T) / sqrt(1 - h2)) exceeds the prevalence K:
    then the density of g among the ill exceeds that among the well. The rule is g > c with
    c = T (1 - sqrt(1 - h2)), and the ceiling is (sensitivity + specificity) / 2 there.

    Parameters
    ----------
    prevalence, heritability
        As in :func:`auroc_ceiling`.
    """
    return accuracy_ceiling(prevalence, heritability, case_fraction=0.5)


def accuracy_ceiling(prevalence: float, heritability: float, case_fraction: float) -> float:
    """Largest accuracy among people of whom a given fraction are cases.

    With w cases sampled at random from the ill and 1 - w controls from the well, risk r(g) =
    Phi((g - T) / sqrt(1 - h2)) in the population becomes odds r / (1 - r) x (1 - K) / K x w / (1 - w) in the
    sample. The best rule calls those ill whose odds exceed 1, that is g > c with

    c = T + sqrt(1 - h2) Phi^-1(q),  q = K (1 - w) / (K (1 - w) + (1 - K) w),

    and the ceiling is w P(g > c | ill) + (1 - w) P(g < c | well), where
    P(g > c, ill) = integral over g > c of phi(g / h) / h Phi((g - T) / sqrt(1 - h2)) dg.

    Parameters
    ----------
    prevalence, heritability
        As in :func:`auroc_ceiling`.
    case_fraction
        Fraction w of cases among the people who are classified, 0 < w < 1.

    Returns
    -------
    float
        At least max(w, 1 - w), which a constant answer reaches.
    """
    threshold = _threshold(prevalence, heritability)
    if not 0 < case_fraction < 1:
        raise UserError(f"case fraction must lie between 0 and 1, found {case_fraction}")
    w = case_fraction
    if heritability == 0:
        return max(w, 1 - w)
    odd = prevalence * (1 - w)
    cut = threshold + np.sqrt(1 - heritability) * ndtri(odd / (odd + (1 - prevalence) * w))
    ill_above = _ill_above(cut, threshold, heritability)
    above = ndtr(-cut / np.sqrt(heritability))
    sensitivity = ill_above / prevalence
    specificity = 1 - (above - ill_above) / (1 - prevalence)
    return float(w * sensitivity + (1 - w) * specificity)


def _threshold(prevalence: float, heritability: float) -> float:
    if not 0 < prevalence < 1:
        raise UserError(f"prevalence must lie between 0 and 1 (ALS: 0.00286), found {prevalence}")
    if not 0 <= heritability <= 1:
        raise UserError(f"heritability on the liability scale must lie between 0 and 1, found {heritability}")
    return float(ndtri(1 - prevalence))


def _mean_liability(prevalence: float, threshold: float) -> tuple[float, float]:
    """Mean liability i of the ill and v of the well, in population standard deviations."""
    ill = np.exp(-(threshold**2) / 2) / np.sqrt(2 * np.pi) / prevalence
    return ill, -ill * prevalence / (1 - prevalence)


def _ill_above(cut: float, threshold: float, heritability: float) -> float:
    """P(g > cut and ill), by Gauss-Legendre quadrature over the ten standard deviations above the cut."""
    sd = np.sqrt(heritability)
    if heritability == 1:
        return float(ndtr(-max(cut, threshold)))
    low, high = np.clip([cut / sd, 10], -10, 10)
    node, weight = np.polynomial.legendre.leggauss(400)
    z = low + (high - low) * (node + 1) / 2
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    risk = ndtr((z * sd - threshold) / np.sqrt(1 - heritability))
    return float((high - low) / 2 * np.sum(weight * density * risk))
