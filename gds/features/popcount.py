"""Gram matrices of dosages by counting bits.

A dosage less one is -1, 0 or 1: one bit says whether it is not 0, another its sign, and 64 people are one machine
word (as in PLINK: Chang et al. 2015, GigaScience 4:7). The product of two variants over people is the number who
are nonzero at both, less twice the number of those whose signs differ; sums and the number of people turn it into
that of dosages.
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

    return types.int64(types.uint64), generate


# Words are counted from 0 and not from the start of a run: only then does numba know that no index is negative.
@numba.njit("void(uint64[:,:,::1], uint64[:,:,::1], int64, int32[:,::1])", nogil=True)
def _products(nonzero, positive, n_samples, product):  # type: ignore[no-untyped-def]
    n_runs, n_rows, n_words = nonzero.shape
    excess = np.zeros(n_rows, np.int64)  # sum of a dosage less one
    for run in range(n_runs):
        for i in range(n_rows):
            for k in range(n_words):
                excess[i] += 2 * _popcount(positive[run, i, k]) - _popcount(nonzero[run, i, k])
            for j in range(i, n_rows):
                both, differ = 0, 0
                for k in range(n_words):
                    shared = nonzero[run, i, k] & nonzero[run, j, k]
                    both += _popcount(shared)
                    differ += _popcount(shared & (positive[run, i, k] ^ positive[run, j, k]))
                product[i, j] += np.int32(both - 2 * differ)
    for i in range(n_rows):
        for j in range(i, n_rows):
            product[i, j] += np.int32(excess[i] + excess[j] + n_samples)
            product[j, i] = product[i, j]


def popcount_product(rows: np.ndarray) -> np.ndarray:
    """``rows @ rows.T`` of values in {0, 1, 2}, int8 (row, sample); int32 (row, row)."""
    n_rows, n_samples = rows.shape
    product = np.zeros((n_rows, n_rows), dtype=np.int32)
    most = max(_FEWEST_WORDS, _CACHED_WORDS // max(n_rows, 1))
    n_runs = max(1, -(-n_samples // (64 * most)))
    n_words = -(-n_samples // (64 * n_runs))
    nonzero, positive = (_bit_plane(plane, n_runs, n_words) for plane in (rows != 1, rows == 2))
    _products(nonzero, positive, n_samples, product)
    return product


def _bit_plane(is_set: np.ndarray, n_runs: int, n_words: int) -> np.ndarray:
    """uint64 (run, row, word) of booleans (row, sample); filled up with zeros."""
    n_rows, n_samples = is_set.shape
    octets = np.zeros((n_rows, n_runs * n_words * 8), dtype=np.uint8)
    octets[:, : -(-n_samples // 8)] = np.packbits(is_set, axis=1)
    runs = octets.view(np.uint64).reshape(n_rows, n_runs, n_words).swapaxes(0, 1)
    return np.ascontiguousarray(runs)
