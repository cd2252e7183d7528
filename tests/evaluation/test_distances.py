import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gds.errors import UserError
from gds.evaluation import distances
from gds.evaluation.distances import both_distances, check_alleles, equal_sizes
from gds.evaluation.neighbourhoods import Neighbourhoods


@pytest.fixture(params=[2, 3], ids=["alleles", "dosages"])
def people(request, monkeypatch):
    # Blocks so small that every matrix is cut in both directions, unevenly.
    monkeypatch.setattr(distances, "_ROWS", 7)
    monkeypatch.setattr(distances, "_VARIANTS", 10)
    rng = np.random.default_rng(0)
    return [rng.integers(0, request.param, (n, 33)).astype(np.int8) for n in (20, 16)]


def test_distances_are_those_of_scipy(people):
    x, y = people
    city_block, squared = both_distances(x, y)
    assert (city_block == cdist(x, y, "cityblock")).all()
    assert (squared == cdist(x, y, "sqeuclidean")).all()


def kinship_of(x, y):
    squared, fewest = cdist(x, y, "sqeuclidean"), np.minimum.outer((x == 1).sum(axis=1), (y == 1).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(fewest > 0, 0.5 - squared / (4 * fewest), np.nan)


def test_neighbourhoods_are_those_of_all_distances(people):
    x, y = people
    compared = Neighbourhoods(k=3)
    city, squared = cdist(x, y, "cityblock"), cdist(x, y, "sqeuclidean")
    radii = []
    for each in people:
        own = [cdist(each, each, metric) for metric in ("cityblock", "sqeuclidean")]
        for matrix in own:
            np.fill_diagonal(matrix, np.inf)
        found = compared.within(each)
        assert (found.nearest == own[0].min(axis=1)).all()
        assert (found.radius == np.sort(own[1], axis=1)[:, 2]).all()
        kinship = kinship_of(each, each)
        np.fill_diagonal(kinship, np.nan)
        assert found.kinship == pytest.approx(np.nanmax(kinship, axis=1), nan_ok=True)
        radii.append(found.radius)
    in_x, in_y = squared < radii[0][:, None], squared < radii[1]
    forth, back = compared.between(x, y), compared.between(y, x)
    assert (forth.nearest == city.min(axis=1)).all()
    assert (forth.index == city.argmin(axis=1)).all()
    assert (back.nearest == city.min(axis=0)).all()
    assert (back.index == city.argmin(axis=0)).all()
    assert (forth.n_balls == in_y.sum(axis=1)).all()
    assert (back.n_balls == in_x.sum(axis=0)).all()
    assert (forth.is_covered == in_x.any(axis=1)).all()
    assert (back.is_covered == in_y.any(axis=0)).all()
    assert forth.kinship == pytest.approx(np.nanmax(kinship_of(x, y), axis=1), nan_ok=True)
    assert compared.between(x, y) is forth


def test_alone_nobody_is_near(people):
    found = Neighbourhoods().within(people[0][:1])
    assert found.nearest[0] == distances.INFINITE
    assert found.radius is None
    assert np.isnan(found.kinship[0])


def test_equal_sizes_leaves_the_smallest_alone():
    small, large = np.zeros((3, 2)), np.arange(20).reshape(10, 2)
    first, second = equal_sizes(small, large, seed=1)
    assert first is small
    assert second.shape == (3, 2)
    assert (np.diff(second[:, 0]) > 0).all()
    assert (equal_sizes(small, large, seed=1)[1] == second).all()


def test_equal_sizes_keep_the_rows_of_a_person_together():
    few, many = np.zeros((5, 1)), np.arange(12)[:, None]
    first, second = equal_sizes(few, many, seed=1, rows_a_unit=(1, 2))
    assert len(first) == len(second) == 4
    pairs = second.reshape(-1, 2)
    assert (pairs[:, 0] % 2 == 0).all()
    assert (pairs[:, 1] == pairs[:, 0] + 1).all()


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
        check_alleles(np.array(x), np.array([[0, 1]]))
