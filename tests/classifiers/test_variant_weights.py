"""Weights of variants by hand, and weighted ridge regression against its primal form."""

import numpy as np
from sklearn.linear_model import Ridge

from gds.classifiers.linear.kernel_ridge import dual_path
from gds.classifiers.linear.quantitative_ridge import QuantitativeRidge
from gds.classifiers.linear.ridge import DosageRidge
from gds.classifiers.linear.standardised import DosageScaler
from gds.classifiers.linear.variant_weights import effect_weights


def test_weights_are_window_means_of_squared_effects_by_hand():
    effects = np.array([[1.0], [2.0], [3.0], [0.0], [4.0]])
    # Windows of three, none across the chromosomes: means of (1, 4), (1, 4, 9), (4, 9), (0, 16), (0, 16).
    expected = np.array([2.5, 14 / 3, 6.5, 8.0, 8.0])
    found = effect_weights(effects, 3, np.array(["1", "1", "1", "2", "2"]))
    np.testing.assert_allclose(found, expected / expected.mean())
    np.testing.assert_allclose(effect_weights(effects, 1), (effects**2)[:, 0] / 6)


def one_region(n=400, m=300, seed=0):
    """A value to which ten neighbouring variants add."""
    rng = np.random.default_rng(seed)
    dosage = rng.binomial(2, rng.uniform(0.2, 0.8, m), (n, m)).astype(np.int8)
    genetic = (dosage[:, 100:110] - dosage[:, 100:110].mean(axis=0)).sum(axis=1)
    return dosage, genetic / genetic.std() + rng.normal(size=n)


def test_it_is_primal_ridge_on_weighted_dosages():
    dosage, value = one_region(n=80)
    model = QuantitativeRidge(heritability=0.4, window=11).fit(dosage, value)
    scaler = DosageScaler().fit([dosage])
    z = (dosage - dosage.mean(axis=0)) / dosage.std(axis=0)
    duals = dual_path(scaler.kernel([dosage]), (value - value.mean())[:, None], [0.5])[0]
    weights = effect_weights(z.T @ duals, 11)
    expected = Ridge(alpha=weights.sum() * 0.6 / 0.4).fit(z * np.sqrt(weights), value)
    np.testing.assert_allclose(model.predict(dosage), expected.predict(z * np.sqrt(weights)), atol=2e-3)


def test_weights_help_where_one_region_matters():
    dosage, value = one_region()
    above = (value > np.median(value[:300])).astype(int)

    def error(window):
        model = QuantitativeRidge(window=window).fit(dosage[:300], value[:300])
        return ((model.predict(dosage[300:]) - value[300:]) ** 2).mean()

    assert error(11) < 0.9 * error(None)
    plain, weighted = (DosageRidge(window=window).fit(dosage[:300], above[:300]) for window in (None, 11))
    correct = [(model.predict(dosage[300:]) == above[300:]).mean() for model in (plain, weighted)]
    assert correct[1] > correct[0]
