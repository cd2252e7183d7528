"""Gram matrices of dosages by counting bits.

A dosage has one bit in the plane of ones or in that of twos, and 64 people are one machine word (as in PLINK:
Chang et al. 2015, GigaScience 4:7). The product of two dosages is 1 where both are one, 2 where one of them is one and
the other two, 4 where both are two: three counts of bits make a sum over people.
"""

from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic

# Words of all rows that are worked on at a time: they stay in the second-level cache.
_CACHED_WORDS = 2**15
_FEWEST_WORDS = 64


@intrinsic
def _popcount(_context: Any, word: Any) -> Any:
    """Number of bits of a word that are 1: LLVM's own, which it turns into vector instructions."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


# Words are counted from 0 and not from the start of a run: only then does numba know that no index is negative.
@numba.njit("void(uint64[:,:,::1], uint64[:,:,::1], int32[:,::1])", nogil=True)
def _add_products(ones, twos, product):  # type: ignore[no-untyped-def]
    n_runs, n_rows, n_words = ones.shape
    for run in range(n_runs):
        for i in range(n_rows):
            for j in range(i, n_rows):
                one, two, four = np.uint64(0), np.uint64(0), np.uint64(0)
                for k in range(n_words):
                    one += _popcount(ones[run, i, k] & ones[run, j, k])
                    two += _popcount(
                        (ones[run, i, k] & twos[run, j, k]) | (twos[run, i, k] & ones[run, j, k])
                    )
                    four += _popcount(twos[run, i, k] & twos[run, j, k])
                product[i, j] += np.int32(one + 2 * two + 4 * four)
    for i in range(n_rows):
        for j in range(i):
            product[i, j] = product[j, i]


def popcount_product(rows: np.ndarray) -> np.ndarray:
    """``rows @ rows.T`` of values in {0, 1, 2}, int8 (row, sample); int32 (row, row)."""
    n_rows, n_samples = rows.shape
    product = np.zeros((n_rows, n_rows), dtype=np.int32)
    most = max(_FEWEST_WORDS, _CACHED_WORDS // max(n_rows, 1))
    n_runs = max(1, -(-n_samples // (64 * most)))
    n_words = -(-n_samples // (64 * n_runs))
    _add_products(_bit_plane(rows == 1, n_runs, n_words), _bit_plane(rows == 2, n_runs, n_words), product)
    return product


def _bit_plane(is_set: np.ndarray, n_runs: int, n_words: int) -> np.ndarray:
    """uint64 (run, row, word) of booleans (row, sample); filled up with zeros."""
    n_rows, n_samples = is_set.shape
    octets = np.zeros((n_rows, n_runs * n_words * 8), dtype=np.uint8)
    octets[:, : -(-n_samples // 8)] = np.packbits(is_set, axis=1)
    runs = octets.view(np.uint64).reshape(n_rows, n_runs, n_words).swapaxes(0, 1)
    return np.ascontiguousarray(runs)
