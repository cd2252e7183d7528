"""Ridge regression that shrinks towards published effects, against its definition."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from gds.classifiers.inner_folds import inner_folds
from gds.classifiers.linear.ridge import DosageRidge
from gds.classifiers.linear.standardised import DosageScaler
from gds.classifiers.polygenic.prior_ridge import PriorRidge
from gds.errors import UserError


def disease(n: int = 500, m: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dosages with missing ones, classes, and standardised effects that made them, rightly scaled, with noise."""
    rng = np.random.default_rng(seed)
    dosage = rng.binomial(2, rng.uniform(0.2, 0.8, m), (n, m)).astype(np.int8)
    z = (dosage - dosage.mean(axis=0)) / dosage.std(axis=0)
    effects = rng.normal(size=m)
    liability = z @ effects / np.sqrt(m) + rng.normal(size=n)
    y = (liability > np.median(liability)).astype(int)
    dosage[rng.random(dosage.shape) < 0.01] = -1
    correlation = z.T @ (y - y.mean()) / (n * y.std())
    return dosage, y, correlation + 0.02 * rng.normal(size=m)


def standardised(dosage: np.ndarray) -> tuple[np.ndarray, DosageScaler]:
    scaler = DosageScaler().fit([dosage])
    return np.concatenate([tile for _, tile in scaler.tiles([dosage])], axis=1).astype(np.float64), scaler


def test_without_prior_it_is_ridge_regression():
    dosage, y, prior = disease()
    plain = DosageRidge(seed=2).fit(dosage[:90], y[:90], unlabelled=dosage[90:300])
    found = PriorRidge(prior, amounts=(0.0,), seed=2).fit(dosage[:90], y[:90], unlabelled=dosage[90:300])
    np.testing.assert_allclose(found.coef_, plain.coef_, atol=1e-9)
    np.testing.assert_allclose(found.held_out_error_[0], plain.held_out_error_, rtol=1e-9)
    np.testing.assert_allclose(
        found.predict_proba(dosage[300:]), plain.predict_proba(dosage[300:]), atol=1e-7
    )
    again = PriorRidge(np.zeros(60), seed=2).fit(dosage[:90], y[:90], unlabelled=dosage[90:300])
    np.testing.assert_allclose(
        again.predict_proba(dosage[300:]), plain.predict_proba(dosage[300:]), atol=1e-7
    )


def test_it_minimises_what_it_says():
    """Ridge regression of what the prior leaves over, plus the prior."""
    dosage, y, prior = disease()
    few, y = dosage[:70], y[:70]
    z, scaler = standardised(few)
    found = PriorRidge(prior, amounts=(0.5,), candidates=(0.2,)).fit(few, y)
    start = 0.5 * y.std() * prior
    u = Ridge(alpha=found.penalty_ * scaler.n_varying).fit(z, y - z @ start)
    np.testing.assert_allclose(found.coef_[:, 0], start + u.coef_, atol=1e-5)
    np.testing.assert_allclose(
        found.decision_function(few)[:, 0], z @ (start + u.coef_) + u.intercept_, atol=1e-5
    )


def test_errors_of_folds_are_those_of_refitting():
    dosage, y, prior = disease()
    few, y = dosage[:60], y[:60]
    z, scaler = standardised(few)
    amounts, candidates = (0.0, 1.0), (0.1, 0.6)
    found = PriorRidge(prior, amounts=amounts, candidates=candidates, seed=4).fit(few, y)
    for i, c in enumerate(amounts):
        for j, h2 in enumerate(candidates):
            offset = c * y.std() * z @ prior
            errors = []
            for train, held_out in inner_folds(y, 5, seed=4):
                model = Ridge(alpha=(1 - h2) / h2 * scaler.n_varying).fit(z[train], (y - offset)[train])
                errors.append((model.predict(z[held_out]) + offset[held_out] - y[held_out]) ** 2)
            assert found.held_out_error_[i, j] == pytest.approx(np.concatenate(errors).mean(), rel=1e-4)


def test_few_labels_take_a_good_prior_and_leave_a_useless_one():
    dosage, y, prior = disease(n=900)
    test = slice(300, None)
    plain = roc_auc_score(y[test], DosageRidge().fit(dosage[:60], y[:60]).predict_proba(dosage[test])[:, 1])
    good = PriorRidge(prior).fit(dosage[:60], y[:60])
    assert good.amount_ > 0
    assert roc_auc_score(y[test], good.predict_proba(dosage[test])[:, 1]) > plain + 0.05
    useless = PriorRidge(-prior).fit(dosage[:60], y[:60])
    assert useless.amount_ == 0


def test_three_classes_are_refused_and_a_class_of_one_is_not_tuned():
    dosage, _, prior = disease()
    with pytest.raises(UserError, match="expected two classes, found 3"):
        PriorRidge(prior).fit(dosage, np.arange(500) % 3)
    found = PriorRidge(prior).fit(dosage[:20], np.r_[1, np.zeros(19, dtype=int)])
    assert (found.amount_, found.heritability_, found.calibration_) == (1.0, 0.5, None)
    assert found.predict_proba(dosage[20:]).shape == (480, 2)
