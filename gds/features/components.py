"""Leading eigenvectors of a block's covariance, by a solver that gives the same bits every time.

Blocks of up to ``DENSE`` variants go to LAPACK. Larger ones go to a block Krylov method with full
re-orthogonalisation, a fixed start and thick restarts (Golub and Van Loan 2013, section 10.3.6): a dozen
products with the covariance instead of its tridiagonalisation. It stops when the residuals say that it is
done, and hands over to LAPACK when they do not get there. All of it is float64 on one BLAS thread.
"""

import numpy as np
from scipy.linalg import lapack

DENSE = 400
# Eigenvalues below this share of the largest are rounding: their components are padding.
NEGLIGIBLE = 1e-10
# An eigenvector's error is at most its residual over the gap to the next eigenvalue.
_TOLERANCE = 1e-9
_GUARD = 8
_STEPS = 6
_RESTARTS = 12


def leading_components(covariance: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenpairs with the largest eigenvalues; those with a negligible eigenvalue are left out.

    Parameters
    ----------
    covariance
        Symmetric, positive semi-definite, float64 (variant, variant).
    n_components
        How many at most.

    Returns
    -------
    eigenvalues
        Descending, float64 (component,).
    eigenvectors
        float64 (variant, component), each with the sign of :func:`fix_signs`.
    """
    n_variants = len(covariance)
    n_components = min(n_components, n_variants)
    if not np.diagonal(covariance).any():
        return np.zeros(0), np.zeros((n_variants, 0))
    found = None
    if n_variants > DENSE and (n_components + _GUARD) * (_STEPS + 1) < n_variants // 2:
        found = _block_krylov(covariance, n_components)
    eigenvalues, eigenvectors = found if found is not None else _dense(covariance, n_components)
    kept = eigenvalues > NEGLIGIBLE * eigenvalues[0]
    return eigenvalues[kept], fix_signs(eigenvectors[:, kept])


def fix_signs(eigenvectors: np.ndarray) -> np.ndarray:
    """Make the first variant with at least half of the largest magnitude load positively.

    The largest entry itself would not do: variants in perfect negative correlation have equal magnitudes, and
    rounding would choose between them.
    """
    magnitude = np.abs(eigenvectors)
    first = np.argmax(magnitude >= 0.5 * magnitude.max(axis=0, initial=0.0), axis=0)
    negative = eigenvectors[first, np.arange(eigenvectors.shape[1])] < 0
    return np.where(negative, -eigenvectors, eigenvectors)


def _dense(covariance: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    n = len(covariance)
    eigenvalues, eigenvectors, found, _, info = lapack.dsyevr(
        covariance, range="I", il=n - n_components + 1, iu=n
    )
    if info != 0:
        raise np.linalg.LinAlgError(f"LAPACK's dsyevr failed on a block of {n} variants (info {info})")
    return eigenvalues[:found][::-1], eigenvectors[:, :found][:, ::-1]


def _block_krylov(covariance: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Leading eigenpairs, or None where the residuals do not fall below the tolerance."""
    n, width = len(covariance), n_components + _GUARD
    # Any start will do that has a share of each eigenvector; the generator's stream is fixed by numpy's
    # policy.
    newest = np.linalg.qr(np.random.Generator(np.random.PCG64(0)).standard_normal((n, width)))[0]
    basis, image = np.empty((n, 0)), np.empty((n, 0))
    for _ in range(_RESTARTS):
        for _ in range(_STEPS):
            basis = np.hstack([basis, newest])
            product = covariance @ newest
            image = np.hstack([image, product])
            newest = _orthonormal_to(basis, product)
        projected = basis.T @ image
        eigenvalues, rotation, info = lapack.dsyevd(0.5 * (projected + projected.T))
        if info != 0:
            return None
        eigenvalues, rotation = eigenvalues[::-1][:width], rotation[:, ::-1][:, :width]
        # Keeping the leading Ritz vectors and their images makes the restart free of products.
        basis, image = basis @ rotation, image @ rotation
        residual = np.linalg.norm(image - basis * eigenvalues, axis=0)[:n_components]
        if residual.max() <= _TOLERANCE * eigenvalues[0]:
            return eigenvalues[:n_components], basis[:, :n_components]
        newest = _orthonormal_to(basis, image - basis * eigenvalues)
    return None


def _orthonormal_to(basis: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Orthonormal basis of the part of ``vectors`` outside ``basis``; twice, for it is enough (Kahan)."""
    for _ in range(2):
        vectors = np.linalg.qr(vectors - basis @ (basis.T @ vectors))[0]
    return vectors
