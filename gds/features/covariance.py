"""The covariance of a block's mean-imputed dosages: a matrix, or only products with it where that is
cheaper."""

from typing import Protocol

import numpy as np

from gds.features.components import krylov_components, leading_components
from gds.features.fixed_point import people_product, variants_product
from gds.features.gram import BlockMoments, block_moments


def is_implicit(n_variants: int, n_samples: int) -> bool:
    """Whether about eight products with the dosages cost less than the square matrix and products with that.

    A measured rule: the products of dosages gain with people, those of the square matrix do not.
    """
    return n_variants > min(1200, 250 + n_samples // 5)


class Covariance(Protocol):
    """What the fit of a block asks of it; X is the centred block, so that the covariance is X'X.

    Attributes
    ----------
    mean
        Mean dosage over observed calls, float64 (variant,).
    genotype_counts
        Number of people with dosage 0, 1 and 2 (variant, 3).
    variance
        Diagonal of X'X, float64 (variant,).
    """

    mean: np.ndarray
    genotype_counts: np.ndarray
    variance: np.ndarray

    def leading(self, n_components: int) -> tuple[np.ndarray, np.ndarray]:
        """See :func:`gds.features.components.leading_components`."""

    def times(self, vectors: np.ndarray) -> np.ndarray:
        """X'X times float64 (variant, column)."""


def covariance_of(dosage: np.ndarray, *, with_torch: bool = False) -> Covariance:
    """Covariance of a block, int8 (variant, sample) with -1 for missing; by its size as matrix or
    implicitly."""
    if is_implicit(*dosage.shape):
        return ImplicitCovariance(dosage, with_torch=with_torch)
    return MatrixCovariance(block_moments(dosage, with_torch=with_torch))


class MatrixCovariance:
    """A covariance held as a matrix, centred once from integer sums."""

    def __init__(self, moments: BlockMoments) -> None:
        self.mean = moments.mean
        self.genotype_counts = moments.genotype_counts
        self.matrix = moments.centred()
        self.variance = np.maximum(np.diagonal(self.matrix), 0)

    def leading(self, n_components: int) -> tuple[np.ndarray, np.ndarray]:
        return leading_components(self.matrix, n_components)

    def times(self, vectors: np.ndarray) -> np.ndarray:
        return self.matrix @ vectors


class ImplicitCovariance:
    """A covariance known by its products: X'(X v), either half an exact integer product.

    Vectors are rounded to 30 bits below their largest entry before each half.
    """

    def __init__(self, dosage: np.ndarray, *, with_torch: bool = False) -> None:
        self._with_torch = with_torch
        self._dosage = dosage
        counts = np.stack([(dosage == value).sum(axis=1) for value in range(3)], axis=1)
        observed = counts.sum(axis=1)
        self.genotype_counts = counts
        self.mean = (counts[:, 1] + 2 * counts[:, 2]) / np.maximum(observed, 1)
        squares = counts[:, 1] + 4 * counts[:, 2]
        self.variance = np.maximum(squares - observed * self.mean**2, 0)
        self._incomplete = np.flatnonzero(observed < dosage.shape[1])
        if self._incomplete.size:
            self._missing = (dosage[self._incomplete] < 0).view(np.int8)
            self._dosage = np.maximum(dosage, 0)

    def leading(self, n_components: int) -> tuple[np.ndarray, np.ndarray]:
        if not self.variance.any():
            return np.zeros(0), np.zeros((len(self.mean), 0))
        found = krylov_components(self.times, len(self.mean), n_components)
        if found is not None:
            return found
        # Eigenvalues without any gap, or as many components as variants: the matrix after all.
        dosage = self._dosage.copy()
        if self._incomplete.size:
            dosage[self._incomplete] -= self._missing
        return MatrixCovariance(block_moments(dosage, with_torch=self._with_torch)).leading(n_components)

    def times(self, vectors: np.ndarray) -> np.ndarray:
        scores = self._project(vectors)
        weights, unit = _to_integers(scores.T)
        weights = weights.T
        product = variants_product(self._dosage, weights, with_torch=self._with_torch)
        totals = np.broadcast_to(weights.sum(axis=1), product.shape).copy()
        if self._incomplete.size:
            totals[self._incomplete] -= variants_product(self._missing, weights, with_torch=self._with_torch)
        return (product - self.mean[:, None] * totals) * unit

    def _project(self, vectors: np.ndarray) -> np.ndarray:
        """X times vectors; float64 (column, sample)."""
        weights, unit = _to_integers(vectors)
        scores = people_product(self._dosage, weights, with_torch=self._with_torch)
        scores -= (self.mean @ weights)[:, None]
        if self._incomplete.size:
            weighted = np.rint(0.5 * self.mean[self._incomplete, None] * weights[self._incomplete])
            scores += 2 * people_product(self._missing, weighted, with_torch=self._with_torch)
        return scores * unit[:, None]


def _to_integers(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Integers of at most 2**30 and, for each column, the power of two that they count."""
    _, exponent = np.frexp(np.abs(columns).max(axis=0))
    unit = np.ldexp(1.0, exponent - 30)
    return np.rint(columns / unit), unit
