"""The choice inside the labels: by the margin, within batches, and reported."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from gds.classifiers.auto import AutoClassifier, auroc_within
from gds.classifiers.base import Candidate
from gds.classifiers.baselines import METHODS
from tests.classifiers.genotypes_with_classes import polygenic, populations


def candidates(*names):
    return {name: Candidate(METHODS[name].make(0), slice(None)) for name in names}


def test_auroc_within_one_batch_is_the_auroc_and_batches_are_not_compared():
    rng = np.random.default_rng(0)
    label, score = rng.integers(0, 2, 200), rng.normal(size=200).round(1)
    assert auroc_within(label, score, np.zeros(200)) == pytest.approx(roc_auc_score(label, score))
    # A score that is the batch: perfect between, chance within.
    batch = np.where(rng.random(200) < 0.9, label, 1 - label)
    assert roc_auc_score(label, batch) > 0.85
    assert auroc_within(label, batch.astype(float), batch) == 0.5
    assert np.isnan(auroc_within(label, score, label))


def test_a_detector_of_batches_is_not_chosen():
    """Fifty variants differ between batches, in which cases and controls were genotyped apart."""
    rng = np.random.default_rng(1)
    X, y = polygenic(n=300, n_variants=300, heritability=0.6)
    batch = np.where(rng.random(300) < 0.85, y, 1 - y)
    shifted = rng.binomial(2, np.where(batch, 0.75, 0.25)[:, None], (300, 50)).astype(np.int8)
    X = np.concatenate([X, shifted], axis=1)
    names = {
        "ridge": Candidate(METHODS["ridge on dosages"].make(0), np.arange(300)),
        "batch": Candidate(METHODS["logistic on PCs"].make(0), np.arange(300, 350)),
    }
    plain = AutoClassifier(names).fit(X[:200], y[:200])
    within = AutoClassifier(names).fit(X[:200], y[:200], batches=batch[:200])
    assert plain.chosen_ == "batch"
    assert within.chosen_ == "ridge"
    assert within.report_.loc["batch", "criterion"] < 0.62 < plain.report_.loc["batch", "criterion"]


def test_with_several_classes_the_lowest_log_loss_is_used_and_all_are_reported():
    X, y = populations(n=400, n_variants=150, divergence=0.08)
    model = AutoClassifier(candidates("ridge on dosages", "logistic on PCs", "HWE-EM"))
    model.fit(X[:60], y[:60], unlabelled=X[60:300])
    assert model.chosen_ == model.report_["criterion"].idxmin()
    assert list(model.report_.index) == ["ridge on dosages", "logistic on PCs", "HWE-EM"]
    assert (model.predict(X[300:]) == y[300:]).mean() > 0.8


def test_without_folds_the_default_is_used():
    X, y = populations(n=20, n_variants=50, n_classes=2)
    model = AutoClassifier(candidates("ridge on dosages", "HWE-EM")).fit(X[:2], y[:2])
    assert (model.chosen_, len(model.report_)) == ("ridge on dosages", 0)
