"""Ridge, components and logistic regression against scikit-learn and against the textbook form."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from gds.classifiers.baselines import (
    METHODS,
    DosageRidge,
    HWEMixture,
    LogisticOnPCs,
    LogisticProbe,
    PriorClassifier,
    ShrinkageLDA,
)
from gds.classifiers.components import principal_components
from gds.classifiers.components.principal_components import DosagePCA
from gds.classifiers.linear import standardised
from gds.classifiers.linear.standardised import DosageScaler
from gds.errors import UserError
from tests.classifiers.genotypes_with_classes import polygenic, populations, with_missing


def imputed(dosage):
    mean = np.nanmean(np.where(dosage < 0, np.nan, dosage), axis=0)
    return np.where(dosage < 0, mean, dosage)


def test_scaler_is_mean_imputation_then_standard_scaling(monkeypatch):
    monkeypatch.setattr(standardised, "TILE_CELLS", 1000)  # several tiles
    dosage = with_missing(populations()[0], 0.1)
    dosage[:, 7] = 1
    scaler = DosageScaler().fit([dosage[:100], dosage[100:]])
    z = np.concatenate([tile for _, tile in scaler.tiles([dosage])], axis=1)
    np.testing.assert_allclose(z, StandardScaler().fit_transform(imputed(dosage)), atol=1e-5)
    assert (z[:, 7] == 0).all()
    kernel = scaler.kernel([dosage[:10]])
    np.testing.assert_allclose(kernel, z[:10] @ z[:10].T / 199, atol=1e-5)


@pytest.mark.parametrize("n_variants", [40, 400])
def test_components_are_those_of_scikit_learn(n_variants):
    dosage = with_missing(populations(n=150, n_variants=n_variants)[0], 0.05)
    z = StandardScaler().fit_transform(imputed(dosage))
    oracle = PCA(5, svd_solver="full").fit(z)
    found = DosagePCA(5).fit([dosage[:50], dosage[50:]])
    np.testing.assert_allclose(found.variance_, oracle.explained_variance_ * 149 / 150, rtol=1e-4)
    overlap = np.abs(oracle.components_ @ found.loadings_)
    np.testing.assert_allclose(np.diag(overlap), 1, atol=1e-4)
    np.testing.assert_allclose(np.abs(found.transform(dosage)), np.abs(oracle.transform(z)), atol=2e-2)


def test_krylov_space_holds_the_same_components(monkeypatch):
    dosage = populations(n=200, n_variants=300, n_classes=6)[0]
    exact = DosagePCA(5).fit([dosage])
    monkeypatch.setattr(principal_components, "LARGEST_EXACT", 50)
    iterated = DosagePCA(5).fit([dosage])
    np.testing.assert_allclose(iterated.variance_, exact.variance_, rtol=1e-5)
    # Six populations differ in five directions.
    np.testing.assert_allclose(iterated.transform(dosage), exact.transform(dosage), atol=0.05)


def test_ridge_is_primal_ridge_on_standardised_dosages():
    dosage, y = polygenic(n=150, n_variants=300)
    dosage = with_missing(dosage, 0.02)
    few, unlabelled = dosage[:80], dosage[80:]
    found = DosageRidge(heritability=0.4).fit(few, y[:80], unlabelled=unlabelled)
    scaler = DosageScaler().fit([dosage])
    z = np.concatenate([tile for _, tile in scaler.tiles([dosage])], axis=1) / np.sqrt(scaler.n_varying)
    oracle = Ridge(alpha=found.penalty_).fit(z[:80], y[:80])
    assert found.penalty_ == pytest.approx(1.5)
    np.testing.assert_allclose(found.decision_function(unlabelled)[:, 0], oracle.predict(z[80:]), atol=1e-4)


def test_ridge_error_of_folds_is_that_of_refitting():
    dosage, y = polygenic(n=60, n_variants=100)
    found = DosageRidge(candidates=(0.1, 0.6), seed=3).fit(dosage, y)
    from gds.classifiers.inner_folds import inner_folds

    scaler = DosageScaler().fit([dosage])
    z = np.concatenate([tile for _, tile in scaler.tiles([dosage])], axis=1) / np.sqrt(scaler.n_varying)
    for position, h2 in enumerate((0.1, 0.6)):
        errors = [
            (Ridge(alpha=(1 - h2) / h2).fit(z[train], y[train]).predict(z[held_out]) - y[held_out]) ** 2
            for train, held_out in inner_folds(y, 5, seed=3)
        ]
        assert found.held_out_error_[position] == pytest.approx(np.concatenate(errors).mean(), rel=1e-4)


def test_ridge_finds_a_polygenic_signal_and_knows_when_there_is_none():
    dosage, y = polygenic(n=900, n_variants=300)
    found = DosageRidge().fit(dosage[:500], y[:500])
    assert roc_auc_score(y[500:], found.predict_proba(dosage[500:])[:, 1]) > 0.75
    noise = np.random.default_rng(0).permutation(y)
    blind = DosageRidge().fit(dosage[:500], noise[:500])
    assert blind.heritability_ <= 0.1
    assert np.abs(blind.predict_proba(dosage[500:])[:, 1] - 0.5).max() < 0.2


def test_ridge_probabilities_are_calibrated():
    from gds.evaluation.calibration import calibration_table

    dosage, y = polygenic(n=2400, n_variants=300)
    found = DosageRidge().fit(dosage[:800], y[:800]).predict_proba(dosage[800:])[:, 1]
    assert calibration_table(y[800:], found).loc["slope", "value"] == pytest.approx(1, abs=0.2)


def test_ridge_needs_no_more_memory_for_variants_than_a_tile(monkeypatch):
    dosage, y = polygenic(n=60, n_variants=500)
    whole = DosageRidge(heritability=0.5).fit(dosage, y).predict_proba(dosage)
    monkeypatch.setattr(standardised, "TILE_CELLS", 60 * 37)
    np.testing.assert_allclose(
        DosageRidge(heritability=0.5).fit(dosage, y).predict_proba(dosage), whole, atol=1e-5
    )


def test_probe_is_scaled_logistic_regression():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 12)) * 10.0 ** rng.integers(-3, 3, 12) + 5
    y = (X[:, 0] / X[:, 0].std() + rng.normal(size=90) > (X[:, 0] / X[:, 0].std()).mean()).astype(int)
    z = StandardScaler().fit(X)
    oracle = LogisticRegression(C=0.3, max_iter=2000).fit(z.transform(X), y)
    found = LogisticProbe(C=0.3).fit(X, y)
    np.testing.assert_allclose(found.predict_proba(X), oracle.predict_proba(z.transform(X)), atol=1e-4)
    assert LogisticProbe().fit(X, y).C_ in (1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100)


def test_probe_ignores_columns_without_variance():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=40), np.full(40, 3.0)])
    y = (X[:, 0] > 0).astype(int)
    other = X.copy()
    other[:, 1] = 1e6
    found = LogisticProbe(C=1).fit(X, y)
    np.testing.assert_array_equal(found.predict_proba(X), found.predict_proba(other))


def test_lda_is_that_of_scikit_learn_on_the_components():
    dosage, y = populations()
    found = ShrinkageLDA(10).fit(dosage[:200], y[:200], unlabelled=dosage[200:])
    scores = DosagePCA(10).fit([dosage]).transform(dosage)
    oracle = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(scores[:200], y[:200])
    np.testing.assert_allclose(found.predict_proba(dosage), oracle.predict_proba(scores), atol=1e-3)


ON_DOSAGES = [name for name, method in METHODS.items() if method.reads == "dosages"]


@pytest.mark.parametrize("name", ON_DOSAGES)
def test_every_method_on_dosages(name):
    """The contract: clonable, learns, ignores -1 as a number, seeded, keeps class names, any classes."""
    dosage, y = populations(n=240, n_variants=150)
    dosage = with_missing(dosage, 0.03)
    names = np.array(["AFR", "EUR", "SAS"])[y]
    few, unlabelled, test = dosage[:60], dosage[60:160], dosage[160:]
    model = METHODS[name].make(0)
    assert clone(model).get_params().keys() == model.get_params().keys()
    assert model.fit(few, names[:60], unlabelled=unlabelled, groups=np.arange(60) // 2) is model
    probability = model.predict_proba(test)
    assert probability.shape == (80, 3)
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-6)
    assert (model.predict(test) == names[160:]).mean() > 0.9
    assert model.classes_.tolist() == ["AFR", "EUR", "SAS"]
    again = METHODS[name].make(0).fit(few, names[:60], unlabelled=unlabelled, groups=np.arange(60) // 2)
    np.testing.assert_array_equal(again.predict_proba(test), probability)


@pytest.mark.parametrize("name", ON_DOSAGES)
def test_one_label_a_class_is_enough_to_run(name):
    dosage, y = populations(n=120, n_variants=150)
    model = METHODS[name].make(0).fit(dosage[:3], y[:3], unlabelled=dosage[3:60])
    assert np.isfinite(model.predict_proba(dosage[60:])).all()


@pytest.mark.parametrize("name", ON_DOSAGES)
def test_wrong_dosages_are_refused(name):
    dosage, y = populations(n=30, n_variants=20)
    method = METHODS[name]
    wrong = dosage.copy()
    wrong[4, 5] = -9
    with pytest.raises(UserError, match="found -9 at person 4, variant 5"):
        method.make(0).fit(wrong, y)
    with pytest.raises(UserError, match="int8"):
        method.make(0).fit(dosage.astype(float), y)
    model = method.make(0).fit(dosage, y)
    with pytest.raises(UserError, match=r"shape \(sample, 20\)"):
        model.predict_proba(dosage[:, :10])
    with pytest.raises(UserError, match="all of class"):
        method.make(0).fit(dosage, np.zeros(30, dtype=int))
    with pytest.raises(UserError, match="label -100"):
        method.make(0).fit(dosage, np.where(np.arange(30) < 3, -100, y))


def test_chance_is_the_class_frequencies():
    model = PriorClassifier().fit(np.zeros((4, 1)), np.array([0, 1, 1, 1]))
    assert model.predict_proba(np.zeros((2, 1))).tolist() == [[0.25, 0.75]] * 2
    assert model.predict(np.zeros((2, 1))).tolist() == [1, 1]


def test_components_and_penalty_are_chosen_inside_the_labels():
    dosage, y = populations(n=300, n_variants=150, n_classes=3)
    found = LogisticOnPCs().fit(dosage[:100], y[:100], unlabelled=dosage[100:])
    assert found.n_components_ in (2, 5, 10, 20, 40)
    fallback = LogisticOnPCs().fit(dosage[:3], y[:3], unlabelled=dosage[100:])
    assert (fallback.n_components_, fallback.C_) == (10, 1.0)
    assert HWEMixture().fit(dosage[:3], y[:3], unlabelled=dosage[100:]).temperature_ == 4.0


@pytest.mark.parametrize("name", ["boosted trees", "mixture on PCs"])
def test_other_methods_on_components_tell_populations_apart(name):
    X, y = populations(n=400, n_variants=150, divergence=0.15)
    model = METHODS[name].make(0).fit(X[:60], y[:60], unlabelled=X[60:300])
    assert model.predict_proba(X[300:]).shape == (100, 3)
    assert (model.predict(X[300:]) == y[300:]).mean() > 0.85
