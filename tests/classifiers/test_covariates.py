import numpy as np
import pandas as pd
import pytest

from gds.classifiers.baselines import CovariateClassifier
from gds.classifiers.covariates import CovariateEncoder
from gds.errors import UserError


def table():
    return pd.DataFrame(
        {
            "age": [30.5, np.nan, 50, 41, 60.25, 33, 47, 52, 38, 44, 29, 71],
            "sex": [1, 2, 1, 2, 0, 1, 2, 1, 2, 1, 2, 1],
            "batch": ["A", "B", None, "A", "B", "C", "A", "B", "C", "A", "B", "C"],
        }
    )


def test_columns():
    encoder = CovariateEncoder().fit(table())
    assert encoder.names_ == [
        "age", "sex=0", "sex=1", "sex=2", "batch=A", "batch=B", "batch=C", "age missing", "batch missing",
    ]  # fmt: skip
    X = encoder.transform(table())
    assert X[1].tolist() == [44, 0, 0, 1, 0, 1, 0, 1, 0]  # the median of the eleven ages that are known
    assert X[2].tolist() == [50, 0, 1, 0, 0, 0, 0, 0, 1]


def test_new_people_are_read_by_what_training_people_showed():
    encoder = CovariateEncoder().fit(table())
    new = pd.DataFrame({"batch": ["D", "A"], "sex": [1.0, np.nan], "age": [np.nan, 1000]})
    assert encoder.transform(new).tolist() == [[44, 0, 1, 0, 0, 0, 0, 1, 0], [1000, 0, 0, 0, 1, 0, 0, 0, 0]]


def test_a_number_that_is_a_code_can_be_named_categorical():
    plates = pd.DataFrame({"plate": np.arange(96)})
    assert len(CovariateEncoder().fit(plates).names_) == 1
    assert len(CovariateEncoder(categorical=["plate"]).fit(plates).names_) == 96


def test_batch_that_gives_the_label_away_is_found():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    X = pd.DataFrame({"batch": np.where(rng.random(200) < 0.9, y, 1 - y), "age": rng.normal(60, 10, 200)})
    model = CovariateClassifier().fit(X[:100], y[:100])
    assert (model.predict(X[100:]) == y[100:]).mean() > 0.8
    assert model.predict_proba(X[100:]).shape == (100, 2)


def test_covariates_without_variance_are_chance():
    y = np.array([0, 0, 0, 1] * 5)
    model = CovariateClassifier().fit(pd.DataFrame({"batch": ["A"] * 20}), y)
    np.testing.assert_allclose(
        model.predict_proba(pd.DataFrame({"batch": ["A", "B"]}))[:, 1], 0.25, atol=1e-3
    )


def test_errors():
    encoder = CovariateEncoder().fit(table())
    with pytest.raises(UserError, match="'sex' is not in the table"):
        encoder.transform(table()[["age", "batch"]])
    with pytest.raises(UserError, match="'age' held numbers"):
        encoder.transform(table().assign(age="old"))
    with pytest.raises(UserError, match="at least one column"):
        CovariateEncoder().fit(table()[[]])
