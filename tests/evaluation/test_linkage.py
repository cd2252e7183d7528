import numpy as np
import pytest

from gds.evaluation import linkage
from gds.evaluation.linkage import ld_correlation, three_point_correlation


@pytest.fixture
def two_sets():
    rng = np.random.default_rng(0)
    mixed = rng.random((2, 90, 2)) @ rng.normal(size=(2, 40))
    return [(each + rng.normal(size=each.shape) > 0.8).astype(np.int8) for each in mixed]


@pytest.mark.parametrize("tile", [7, 1024])
def test_ld_is_the_correlation_of_squared_correlations(two_sets, monkeypatch, tile):
    monkeypatch.setattr(linkage, "_TILE", tile)
    real, synthetic = two_sets
    figures, decay = ld_correlation(real, synthetic)
    upper = np.triu_indices(40, 1)
    x, y = (np.corrcoef(each.T)[upper] ** 2 for each in (real, synthetic))
    assert figures["r"] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-5)
    assert figures["rmse"] == pytest.approx(np.sqrt(((x - y) ** 2).mean()), abs=1e-6)
    assert figures["mean_real"] == pytest.approx(x.mean(), abs=1e-6)
    assert figures["n_pairs"] == 780
    assert decay["n_pairs"].sum() == 780
    nearest = np.arange(39), np.arange(1, 40)
    assert decay["real"].iloc[0] == pytest.approx((np.corrcoef(real.T)[nearest] ** 2).mean(), abs=1e-6)


@pytest.mark.parametrize("tile", [7, 1024])
def test_strong_pairs_that_are_lost_show_although_the_correlation_hardly_notices(monkeypatch, tile):
    monkeypatch.setattr(linkage, "_TILE", tile)
    rng = np.random.default_rng(1)
    ancestry = rng.random((600, 3))
    real = (ancestry @ rng.random((3, 60)) / 1.5 > rng.random((600, 60))).astype(np.int8)
    real[:, 31] = real[:, 30]
    synthetic = real.copy()
    synthetic[:, 31] = rng.permutation(real[:, 30])
    kept, lost = (ld_correlation(real, each)[0] for each in (real, synthetic))
    assert kept["n_strong"] == lost["n_strong"] == 1
    assert kept["strong_kept"] == pytest.approx(1)
    assert lost["strong_kept"] == pytest.approx(np.corrcoef(synthetic[:, 30:32].T)[0, 1] ** 2, abs=1e-6)
    assert np.isnan(ld_correlation(real[:, :20], real[:, :20])[0]["strong_kept"])


def test_windows_and_chromosomes_choose_pairs(two_sets, monkeypatch):
    monkeypatch.setattr(linkage, "_TILE", 6)
    real, synthetic = two_sets
    rng = np.random.default_rng(5)
    shuffled = rng.permutation(40)
    chromosome = np.where(shuffled < 15, "1", "X")
    position = shuffled * 100
    figures, decay = ld_correlation(real, synthetic, chromosome=chromosome, position=position, window=300)
    i, j = np.triu_indices(40, 1)
    wanted = (chromosome[i] == chromosome[j]) & (np.abs(position[i] - position[j]) <= 300)
    x, y = (np.corrcoef(each.T)[i, j][wanted] ** 2 for each in (real, synthetic))
    assert figures["n_pairs"] == wanted.sum()
    assert figures["r"] == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-5)
    assert decay["distance"].tolist() == [100, 200, 300]


def test_constant_variants_have_no_ld(two_sets):
    real, synthetic = (each.copy() for each in two_sets)
    real[:, 3], synthetic[:, 7] = 1, 0
    assert ld_correlation(real, synthetic)[0]["n_pairs"] == 38 * 37 / 2


def test_identical_and_independent_sets(two_sets):
    real, _ = two_sets
    assert ld_correlation(real, real)[0]["r"] == pytest.approx(1)
    assert three_point_correlation(real, real)["r"] == pytest.approx(1)
    assert three_point_correlation(real, real)["slope"] == pytest.approx(1)


def test_three_points_by_hand_and_by_frequencies(two_sets):
    # 0 and 1 half the time, 2 where exactly one of them is present: F012 = 0, F01 = F02 = F12 = 1/4.
    even = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=np.int8)
    assert linkage.third_moments(even, np.array([[0], [1], [2]])) == pytest.approx([-3 / 8 + 2 / 8])
    values = two_sets[0].astype(float)
    found = linkage.third_moments(values, np.array([[1, 5], [2, 9], [30, 17]]))
    for (a, b, c), moment in zip([(1, 2, 30), (5, 9, 17)], found, strict=True):
        x, y, z = values[:, a], values[:, b], values[:, c]
        f = np.mean
        expected = f(x * y * z) - f(x * y) * f(z) - f(y * z) * f(x) - f(x * z) * f(y) + 2 * f(x) * f(y) * f(z)
        assert moment == pytest.approx(expected, abs=1e-12)


def test_triplets_are_of_three_variants():
    # Of three variants there is one triplet: every draw gives the same moment.
    even = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=np.int8)
    found = three_point_correlation(even, even, n_triplets=50)
    assert found["slope"] == pytest.approx(1)
    assert np.isnan(found["r"])
