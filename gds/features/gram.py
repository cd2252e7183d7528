"""Sums of products of dosages, kept as integers, and centred once.

A dosage is 0, 1 or 2, so the Gram matrix of a block is an integer matrix: whatever the order of summation,
the number of threads or the instruction set, it has one value. With x the dosages (0 where missing) and m the
mask of missing calls, X'X, X'M and M'M hold all that mean imputation needs, and no fractional dosage enters
a sum.
"""

from dataclasses import dataclass

import numpy as np

from gds.features.byte_product import byte_product
from gds.features.engine import Engine

# float32 holds every integer up to 2**24; a product of dosages is at most 4.
_EXACT_FLOAT32_SAMPLES = 2**24 // 4
# Larger products are made of square tiles, so that the half below the diagonal need not be computed.
_TILE = 1024


@dataclass(frozen=True)
class BlockMoments:
    """Integer sums of one block over the people it is fitted on.

    Attributes
    ----------
    n_samples
        Number of people.
    gram
        Sum of x_j x_k over people, shape (variant, variant).
    sums
        Sum of x_j, shape (variant,).
    missing
        Number of missing calls, shape (variant,).
    incomplete
        Indices of the variants that have missing calls, shape (incomplete,).
    cross
        Sum of x_j over people who lack a call at each incomplete variant, shape (variant, incomplete).
    both_missing
        Number of people who lack both calls, shape (incomplete, incomplete).
    """

    n_samples: int
    gram: np.ndarray
    sums: np.ndarray
    missing: np.ndarray
    incomplete: np.ndarray
    cross: np.ndarray
    both_missing: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean dosage over observed calls, 0 where nobody has one; float64, shape (variant,)."""
        return self.sums / np.maximum(self.n_samples - self.missing, 1)

    @property
    def genotype_counts(self) -> np.ndarray:
        """Number of people with dosage 0, 1 and 2, shape (variant, 3)."""
        # sum x = n1 + 2 n2 and sum x^2 = n1 + 4 n2
        twos = (np.diagonal(self.gram) - self.sums) // 2
        ones = self.sums - 2 * twos
        return np.stack([self.n_samples - self.missing - ones - twos, ones, twos], axis=1)

    def centred(self) -> np.ndarray:
        """Gram matrix of the mean-imputed, centred dosages; float64, shape (variant, variant).

        (x - o mu)'(x - o mu) with o = 1 - m. As the sum of x_j is mu_j times the number of people who have a
        call, this is S - n mu mu' + D + D' + B mu mu' for S = X'X, D = X'M mu and B = M'M.
        """
        mean, columns = self.mean, self.incomplete
        root = np.sqrt(self.n_samples) * mean
        covariance = np.empty(self.gram.shape)
        # Rows few enough for the second-level cache. A product commutes, so that the result is symmetric.
        step = max(1, 2**16 // len(mean))
        for start in range(0, len(mean), step):
            rows = slice(start, start + step)
            np.multiply.outer(root[rows], root, out=covariance[rows])
            np.subtract(self.gram[rows], covariance[rows], out=covariance[rows])
        if columns.size:
            cross = self.cross * mean[columns]
            corner = cross[columns]
            both = self.both_missing * np.multiply.outer(mean[columns], mean[columns])
            complete = np.flatnonzero(self.missing == 0)
            covariance[np.ix_(complete, columns)] += cross[complete]
            covariance[np.ix_(columns, complete)] += cross[complete].T
            covariance[np.ix_(columns, columns)] += (corner + corner.T) + both
        return covariance


def block_moments(dosage: np.ndarray, *, engine: Engine = Engine.FLOAT32) -> BlockMoments:
    """Integer sums of a block.

    Parameters
    ----------
    dosage
        0, 1, 2 or -1 for missing; int8, shape (variant, sample).
    engine
        See :mod:`gds.features.engine`.
    """
    n_variants, n_samples = dosage.shape
    missing = np.zeros(n_variants, dtype=np.int64)
    incomplete = np.zeros(0, dtype=np.int64)
    if dosage.size and dosage.min() < 0:
        missing = (dosage < 0).sum(axis=1)
        incomplete = np.flatnonzero(missing)
    # Rows: dosages, a row of ones (whose products are the sums), missing masks of incomplete variants.
    dtype = np.float32 if engine is Engine.FLOAT32 else np.int8
    rows = np.empty((n_variants + 1 + incomplete.size, n_samples), dtype)
    rows[:n_variants] = dosage
    if incomplete.size:
        np.maximum(rows[:n_variants], 0, out=rows[:n_variants])
        rows[n_variants + 1 :] = dosage[incomplete] < 0
    rows[n_variants] = 1
    product = integer_product(rows, engine=engine)
    return BlockMoments(
        n_samples=n_samples,
        gram=product[:n_variants, :n_variants],
        sums=product[:n_variants, n_variants].astype(np.int64),
        missing=missing,
        incomplete=incomplete,
        cross=product[:n_variants, n_variants + 1 :],
        both_missing=product[n_variants + 1 :, n_variants + 1 :],
    )


def integer_product(rows: np.ndarray, *, engine: Engine = Engine.FLOAT32) -> np.ndarray:
    """``rows @ rows.T`` as exact integers.

    Parameters
    ----------
    rows
        Values in {0, 1, 2}; int8 (or float32 for the engine of that name), shape (row, sample), C order.
    engine
        See :mod:`gds.features.engine`.

    Returns
    -------
    numpy.ndarray
        int32 (row, row).
    """
    n_rows, n_samples = rows.shape
    if 4 * n_samples >= 2**31:
        raise ValueError(f"{n_samples} samples: sums of products would overflow 32 bits")
    if engine is Engine.POPCOUNT:
        from gds.features.popcount import popcount_product

        return popcount_product(rows)
    if engine is Engine.INT8:
        if n_rows <= _TILE:
            return byte_product(rows, rows.T)
        product = np.empty((n_rows, n_rows), dtype=np.int32)
        for start in range(0, n_rows, _TILE):
            for other in range(start, n_rows, _TILE):
                tile = byte_product(rows[start : start + _TILE], rows[other : other + _TILE].T)
                product[start : start + _TILE, other : other + _TILE] = tile
                product[other : other + _TILE, start : start + _TILE] = tile.T
        return product
    product = np.zeros((n_rows, n_rows), dtype=np.int32)
    for start in range(0, n_samples, _EXACT_FLOAT32_SAMPLES):
        tile = rows[:, start : start + _EXACT_FLOAT32_SAMPLES].astype(np.float32, copy=False)
        product += (tile @ tile.T).astype(np.int32)
    return product
