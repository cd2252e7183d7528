"""Leading eigenvectors of a block's covariance, by a solver that gives the same bits every time.

Blocks of up to ``DENSE`` variants go to LAPACK. Larger ones go to a block Krylov method with full
re-orthogonalisation, a fixed start and thick restarts (Golub and Van Loan 2013, section 10.3): seven or eight
products with the covariance, or five from a near start, instead of its tridiagonalisation. It stops when the
residuals say that it is done. All of it is float64 on one BLAS thread.
"""

from collections.abc import Callable

import numpy as np
from scipy.linalg import lapack

DENSE = 220
# Eigenvalues below this share of the largest are rounding: their components are padding.
NEGLIGIBLE = 1e-10
# Residual over the largest eigenvalue. An eigenvector's error is at most its residual over the gap to the next
# eigenvalue, so that one separated by a thousandth of the largest is right to 1e-4 (correlation 1 - 5e-9).
_TOLERANCE = 1e-7
_GUARD = 4
_FIRST_CHECK = 7
_MOST_STEPS = 19
_RESTARTS = 40

Product = Callable[[np.ndarray], np.ndarray]
Start = Callable[[int], np.ndarray]


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
    if not np.diagonal(covariance).any():
        return np.zeros(0), np.zeros((n_variants, 0))
    found = None
    if n_variants > DENSE:
        found = krylov_components(lambda vectors: covariance @ vectors, n_variants, n_components)
    if found is None:
        found = _keep(*_dense(covariance, min(n_components, n_variants)))
    return found


def krylov_components(
    product: Product, n_variants: int, n_components: int, start: Start | None = None
) -> tuple[np.ndarray, np.ndarray] | None:
    """The same from products with the covariance alone; None where there is a reason to ask LAPACK instead.

    Parameters
    ----------
    product
        Maps float64 (variant, column) to the covariance times it.
    n_variants, n_components
        Size of the covariance and of the result.
    start
        Makes float64 (variant, column) of at most so many columns that are nearly what is sought; None: the
        search starts anywhere.
    """
    width = n_components + _GUARD
    if width * (_MOST_STEPS + 1) > n_variants and width * (_FIRST_CHECK + 1) > n_variants // 2:
        return None
    # Any start will do that has a share of each eigenvector; numpy's policy fixes this generator's stream.
    first = np.random.Generator(np.random.PCG64(0)).standard_normal((n_variants, width))
    if start is not None:
        near = start(width)
        first[:, : near.shape[1]] = near
    first_check = _FIRST_CHECK if start is None else _FIRST_CHECK - 2
    found = _block_krylov(product, n_components, _orthonormal(first), first_check)
    return None if found is None else _keep(*found)


def fix_signs(eigenvectors: np.ndarray) -> np.ndarray:
    """Make the first variant with at least half of the largest magnitude load positively.

    The largest entry itself would not do: variants in perfect negative correlation have equal magnitudes, and
    rounding would choose between them.
    """
    magnitude = np.abs(eigenvectors)
    first = np.argmax(magnitude >= 0.5 * magnitude.max(axis=0, initial=0.0), axis=0)
    negative = eigenvectors[first, np.arange(eigenvectors.shape[1])] < 0
    return np.where(negative, -eigenvectors, eigenvectors)


