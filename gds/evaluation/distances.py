"""Exact distances between people or haplotypes, block by block, by matrix products.

A value v of 0 ... L is coded by L zeros and ones, 1 where v exceeds the level (thermometer coding), so the
city-block distance is that of zeros and ones: |a - b| = a + b - 2ab, summed. Everything is an integer that
float32 holds exactly, so results depend neither on the size of a block nor on the number of threads.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from tqdm import tqdm

from gds.errors import UserError

Metric = Literal["city_block", "squared_euclidean"]

# Distance of a person to itself: never the nearest.
INFINITE = np.iinfo(np.int32).max
# 2048 x 16384 floats are 128 MB; a chunk's products stay far below 2**24, where float32 stops being exact.
_ROWS = 2048
_VARIANTS = 2**14
_HIGHEST = 4


def check_alleles(*matrices: np.ndarray) -> list[np.ndarray]:
    """Validate matrices of alleles (0, 1) or dosages (0, 1, 2) over the same variants.

    Parameters
    ----------
    matrices
        Integers, shape (row, variant), without missing calls; a row is a haplotype or a person.

    Returns
    -------
    list of numpy.ndarray
        The same, int8.

    Raises
    ------
    UserError
        Shapes do not fit, or a value is missing or no allele count.
    """
    checked = []
    for number, matrix in enumerate(matrices):
        matrix = np.asarray(matrix)
        if matrix.ndim != 2 or 0 in matrix.shape or matrix.shape[1] != np.shape(matrices[0])[1]:
            raise UserError(
                "expected matrices (row, variant) over the same variants, found shapes "
                f"{', '.join(str(np.shape(each)) for each in matrices)}"
            )
        wrong = ~((matrix >= 0) & (matrix <= _HIGHEST) & (matrix == np.floor(matrix)))
        if wrong.any():
            row, variant = np.argwhere(wrong)[0]
            raise UserError(
                f"expected alleles 0, 1 or dosages 0, 1, 2 without missing calls, found {matrix[row, variant]} "
                f"in matrix {number}, row {row}, variant {variant}: fill or leave out missing calls first"
            )
        checked.append(matrix.astype(np.int8))
    return checked


def distance_blocks(
    x: np.ndarray, y: np.ndarray, metric: Metric = "city_block"
) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Distances of all rows of x to all rows of y, in blocks.

    Parameters
    ----------
    x, y
        int8, shapes (row, variant) and (column, variant), as :func:`check_alleles` returns them.
    metric
        ``city_block``: sum of |x - y|. ``squared_euclidean``: sum of (x - y)**2, the same for alleles 0, 1.

    Yields
    ------
    rows, columns : slice
        Where the block lies.
    block : numpy.ndarray
        int32.
    """
    levels = max(1, int(x.max()), int(y.max()))
    pairs = [(rows, columns) for rows in _slices(len(x)) for columns in _slices(len(y))]
    for rows, columns in tqdm(pairs, desc="distances", unit="block", delay=5, disable=None):
        yield rows, columns, _block(x[rows], y[columns], levels, metric)


