"""Logistic regression beside an offset: its limits, and scikit-learn's where there is none."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from gds.classifiers.linear.offset_logistic import OffsetLogistic


@pytest.fixture
def people():
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(80, 5))
    offset = rng.normal(size=80)
    y = (rng.random(80) < expit(offset + columns[:, 0])).astype(int)
    return columns, offset, y


def test_without_an_offset_it_is_ridge_logistic_regression(people):
    columns, _, y = people
    kernel = columns @ columns.T
    model = OffsetLogistic(0.3).fit(kernel[:60, :60], y[:60], np.zeros(60))
    theirs = LogisticRegression(C=0.3, tol=1e-10, max_iter=10_000).fit(columns[:60], y[:60])
    mine = model.predict_proba(kernel[60:, :60], np.zeros(20))
    np.testing.assert_allclose(mine, theirs.predict_proba(columns[60:]), atol=1e-5)


def test_an_offset_is_a_column_whose_weight_is_one(people):
    """At the optimum the score equations hold: sum (y - p) = 0 and Z'(y - p) = w / C."""
    columns, offset, y = people
    model = OffsetLogistic(2.0).fit(columns @ columns.T, y, offset)
    residual = y - model.predict_proba(columns @ columns.T, offset)[:, 1]
    assert residual.sum() == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(columns.T @ residual, columns.T @ model.weights_ / 2.0, atol=1e-5)


def test_with_an_infinite_penalty_the_offset_alone_remains(people):
    columns, offset, y = people
    kernel = columns @ columns.T
    model = OffsetLogistic(1e-9).fit(kernel, y, offset)
    np.testing.assert_allclose(model.genetic_part(kernel), 0, atol=1e-6)
    expected = expit(offset + model.intercept_)
    assert expected.sum() == pytest.approx(y.sum())  # the intercept makes the mean right
    np.testing.assert_allclose(model.predict_proba(kernel, offset)[:, 1], expected, atol=1e-6)
