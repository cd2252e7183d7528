"""Published marginal effects made into joint ones: LDpred-inf and lassosum, block by block.

Effects here are correlations: of standardised dosages with a standardised trait (for a disease, at equal numbers of
cases and controls). With R the correlation of the variants of a block, marginal effects r estimate R b.
"""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from gds.errors import UserError
from gds.genotypes.ld_reference import LDBlock

LASSO_PENALTIES = tuple(np.geomspace(0.001, 0.1, 10))
LASSO_SHRINKAGE = (0.2, 0.5, 0.9)
SMALLEST_HERITABILITY = 1e-4


def marginal_effects(z: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Correlations that z-scores amount to: z / sqrt(n + z^2) (Mak et al. 2017, section 2.1, for large n).

    Parameters
    ----------
    z
        Z-scores, (variant,).
    n
        Effective people, (variant,).
    """
    return z / np.sqrt(n + z**2)


def implied_sample_size(standard_error: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Effective people that standard errors of log odds imply: var(b) = 2 / (n f (1 - f)) without an effect.

    Parameters
    ----------
    standard_error
        Of log odds per allele, (variant,).
    frequency
        Of either allele, (variant,).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return 2 / (standard_error**2 * frequency * (1 - frequency))


def heritability_from_z(z: np.ndarray, n: np.ndarray, blocks: Sequence[LDBlock]) -> float:
    """Share of the variance that these variants explain together, from how far z-scores exceed chance.

    E[z_j^2] = 1 + n_j h2 l_j / m, l_j the sum of r2 of variant j with all others, so that

        h2 = m sum(z^2 - 1) / sum(n l)

    (LD score regression through 1: Bulik-Sullivan et al. 2015; sums instead of a weighted fit). Clipped to
    .0001 ... 1: population structure in the study, which an intercept would catch, counts as heritability.

    Parameters
    ----------
    z, n
        Of each variant, (variant,).
    blocks
        LD of the same variants.
    """
    scores = np.ones(len(z))
    for block in blocks:
        square = block.correlation**2
        # r2 of unlinked variants is about 1 / n by chance.
        unbiased = square - (1 - square) / max(block.n_people - 2, 1)
        scores[block.variants] = np.maximum(unbiased.sum(axis=1), 1)
    found = len(z) * float((z**2 - 1).sum()) / float((n * scores).sum())
    return float(np.clip(found, SMALLEST_HERITABILITY, 1.0))


def ldpred_inf(r: np.ndarray, n: np.ndarray, blocks: Sequence[LDBlock], heritability: float) -> np.ndarray:
    """Posterior mean effects if every variant has one, N(0, h2 / m): (R + diag(m / (n h2)))^-1 r.

    Vilhjalmsson et al. 2015, equation 2 ("LDpred-inf"); with one n for all variants exactly that.

    Parameters
    ----------
    r, n
        Marginal effects and effective people, (variant,).
    blocks
        LD of these variants.
    heritability
        h2 of these variants together, in (0, 1].

    Returns
    -------
    numpy.ndarray
        Joint effects, float64 (variant,).
    """
    if not 0 < heritability <= 1:
        raise UserError(f"expected a heritability above 0 and up to 1, found {heritability}")
    effects = np.zeros(len(r))
    for block in blocks:
        here = block.variants
        noise = len(r) / (n[here] * heritability)
        effects[here] = cho_solve(cho_factor(block.correlation + np.diag(noise)), r[here])
    return effects


def lassosum(
    r: np.ndarray,
    blocks: Sequence[LDBlock],
    penalties: Sequence[float] = LASSO_PENALTIES,
    shrinkage: float = 0.5,
) -> np.ndarray:
    """Sparse joint effects: the minimum of b' R_s b - 2 b' r + 2 lambda |b|_1, R_s = (1 - s) R + s I.

    Mak et al. 2017, equation 4. R_s = L L', so that with X = L' and y = L^-1 r the minimum is that of
    |y - X b|^2 + 2 lambda |b|_1: scikit-learn's lasso does the descent.

    Parameters
    ----------
    r
        Marginal effects, (variant,).
    blocks
        LD of these variants.
    penalties
        Values of lambda.
    shrinkage
        s, above 0 and up to 1; 1 ignores LD.

    Returns
    -------
    numpy.ndarray
        Joint effects, float64 (variant, penalty).
    """
    from sklearn.linear_model import lasso_path

    if not 0 < shrinkage <= 1:
        raise UserError(f"expected a shrinkage s above 0 and up to 1, found {shrinkage}")
    order = np.argsort(penalties)[::-1]  # the path goes down
    effects = np.zeros((len(r), len(penalties)))
    for block in blocks:
        here, m = block.variants, len(block.variants)
        factor = np.linalg.cholesky((1 - shrinkage) * block.correlation + shrinkage * np.eye(m))
        target = np.linalg.solve(factor, r[here])
        # scikit-learn minimises |y - X b|^2 / (2 m) + alpha |b|_1.
        alphas = np.asarray(penalties, dtype=np.float64)[order] / m
        _, path, _ = lasso_path(factor.T, target, alphas=alphas, tol=1e-6, max_iter=10_000)
        effects[np.ix_(here, order)] = path
    return effects