def _keep(eigenvalues: np.ndarray, eigenvectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kept = eigenvalues > NEGLIGIBLE * eigenvalues[0]
    return eigenvalues[kept], fix_signs(eigenvectors[:, kept])


def _dense(covariance: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """Leading eigenpairs by tridiagonal form and relatively robust representations (LAPACK's dstemr).

    dsyevr uses those for all eigenpairs only, and for a few of them bisection, which takes a third longer.
    """
    n = len(covariance)
    first = n - n_components + 1
    reflectors, diagonal, beside, factors, info = lapack.dsytrd(covariance, lower=1, lwork=8 * n)
    found, eigenvalues, vectors, failed = lapack.dstemr(
        diagonal, np.append(beside, 0.0), 2, 0.0, 0.0, first, n
    )
    if info == 0 and failed == 0 and found == n_components:
        vectors = vectors[:, :n_components]
        if n > 1:
            below = np.asfortranarray(reflectors[1:, :-1])
            vectors[1:], _, info = lapack.dormqr("L", "N", below, factors, vectors[1:], 64 * n_components)
        return eigenvalues[:n_components][::-1], vectors[:, ::-1]
    eigenvalues, vectors, found, _, info = lapack.dsyevr(covariance, range="I", il=first, iu=n)
    if info != 0:
        raise np.linalg.LinAlgError(f"LAPACK's dsyevr failed on a block of {n} variants (info {info})")
    return eigenvalues[:found][::-1], vectors[:, :found][:, ::-1]


def _block_krylov(
    product: Product, n_components: int, newest: np.ndarray, first_check: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Leading eigenpairs, or None where the residuals do not fall below the tolerance.

    ``newest`` is an orthonormal start (variant, column); residuals are looked at after ``first_check`` products.
    """
    n, width = newest.shape
    most = width * min(_MOST_STEPS, n // width - 1)
    basis, image = np.empty((n, most), order="F"), np.empty((n, most), order="F")
    projected = np.zeros((most, most))
    size, restarts = 0, 0
    while restarts < _RESTARTS:
        new = slice(size, size + width)
        basis[:, new] = newest
        image[:, new] = product(newest)
        size += width
        coefficients = basis[:, :size].T @ image[:, new]
        projected[:size, new] = coefficients
        projected[new, :size] = projected[:size, new].T
        full = size + width > most
        if full or size >= first_check * width:
            eigenvalues, rotation = _dense(projected[:size, :size], 2 * width if full else n_components)
            vectors = basis[:, :size] @ rotation[:, :n_components]
            errors = image[:, :size] @ rotation[:, :n_components] - vectors * eigenvalues[:n_components]
            if np.linalg.norm(errors, axis=0).max() <= _TOLERANCE * eigenvalues[0]:
                return eigenvalues[:n_components], vectors
            if full:
                # Thick restart: keep the leading Ritz vectors and, free of new products, their images.
                size, restarts = 2 * width, restarts + 1
                basis[:, :size], image[:, :size] = basis[:, :most] @ rotation, image[:, :most] @ rotation
                projected[:size, :size] = np.diag(eigenvalues)
                errors = image[:, :width] - basis[:, :width] * eigenvalues[:width]
                newest = _orthonormal_to(basis[:, :size], errors)
                continue
        newest = _next_block(basis[:, :size], image[:, new], coefficients)
    return None


def _next_block(basis: np.ndarray, vectors: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """As :func:`_orthonormal_to`, given ``basis.T @ vectors``; once where that is enough, as it mostly is."""
    outside = vectors - basis @ coefficients
    products = outside.T @ outside
    # What is left inside is rounding of the vectors, here at most a thousand times as large beside the rest.
    if (np.diagonal(products) > 1e-6 * np.einsum("ij,ij->j", vectors, vectors)).all():
        block = _by_cholesky(outside, products)
        if block is not None:
            return block
    return _orthonormal_to(basis, vectors)


def _orthonormal_to(basis: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Orthonormal basis of the part of ``vectors`` outside ``basis``; twice, for it is enough (Kahan).

    A vector that lies inside, as happens to all of them once a covariance of low rank is exhausted, would leave
    rounding errors that lie inside too: a random one takes its place, and the count starts again.
    """
    clean = 0
    fresh = np.random.Generator(np.random.PCG64(basis.shape[1]))
    while clean < 2:
        outside = vectors - basis @ (basis.T @ vectors)
        length = np.linalg.norm(vectors, axis=0)
        exhausted = np.linalg.norm(outside, axis=0) <= 1e-10 * length
        clean = 0 if exhausted.any() else clean + 1
        outside[:, exhausted] = fresh.standard_normal((len(vectors), int(exhausted.sum())))
        vectors = _orthonormal(outside)
    return vectors


def _orthonormal(vectors: np.ndarray) -> np.ndarray:
    """Orthonormal basis of columns: Cholesky of their scaled products, or Householder's if they are too
    alike."""
    block = _by_cholesky(vectors, vectors.T @ vectors)
    return np.linalg.qr(vectors)[0] if block is None else block


def _by_cholesky(vectors: np.ndarray, products: np.ndarray) -> np.ndarray | None:
    """Orthonormal basis of columns, given their products; None if they are too alike."""
    length = np.sqrt(np.diagonal(products))
    if length.min() > 0:
        factor, info = lapack.dpotrf(products / np.multiply.outer(length, length))
        if info == 0 and np.diagonal(factor).min() > 1e-2:
            inverse, _ = lapack.dtrtri(factor)  # its lower half is as clean as the factor's
            return vectors @ (inverse / length[:, None])
    return None
