"""Ridge on a measurement against the textbook form, and what its values are worth."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from gds.classifiers.linear.quantitative_ridge import QuantitativeRidge
from gds.classifiers.linear.ridge import DosageRidge
from gds.errors import UserError


def heritable(n=400, m=300, h2=0.6, seed=0):
    """Dosages and a value to which every variant adds a little."""
    rng = np.random.default_rng(seed)
    dosage = rng.binomial(2, rng.uniform(0.2, 0.8, m), (n, m)).astype(np.int8)
    genetic = (dosage - dosage.mean(axis=0)) @ rng.normal(size=m)
    value = np.sqrt(h2) * genetic / genetic.std() + np.sqrt(1 - h2) * rng.normal(size=n)
    return dosage, 3 + 2 * value


def test_it_is_primal_ridge_on_standardised_dosages():
    dosage, value = heritable(n=80)
    model = QuantitativeRidge(heritability=0.4).fit(dosage, value)
    z = (dosage - dosage.mean(axis=0)) / dosage.std(axis=0)
    expected = Ridge(alpha=dosage.shape[1] * 0.6 / 0.4).fit(z, value)
    np.testing.assert_allclose(model.predict(dosage), expected.predict(z), atol=1e-4)


def test_values_rank_people_better_than_classes_do():
    dosage, value = heritable()
    train, test = np.arange(300), np.arange(300, 400)
    limit = np.median(value[train])
    above = (value > limit).astype(int)
    quantitative = QuantitativeRidge().fit(dosage[train], value[train])
    binary = DosageRidge().fit(dosage[train], above[train])
    by_value = roc_auc_score(above[test], quantitative.predict(dosage[test]))
    assert by_value > 0.7
    assert by_value > roc_auc_score(above[test], binary.predict_proba(dosage[test])[:, 1]) - 0.02
    probabilities = quantitative.predict_proba(dosage[test], limit)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert abs(probabilities[:, 1].mean() - above[test].mean()) < 0.1
    assert 0.5 * value.std() < quantitative.residual_sd_ < 1.1 * value.std()


def test_no_heritability_is_chosen_where_there_is_none():
    dosage, value = heritable(h2=0.0)
    assert QuantitativeRidge().fit(dosage, value).heritability_ <= 0.1


def test_missing_values_are_refused():
    dosage, value = heritable(n=20)
    with pytest.raises(UserError, match="with 1 missing"):
        QuantitativeRidge().fit(dosage, np.r_[np.nan, value[1:]])
