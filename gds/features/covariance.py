"""The covariance of a block's mean-imputed dosages: a matrix, or only products with it where that is
cheaper."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from gds.features.components import krylov_components, leading_components
from gds.features.engine import Engine
from gds.features.fixed_point import TWO_DIGITS, people_product, variants_product
from gds.features.gram import BlockMoments, block_moments

# Dosages of the people whose products are made at a time: as float32 they stay in the third-level cache.
_TILE = 2**20
# Variants, evenly spaced, whose leading directions start the partial solver; few enough for LAPACK.
_SAMPLED = 150


def is_implicit(n_variants: int, n_samples: int) -> bool:
    """Whether about six products with the dosages cost less than the square matrix and products with that.

    A measured rule: the products of dosages gain with people, those of the square matrix do not.
    """
    return n_variants > min(2500, 800 + n_samples // 2)


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

    def spread(self, vectors: np.ndarray) -> np.ndarray:
        """Sum of squares over people of X times float64 (variant, column); float64 (column,)."""


def covariance_of(dosage: np.ndarray, *, engine: Engine = Engine.FLOAT32) -> Covariance:
    """Covariance of a block, int8 (variant, sample) with -1 for missing; by its size as matrix or
    implicitly."""
    if is_implicit(*dosage.shape):
        return ImplicitCovariance(dosage, engine=engine)
    return MatrixCovariance(block_moments(dosage, engine=engine))


class MatrixCovariance:
    """A covariance held as a matrix, centred once from integer sums."""

    def __init__(self, moments: BlockMoments) -> None:
        self.mean = moments.mean
        self.genotype_counts = moments.genotype_counts
        self.matrix = moments.centred()
        self.variance = np.maximum(np.diagonal(self.matrix), 0)

    def leading(self, n_components: int) -> tuple[np.ndarray, np.ndarray]:
        return leading_components(self.matrix, n_components)

    def spread(self, vectors: np.ndarray) -> np.ndarray:
        return (vectors * (self.matrix @ vectors)).sum(axis=0)


class ImplicitCovariance:
    """A covariance known by its products: X'(X v), either half an exact integer product.

    Before each half vectors are rounded to 25 bits below their largest entry; people come in tiles, whose products
    are rounded one by one, so that a tile's dosages are touched by both halves while they are in the cache.
    """

    def __init__(self, dosage: np.ndarray, *, engine: Engine = Engine.FLOAT32) -> None:
        self._engine = engine
        self._given = dosage
        # A row at a time: numpy counts the nonzero values of contiguous booleans ten times faster than along an axis.
        counts = [[np.count_nonzero(row) for row in dosage == value] for value in range(3)]
        self.genotype_counts = np.array(counts).T
        observed = self.genotype_counts.sum(axis=1)
        sums = self.genotype_counts @ np.array([0, 1, 2])
        self.mean = sums / np.maximum(observed, 1)
        self.variance = np.maximum(self.genotype_counts @ np.array([0, 1, 4]) - sums * self.mean, 0)
        self._incomplete = np.flatnonzero(observed < dosage.shape[1])
        self._missing = (dosage[self._incomplete] < 0).view(np.int8)
        self._dosage = np.maximum(dosage, 0) if self._incomplete.size else dosage

    def leading(self, n_components: int) -> tuple[np.ndarray, np.ndarray]:
        if not self.variance.any():
            return np.zeros(0), np.zeros((len(self.mean), 0))
        found = krylov_components(self.times, len(self.mean), n_components, self._start)
        if found is not None:
            # The quotient does not know the rounding of the vectors, to first order.
            return self.spread(found[1]), found[1]
        # Eigenvalues without any gap, or as many components as variants: the matrix after all.
        return MatrixCovariance(block_moments(self._given, engine=self._engine)).leading(n_components)

    def spread(self, vectors: np.ndarray) -> np.ndarray:
        weights, unit = _to_integers(vectors)
        rounded = weights * unit
        total = np.zeros(vectors.shape[1])
        for tile, missing in self._tiles():
            total += (self._projected(tile, missing, weights) ** 2).sum(axis=1)
        return total * unit**2 * ((vectors**2).sum(axis=0) / (rounded**2).sum(axis=0))

    def times(self, vectors: np.ndarray) -> np.ndarray:
        """X'X times float64 (variant, column)."""
        weights, unit = _to_integers(vectors)
        product = np.zeros(vectors.shape)
        for tile, missing in self._tiles():
            product += self._summed(tile, missing, self._projected(tile, missing, weights) * unit[:, None])
        return product

    def _start(self, n_columns: int) -> np.ndarray:
        """What the leading directions of every so-many-th variant say of all, float64 (variant, column).

        Neighbours in LD know of each other: this is as good as two steps from a random start. Fewer columns, or
        none, where those variants do not vary enough.
        """
        some = slice(None, None, max(1, len(self.mean) // _SAMPLED))
        sampled = MatrixCovariance(block_moments(self._given[some], engine=self._engine))
        weights, _ = _to_integers(sampled.leading(n_columns)[1])
        start = np.zeros((len(self.mean), weights.shape[1]))
        if not weights.size:
            return start
        for tile, missing in self._tiles():
            # Missing calls count as dosage 0 in this half.
            scores = people_product(np.ascontiguousarray(tile[some]), weights, engine=self._engine)
            start += self._summed(tile, missing, scores - (sampled.mean @ weights)[:, None])
        return start

    def _tiles(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Dosages and missing calls of some people at a time, converted once for both halves of a product."""
        step = max(1, _TILE // len(self._dosage))
        dtype = "int8" if self._engine is Engine.INT8 else "float32"
        for start in range(0, self._dosage.shape[1], step):
            dosage, missing = self._dosage[:, start : start + step], self._missing[:, start : start + step]
            yield np.ascontiguousarray(dosage, dtype), np.ascontiguousarray(missing, dtype)

    def _projected(self, tile: np.ndarray, missing: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """X times integers, float64 (column, sample)."""
        scores = people_product(tile, weights, engine=self._engine)
        if self._incomplete.size:
            # Imputed means in sixteenths, which uses up the bound of 30 bits.
            imputed = np.rint(16 * self.mean[self._incomplete, None] * weights[self._incomplete])
            scores += people_product(missing, imputed, engine=self._engine) / 16
        return scores - (self.mean @ weights)[:, None]

    def _summed(self, tile: np.ndarray, missing: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """These people's part of X' times scores (column, sample); float64 (variant, column)."""
        weights, unit = _to_integers(scores.T)
        part = variants_product(tile, weights.T, engine=self._engine)
        part -= np.multiply.outer(self.mean, weights.sum(axis=0))
        if self._incomplete.size:
            lacking = variants_product(missing, weights.T, engine=self._engine)
            part[self._incomplete] += self.mean[self._incomplete, None] * lacking
        return part * unit


def _to_integers(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Integers of two float32 digits and, for each column, the power of two that they count."""
    _, exponent = np.frexp(np.abs(columns).max(axis=0))
    unit = np.ldexp(1.0, exponent - TWO_DIGITS)
    return np.rint(columns / unit), unit
