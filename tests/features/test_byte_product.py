import itertools

import numpy as np
import pytest

from gds.features.byte_product import byte_product

SIZES = (1, 2, 9, 70)


def every_layout(matrix):
    """The same values with rows or columns side by side in memory, and cut out of a larger matrix."""
    padded = np.pad(matrix, ((0, 3), (0, 5)))
    yield np.ascontiguousarray(matrix)
    yield matrix.T.copy().T
    yield padded[: len(matrix), : matrix.shape[1]]


@pytest.mark.parametrize(("n_rows", "n_terms", "n_columns"), itertools.product(SIZES, repeat=3))
def test_every_shape_and_layout_gives_the_product(n_rows, n_terms, n_columns):
    """An axis of length one has any stride, and garbage came out of such products on processors with VNNI or AMX."""
    rng = np.random.default_rng(0)
    weights = rng.integers(-128, 128, (n_rows, n_terms)).astype(np.int8)
    dosage = rng.integers(0, 3, (n_terms, n_columns)).astype(np.int8)
    expected = weights.astype(np.int64) @ dosage.astype(np.int64)
    for left, right in itertools.product(every_layout(weights), every_layout(dosage)):
        assert np.array_equal(byte_product(left, right), expected)
