import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from gds.errors import UserError
from gds.evaluation.calibration import calibration_table, reliability_curve, wilson_interval


def people(n=4000, slope=1.0, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    logit = rng.normal(size=n)
    labels = (rng.random(n) < 1 / (1 + np.exp(-(slope * logit + shift)))).astype(int)
    return labels, 1 / (1 + np.exp(-logit))


def test_bins_are_those_of_scikit_learn():
    labels, p = people(1000)
    found = reliability_curve(labels, p)
    observed, predicted = calibration_curve(labels, p, n_bins=10, strategy="quantile")
    np.testing.assert_allclose(found["observed"], observed)
    np.testing.assert_allclose(found["predicted"], predicted)
    assert found["n"].tolist() == [100] * 10
    assert ((found["lower"] < found["observed"]) & (found["observed"] < found["upper"])).all()


def test_equal_predictions_share_a_bin():
    found = reliability_curve(np.array([0, 1, 1, 1]), np.full(4, 0.5))
    assert len(found) == 1
    assert found.loc[0, ["predicted", "observed", "n"]].tolist() == [0.5, 0.75, 4]


def test_slope_is_that_of_an_unpenalised_logistic_regression():
    labels, p = people(800, slope=0.6, shift=-0.3)
    score = np.log(p / (1 - p))[:, None]
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(score, labels)
    assert calibration_table(labels, p).loc["slope", "value"] == pytest.approx(oracle.coef_[0, 0], rel=1e-4)


@pytest.mark.parametrize(("slope", "shift"), [(1, 0), (0.5, 0), (1.6, 0), (1, 0.8)])
def test_the_truth_lies_within_four_standard_errors(slope, shift):
    found = calibration_table(*people(20_000, slope, shift))
    error = (found["upper"] - found["lower"]) / 2 / 1.96
    assert abs(found.loc["slope", "value"] - slope) < 4 * error["slope"]
    if slope == 1:
        assert abs(found.loc["intercept", "value"] - shift) < 4 * error["intercept"]


def test_what_has_no_estimate_is_nan():
    assert calibration_table(np.array([0, 1, 1]), np.full(3, 0.4)).loc["slope"].isna().all()
    separated = calibration_table(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9]))
    assert separated.loc["slope"].isna().all()
    assert separated.loc["intercept"].notna().all()
    assert calibration_table(np.zeros(5, dtype=int), np.linspace(0.1, 0.5, 5)).isna().all(axis=None)


def test_wilson_by_hand():
    # 1 of 10, z = 1.96: (1 + 1.9207) / 13.8415 -/+ 1.96 / 13.8415 sqrt(.9 + .9604)
    assert wilson_interval(np.array(1), np.array(10)) == pytest.approx([0.01788, 0.40415], abs=1e-4)
    assert wilson_interval(np.array(0), np.array(10))[0] == 0


def test_several_classes_are_refused():
    with pytest.raises(UserError, match="one class"):
        reliability_curve(np.array([0, 1]), np.full((2, 3), 1 / 3))
