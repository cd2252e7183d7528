"""L1 logistic regression against its optimality conditions and scikit-learn."""

import numpy as np
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from gds.classifiers.linear.lasso import DosageLasso, lasso_path
from tests.classifiers.genotypes_with_classes import populations


def standardised(n=120, m=60):
    dosage, y = populations(n=n, n_variants=m)
    z = (dosage - dosage.mean(axis=0)) / dosage.std(axis=0)
    return z.astype(np.float32), y


def test_effects_meet_the_optimality_conditions():
    z, y = standardised()
    targets = np.eye(3, dtype=np.float32)[y]
    at_null = np.abs(z.T @ (targets - targets.mean(axis=0))).max() / len(z)
    for share, (coef, intercept) in zip(
        (1.01, 0.5, 0.1), lasso_path(z, targets, (1.01, 0.5, 0.1), 1e-4), strict=True
    ):
        residual = (softmax(z @ coef + intercept, axis=1) - targets) / len(z)
        gradient, penalty = z.T @ residual, share * at_null
        # Zero effects where the gradient is below the penalty, minus its sign times the penalty elsewhere.
        assert np.abs(gradient[coef == 0]).max() <= penalty + 2e-4 * at_null
        np.testing.assert_allclose(
            gradient[coef != 0], -penalty * np.sign(coef[coef != 0]), atol=2e-4 * at_null
        )
        np.testing.assert_allclose(residual.sum(axis=0), 0, atol=2e-4 * at_null)
        assert (coef == 0).all() == (share > 1)


def test_the_loss_is_that_of_scikit_learn():
    z, y = standardised()
    targets = np.eye(3, dtype=np.float32)[y]
    at_null = np.abs(z.T @ (targets - targets.mean(axis=0))).max() / len(z)
    coef, intercept = lasso_path(z, targets, (0.2,), 1e-5)[-1]
    oracle = LogisticRegression(
        C=1 / (0.2 * at_null * len(z)), l1_ratio=1, solver="saga", tol=1e-6, max_iter=20_000
    ).fit(z.astype(float), y)
    np.testing.assert_allclose(softmax(z @ coef + intercept, axis=1), oracle.predict_proba(z), atol=2e-3)


def test_variants_are_screened_inside_every_training_part():
    dosage, y = populations(n=200, n_variants=300)
    model = DosageLasso(max_variants=40).fit(dosage[:90], y[:90], unlabelled=dosage[90:150])
    assert len(model.variants_) == 40
    assert model.coef_.shape == (40, 3)
    assert (model.predict(dosage[150:]) == y[150:]).mean() > 0.8
    # Nobody but the labelled people matters for what is chosen: the others only standardise.
    alone = DosageLasso(max_variants=40).fit(dosage[:90], y[:90])
    assert len(set(alone.variants_) & set(model.variants_)) > 30
