"""Where training people lie: the false-flag rate holds for strangers, other populations are seen, nobody is kept."""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from gds.errors import UserError
from gds.features.gaussian_groups import nearest
from gds.features.training_distribution import TrainingDistribution
from gds.repository import TRAINING_DISTRIBUTION

N_VARIANTS = 1500


@pytest.fixture(scope="module")
def frequency():
    """Two populations that train, and one that drifted as far from both (F about .1)."""
    rng = np.random.default_rng(0)
    ancestral = rng.uniform(0.1, 0.9, N_VARIANTS)
    spread = (1 - 0.1) / 0.1
    return rng.beta(ancestral * spread, (1 - ancestral) * spread, (3, N_VARIANTS))


def people(frequency, population, n, seed):
    rng = np.random.default_rng(seed)
    dosage = rng.binomial(2, frequency[population], (n, N_VARIANTS)).astype(np.int8)
    dosage[rng.random(dosage.shape) < 0.01] = -1
    return dosage


@pytest.fixture(scope="module")
def fitted(frequency):
    training = np.concatenate([people(frequency, 0, 300, 1), people(frequency, 1, 150, 2)])
    return TrainingDistribution.fit(training, np.arange(N_VARIANTS))


def flagged(distribution, dosage):
    return distribution.is_outside(distribution.distance(dosage[:, distribution.variant_index]))


def test_strangers_of_known_populations_are_flagged_at_the_stated_rate(fitted, frequency):
    for population in (0, 1):
        share = flagged(fitted, people(frequency, population, 1000, 3 + population)).mean()
        assert share < 0.025  # 1 % and three standard errors, and that of the quantile of 450 people


def test_a_population_that_training_lacks_is_flagged(fitted, frequency):
    assert flagged(fitted, people(frequency, 2, 200, 5)).mean() > 0.99


def test_absent_variants_neither_flag_nor_hide(fitted, frequency):
    absent = np.random.default_rng(6).random(N_VARIANTS) < 0.4
    known, other = people(frequency, 0, 1000, 7), people(frequency, 2, 200, 8)
    known[:, absent] = other[:, absent] = -1
    assert flagged(fitted, known).mean() < 0.025
    assert flagged(fitted, other).mean() > 0.95


def test_without_any_variant_nothing_is_said(fitted):
    nothing = np.full((3, len(fitted.variant_index)), -1, dtype=np.int8)
    assert np.isnan(fitted.distance(nothing)).all()
    assert fitted.is_outside(fitted.distance(nothing)).all()


def test_coordinates_are_projections_on_the_loadings(fitted, frequency):
    """With one Gaussian at the origin of unit covariance the distance is that of the coordinates themselves."""
    d = fitted.loadings.shape[1] + 1
    unit = replace(
        fitted, weights=np.ones(1), centres=np.zeros((1, d)), covariances=np.eye(d)[None],
        n_people=np.array([10**12]),
    )  # fmt: skip
    dosage = np.abs(people(frequency, 0, 5, 9))[:, fitted.variant_index]
    z = (dosage - fitted.mean) * fitted.scale
    scores = z @ fitted.loadings / np.sqrt(z.shape[1])
    rest = np.square(z).mean(axis=1) - np.square(scores).sum(axis=1)
    np.testing.assert_allclose(unit.distance(dosage), np.square(scores).sum(axis=1) + rest**2, rtol=1e-4)


def test_the_nearest_gaussian_counts_with_the_people_it_is_learned_from():
    points = np.array([[3.0, 0.0], [10.0, 1.0]])
    centres, covariances = np.array([[0.0, 0.0], [10.0, 0.0]]), np.stack([np.diag([9.0, 1.0]), np.eye(2)])
    found = nearest(points, np.array([100.0, 50.0]), centres, covariances)
    expected = [1 * 100 * 98 / (101 * 99), 1 * 50 * 48 / (51 * 49)]
    np.testing.assert_allclose(found, expected)


def test_saved_and_loaded_it_says_the_same(fitted, frequency, tmp_path):
    fitted.save(tmp_path)
    loaded = TrainingDistribution.load(tmp_path)
    dosage = people(frequency, 2, 20, 10)[:, fitted.variant_index]
    np.testing.assert_array_equal(loaded.distance(dosage), fitted.distance(dosage))
    assert TrainingDistribution.load(tmp_path / "elsewhere") is None


@pytest.mark.parametrize("change", ["a group of one person", "another tensor", "a row a person"])
def test_what_could_be_single_people_is_refused(fitted, tmp_path, change):
    if change == "a group of one person":
        few = np.array([1 / 450, 449 / 450])
        replace(
            fitted, weights=few, centres=fitted.centres[[0, 0]], covariances=fitted.covariances[[0, 0]]
        ).save(tmp_path)
    else:
        fitted.save(tmp_path)
        tensors = {name: getattr(fitted, name) for name in fitted.expected()}
        if change == "another tensor":
            tensors["scores"] = np.zeros((450, 6))
        else:
            tensors["centres"] = np.zeros((450, 7))
        save_file(tensors, tmp_path / TRAINING_DISTRIBUTION)
    with pytest.raises(UserError, match="expected"):
        TrainingDistribution.load(tmp_path)


def test_few_people_have_no_distribution(frequency):
    with pytest.raises(UserError, match="50 are needed"):
        TrainingDistribution.fit(people(frequency, 0, 30, 11), np.arange(N_VARIANTS))
