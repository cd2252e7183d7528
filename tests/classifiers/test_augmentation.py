"""Synthetic people without a generator: what each keeps of the labelled few, and ridge regression with them."""

import numpy as np
import pytest

from gds.classifiers.augmentation import (
    CONTROLS,
    AugmentedRidge,
    hwe_dosages,
    mosaic,
    mosaic_dosages,
    most_confident,
)
from gds.classifiers.linear.ridge import DosageRidge
from gds.errors import UserError
from tests.classifiers.genotypes_with_classes import populations


def test_resampled_people_have_the_frequencies_of_their_class():
    rng = np.random.default_rng(0)
    frequency = np.array([[0.1, 0.5, 0.9], [0.8, 0.5, 0.0]])
    labels = np.repeat([0, 1], 400)
    dosages = rng.binomial(2, frequency[labels]).astype(np.int8)
    dosages[::7, 1] = -1
    drawn = hwe_dosages(dosages, labels, np.repeat([1, 0], 3000), seed=1)
    assert drawn.dtype == np.int8
    seen = np.where(dosages < 0, np.nan, dosages)
    for people, label in ((drawn[:3000], 1), (drawn[3000:], 0)):
        observed = np.nanmean(seen[labels == label], axis=0) / 2
        np.testing.assert_allclose(people.mean(axis=0) / 2, observed, atol=0.02)
    assert abs(np.corrcoef(drawn[:3000, 0], drawn[:3000, 1])[0, 1]) < 0.06


def test_every_block_of_a_mosaic_is_that_of_someone_of_the_class():
    features = np.arange(6 * 4 * 2, dtype=np.float32).reshape(6, 4, 2)
    labels = np.array([0, 1, 0, 1, 1, 0])
    wanted = np.array([1] * 20 + [0] * 5)
    made = mosaic(features, labels, wanted, seed=0)
    for person, label in zip(made, wanted, strict=True):
        for block in range(4):
            assert any((person[block] == donor[block]).all() for donor in features[labels == label])
    assert len(np.unique(made[:20].reshape(20, -1), axis=0)) > 10


def test_the_surest_are_taken_once():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.45, 0.55]])
    rows, labels = most_confident(probabilities, np.array([0, 1, 0]))
    assert (rows.tolist(), labels.tolist()) == ([0, 2, 1], [0, 0, 1])
    rows, labels = most_confident(probabilities, np.array([0, 0, 0, 1, 1]))
    assert (rows.tolist(), labels.tolist()) == ([0, 2, 3, 1], [0, 0, 0, 1])


def test_a_mosaic_of_dosages_keeps_whole_blocks():
    dosages, labels = populations(n=30, n_variants=50)
    made = mosaic_dosages(dosages, labels, np.array([0, 1, 2, 2]), block_length=16, seed=3)
    assert made.shape == (4, 50)
    assert made.dtype == np.int8
    for person, label in zip(made, (0, 1, 2, 2), strict=True):
        for start in range(0, 50, 16):
            block = slice(start, start + 16)
            assert any((person[block] == donor[block]).all() for donor in dosages[labels == label])


@pytest.mark.parametrize("control", CONTROLS)
def test_ridge_with_synthetic_people_keeps_the_heritability_of_the_few(control):
    X, y = populations(n=300, divergence=0.15)
    model = AugmentedRidge(control, ratio=2).fit(X[:30], y[:30], unlabelled=X[30:200])
    assert model.n_synthetic_ == 60
    plain = DosageRidge().fit(X[:30], y[:30], unlabelled=X[30:200])
    assert model.model_.heritability_ == plain.heritability_
    assert (model.predict(X[200:]) == y[200:]).mean() > 0.8
    np.testing.assert_allclose(model.predict_proba(X[200:]).sum(axis=1), 1)


def test_nobody_is_added_where_nobody_is_unlabelled_and_other_controls_are_refused():
    X, y = populations(n=60)
    assert AugmentedRidge("pseudo-labels").fit(X, y).n_synthetic_ == 0
    with pytest.raises(UserError, match="expected one of HWE resampling"):
        AugmentedRidge("clones").fit(X, y)