def self_distance_blocks(
    x: np.ndarray, metric: Metric = "city_block"
) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Distances among the rows of x, :data:`INFINITE` to itself: each block and its mirror image.

    Parameters and yields are those of :func:`distance_blocks`.
    """
    levels = max(1, int(x.max()))
    pieces = _slices(len(x))
    pairs = [(i, j) for i in range(len(pieces)) for j in range(i, len(pieces))]
    for i, j in tqdm(pairs, desc="distances", unit="block", delay=5, disable=None):
        block = _block(x[pieces[i]], x[pieces[j]], levels, metric)
        if i == j:
            np.fill_diagonal(block, INFINITE)
        yield pieces[i], pieces[j], block
        if i != j:
            yield pieces[j], pieces[i], block.T


def nearest_neighbours(x: np.ndarray, y: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """City-block distance to, and index of, the nearest row.

    Parameters
    ----------
    x
        Alleles or dosages, shape (row, variant).
    y
        Rows to search, shape (other, variant); None: the other rows of x.

    Returns
    -------
    distance : numpy.ndarray
        int32, shape (row,); :data:`INFINITE` if there is no other row.
    index : numpy.ndarray
        int64, shape (row,): the first of equally near ones.
    """
    if y is None:
        (x,) = check_alleles(x)
        blocks = self_distance_blocks(x)
    else:
        x, y = check_alleles(x, y)
        blocks = distance_blocks(x, y)
    distance = np.full(len(x), INFINITE, dtype=np.int32)
    index = np.zeros(len(x), dtype=np.int64)
    for rows, columns, block in blocks:
        nearest = block.argmin(axis=1)
        here = np.take_along_axis(block, nearest[:, None], axis=1)[:, 0]
        nearest = nearest + columns.start
        nearer = (here < distance[rows]) | ((here == distance[rows]) & (nearest < index[rows]))
        index[rows] = np.where(nearer, nearest, index[rows])
        distance[rows] = np.where(nearer, here, distance[rows])
    return distance, index


def nearest_both_ways(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """City-block distance of each row to the nearest row of the other set, in one pass.

    Returns
    -------
    x_to_y, y_to_x : numpy.ndarray
        int32, shapes (row of x,) and (row of y,).
    """
    x, y = check_alleles(x, y)
    x_to_y = np.full(len(x), INFINITE, dtype=np.int32)
    y_to_x = np.full(len(y), INFINITE, dtype=np.int32)
    for rows, columns, block in distance_blocks(x, y):
        x_to_y[rows] = np.minimum(x_to_y[rows], block.min(axis=1))
        y_to_x[columns] = np.minimum(y_to_x[columns], block.min(axis=0))
    return x_to_y, y_to_x


def kth_neighbour_distance(x: np.ndarray, k: int, metric: Metric) -> np.ndarray:
    """Distance of each row to its k-th nearest other row, int32, shape (row,)."""
    if not 1 <= k < len(x):
        raise UserError(
            f"expected a number of neighbours from 1 to {len(x) - 1} among {len(x)} rows, found {k}"
        )
    nearest = np.full((len(x), k), INFINITE, dtype=np.int32)
    for rows, _, block in self_distance_blocks(x, metric):
        both = np.concatenate([nearest[rows], block], axis=1)
        nearest[rows] = np.partition(both, k - 1, axis=1)[:, :k]
    return nearest.max(axis=1)


def equal_sizes(*matrices: np.ndarray, seed: int = 0) -> list[np.ndarray]:
    """Random rows of each set, in their order, as many as the smallest set has.

    Nearest neighbours are nearer in larger sets, so sets are compared at equal size.

    Parameters
    ----------
    matrices
        Shape (row, variant).
    seed
        Seed of the choice; sets of the smallest size are returned as they are.
    """
    size = min(map(len, matrices))
    rng = np.random.default_rng(seed)
    return [
        matrix if len(matrix) == size else matrix[np.sort(rng.choice(len(matrix), size, replace=False))]
        for matrix in matrices
    ]


def _slices(n: int) -> list[slice]:
    return [slice(start, min(start + _ROWS, n)) for start in range(0, n, _ROWS)]


def _block(x: np.ndarray, y: np.ndarray, levels: int, metric: Metric) -> np.ndarray:
    total = np.zeros((len(x), len(y)), dtype=np.int32)
    width = _VARIANTS // (levels if metric == "city_block" else 1)
    for start in range(0, x.shape[1], width):
        x_code, y_code = (_code(each[:, start : start + width], levels, metric) for each in (x, y))
        # |x|^2 + |y|^2 - 2 xy: of zeros and ones the city-block distance.
        x_norm, y_norm = (np.einsum("ij,ij->i", each, each) for each in (x_code, y_code))
        chunk = x_code @ y_code.T
        chunk *= -2
        chunk += x_norm[:, None]
        chunk += y_norm
        total += chunk.astype(np.int32)
    return total


def _code(values: np.ndarray, levels: int, metric: Metric) -> np.ndarray:
    if metric == "squared_euclidean" or levels == 1:
        return values.astype(np.float32)
    return np.concatenate([values > level for level in range(levels)], axis=1).astype(np.float32)
