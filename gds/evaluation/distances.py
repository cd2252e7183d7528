"""Exact distances between people or haplotypes, by matrix products.

With dosages less one, c and d of -1, 0, 1, a pair contributes (c - d)^2 to the squared Euclidean distance and
c^2 + d^2 - c d - |c d| to the city-block distance: the products of c and of |c| give both. They are integers that
float32 holds exactly, so results depend neither on the size of a block nor on the number of threads.
"""

from collections.abc import Sequence

import numpy as np

from gds.errors import UserError

# Distance of a person to itself: never the nearest.
INFINITE = np.iinfo(np.int32).max
# 2048 x 16384 floats are 128 MB; a chunk's products stay far below 2**24, where float32 stops being exact.
_ROWS = 2048
_VARIANTS = 2**14
_HIGHEST = 2


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
        if np.issubdtype(matrix.dtype, np.integer):
            is_right = bool(matrix.min() >= 0 and matrix.max() <= _HIGHEST)
        else:
            is_right = bool(((matrix >= 0) & (matrix <= _HIGHEST) & (matrix == np.floor(matrix))).all())
        if not is_right:
            wrong = ~((matrix >= 0) & (matrix <= _HIGHEST) & (matrix == np.floor(matrix)))
            row, variant = np.argwhere(wrong)[0]
            raise UserError(
                f"expected alleles 0, 1 or dosages 0, 1, 2 without missing calls, found {matrix[row, variant]} "
                f"in matrix {number}, row {row}, variant {variant}: fill or leave out missing calls first"
            )
        checked.append(matrix.astype(np.int8, copy=False))
    return checked


def both_distances(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances of all rows of x to all rows of y.

    Parameters
    ----------
    x, y
        int8, shapes (row, variant) and (other, variant), as :func:`check_alleles` returns them.

    Returns
    -------
    city_block, squared_euclidean : numpy.ndarray
        int32 (row, other): sums of |x - y| and of (x - y)^2.
    """
    centre = 1 if max(x.max(), y.max()) == 2 else 0
    norms = [np.count_nonzero(each - centre, axis=1).astype(np.int32) for each in (x, y)]
    together = np.add.outer(*norms)
    product = _exact_product(x, y, centre, absolute=False)
    squared = together - product
    squared -= product
    if not centre:
        return squared.copy(), squared
    together -= product
    together -= _exact_product(x, y, centre, absolute=True)
    return together, squared


def equal_sizes(
    *matrices: np.ndarray, seed: int = 0, rows_a_unit: Sequence[int] | None = None
) -> list[np.ndarray]:
    """Random rows of each set, in their order, as many as the smallest set has.

    Nearest neighbours are nearer in larger sets, so sets are compared at equal size.

    Parameters
    ----------
    matrices
        Shape (row, variant).
    seed
        Seed of the choice; sets of the smallest size are returned as they are.
    rows_a_unit
        Of each set, consecutive rows that are chosen together; default 1.
    """
    units = rows_a_unit or [1] * len(matrices)
    size = min(map(len, matrices))
    size -= size % max(units)
    rng = np.random.default_rng(seed)
    chosen = []
    for matrix, unit in zip(matrices, units, strict=True):
        if len(matrix) == size:
            chosen.append(matrix)
            continue
        first = np.sort(rng.choice(len(matrix) // unit, size // unit, replace=False)) * unit
        chosen.append(matrix[(first[:, None] + np.arange(unit)).ravel()])
    return chosen


def slices(n: int) -> list[slice]:
    """Consecutive rows, a block each."""
    return [slice(start, min(start + _ROWS, n)) for start in range(0, n, _ROWS)]


def _exact_product(x: np.ndarray, y: np.ndarray, centre: int, *, absolute: bool) -> np.ndarray:
    """Sums of products of entries less the centre, or of their absolute values; int32 (row, other)."""
    total = np.zeros((len(x), len(y)), dtype=np.int32)
    for start in range(0, x.shape[1], _VARIANTS):
        codes = [each[:, start : start + _VARIANTS].astype(np.float32) for each in (x, y)]
        for code in codes:
            code -= centre
            if absolute:
                np.abs(code, out=code)
        total += (codes[0] @ codes[1].T).astype(np.int32)
    return total
