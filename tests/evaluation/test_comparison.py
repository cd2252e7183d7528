import numpy as np
import pytest

from gds.errors import UserError
from gds.evaluation.classification import classification_metrics
from gds.evaluation.comparison import corrected_resampled_t_test, paired_difference


def scores(strength, labels, noise):
    return 1 / (1 + np.exp(-(strength * (2 * labels - 1) + noise)))


def test_pairing_removes_what_both_share():
    rng = np.random.default_rng(0)
    labels, noise = rng.integers(0, 2, 400), rng.normal(size=400)
    better, worse = scores(0.6, labels, noise), scores(0.5, labels, noise)
    found = paired_difference(labels, better, worse).loc["auroc"]
    single = classification_metrics(labels, worse).loc["auroc"]
    assert found["value"] == pytest.approx(
        classification_metrics(labels, better).loc["auroc", "value"] - single["value"]
    )
    assert 0 < found["lower"] < found["value"] < found["upper"]
    assert found["upper"] - found["lower"] < 0.5 * (single["upper"] - single["lower"])
    assert found["p_value"] < 0.01


def test_the_same_classifier_differs_by_nothing():
    labels = np.array([0, 1] * 30)
    p = np.linspace(0.1, 0.9, 60)
    found = paired_difference(labels, p, p)
    assert (found[["value", "lower", "upper"]] == 0).all(axis=None)
    assert (found["p_value"] == 1).all()


def test_p_values_of_equal_classifiers_are_rarely_small():
    rng = np.random.default_rng(1)
    small = 0
    for seed in range(60):
        labels = rng.integers(0, 2, 150)
        first, second = (scores(0.5, labels, rng.normal(size=150)) for _ in range(2))
        small += (
            paired_difference(labels, first, second, n_bootstrap=200, seed=seed).loc["auroc", "p_value"] < 0.1
        )
    assert small <= 14  # Binomial(60, .1): P(more than 14) < .002


def test_different_classes_cannot_be_compared():
    with pytest.raises(UserError, match="2 and 3 classes"):
        paired_difference(np.array([0, 1]), np.array([0.2, 0.7]), np.full((2, 3), 1 / 3))


def test_corrected_t_test_by_hand():
    # Mean .02, s^2 = .0001, J = 5, n_test / n_train = .25: se = sqrt((.2 + .25) 1e-4) = .0067082.
    differences = np.array([0.02, 0.01, 0.03, 0.01, 0.03])
    found = corrected_resampled_t_test(differences, n_train=80, n_test=20)
    assert found["value"] == pytest.approx(0.02)
    assert found["upper"] - 0.02 == pytest.approx(2.7764451 * 0.0067082, rel=1e-4)
    assert found["p_value"] == pytest.approx(0.0406, abs=2e-3)
    assert corrected_resampled_t_test(np.zeros(4), 80, 20)["p_value"] == 1
    with pytest.raises(UserError, match="at least two"):
        corrected_resampled_t_test(np.array([0.1]), 80, 20)
