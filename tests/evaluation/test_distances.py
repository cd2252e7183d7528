import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gds.errors import UserError
from gds.evaluation import distances
from gds.evaluation.distances import (
    INFINITE,
    distance_blocks,
    equal_sizes,
    kth_neighbour_distance,
    nearest_both_ways,
    nearest_neighbours,
)


@pytest.fixture(params=[2, 3], ids=["alleles", "dosages"])
def people(request, monkeypatch):
    # Blocks so small that every matrix is cut in both directions, unevenly.
    monkeypatch.setattr(distances, "_ROWS", 7)
    monkeypatch.setattr(distances, "_VARIANTS", 10)
    rng = np.random.default_rng(0)
    return [rng.integers(0, request.param, (n, 33)).astype(np.int8) for n in (20, 16)]


def whole(blocks, shape):
    matrix = np.full(shape, -1)
    for rows, columns, block in blocks:
        matrix[rows, columns] = block
    return matrix


@pytest.mark.parametrize(
    ("metric", "oracle"), [("city_block", "cityblock"), ("squared_euclidean", "sqeuclidean")]
)
def test_blocks_are_the_distances_of_scipy(people, metric, oracle):
    x, y = people
    assert (whole(distance_blocks(x, y, metric), (20, 16)) == cdist(x, y, oracle)).all()
    own = whole(distances.self_distance_blocks(x, metric), (20, 20))
    expected = cdist(x, x, oracle)
    np.fill_diagonal(expected, INFINITE)
    assert (own == expected).all()


def test_nearest_and_kth_neighbours(people):
    x, y = people
    matrix = cdist(x, y, "cityblock")
    distance, index = nearest_neighbours(x, y)
    assert (distance == matrix.min(axis=1)).all()
    assert (index == matrix.argmin(axis=1)).all()
    both = nearest_both_ways(x, y)
    assert (both[0] == matrix.min(axis=1)).all()
    assert (both[1] == matrix.min(axis=0)).all()
    own = cdist(x, x, "cityblock")
    np.fill_diagonal(own, np.inf)
    assert (nearest_neighbours(x)[0] == own.min(axis=1)).all()
    assert (nearest_neighbours(x)[1] == own.argmin(axis=1)).all()
    assert (kth_neighbour_distance(x, 3, "city_block") == np.sort(own, axis=1)[:, 2]).all()


def test_equal_sizes_leaves_the_smallest_alone():
    small, large = np.zeros((3, 2)), np.arange(20).reshape(10, 2)
    first, second = equal_sizes(small, large, seed=1)
    assert first is small
    assert second.shape == (3, 2)
    assert (np.diff(second[:, 0]) > 0).all()
    assert (equal_sizes(small, large, seed=1)[1] == second).all()


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[0, -1]], "found -1 in matrix 0, row 0, variant 1"),
        ([[0.5, 1]], "found 0.5"),
        ([[0, 1, 2]], r"\(1, 3\)"),
        ([0, 1], r"\(2,\)"),
    ],
)
def test_what_is_no_allele_count_is_refused(x, message):
    with pytest.raises(UserError, match=message):
        nearest_neighbours(np.array(x), np.array([[0, 1]]))
