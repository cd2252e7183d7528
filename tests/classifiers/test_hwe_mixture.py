"""HWE-EM against a plain transcription of its definition, and on real populations."""

import zipfile

import numpy as np
import pandas as pd
import pytest

from gds.classifiers.mixtures import hwe_mixture
from gds.classifiers.mixtures.frequency_prior import LowRankPrior
from gds.classifiers.mixtures.hwe_mixture import HWEMixture
from gds.classifiers.mixtures.tuned_hwe_mixture import TunedHWEMixture
from gds.errors import UserError
from tests.classifiers.genotypes_with_classes import populations, with_missing


def transcribed(X, y, unlabelled, test, alpha=20, n_components=12, temperature=4, weight=0.5, iterations=10):
    """The three steps as they are written down, in float64 without tiles; log-likelihoods of test people."""
    people = np.concatenate([X, unlabelled]).astype(float)
    mean, sd = people.mean(axis=0), people.std(axis=0)
    z = (people - mean) / sd
    loadings = np.linalg.svd(z, full_matrices=False)[2][:n_components]
    k = y.max() + 1
    w = np.zeros((len(people), k))
    w[: len(X)] = np.eye(k)[y]
    for iteration in range(iterations + 1):
        centre = (w.T @ z) / w.sum(axis=0)[:, None] @ loadings.T @ loadings
        c = np.clip((centre * sd + mean) / 2, 0.005, 0.995)
        p = (w.T @ people + alpha * c) / (2 * w.sum(axis=0)[:, None] + alpha)
        p = np.clip(p, 1e-6, 1 - 1e-6)
        if iteration == iterations:
            return test @ np.log(p).T + (2 - test) @ np.log(1 - p).T
        log_posterior = (
            unlabelled @ np.log(p).T + (2 - unlabelled) @ np.log(1 - p).T + np.log(np.bincount(y) / len(y))
        )
        e = np.exp((log_posterior - log_posterior.max(axis=1, keepdims=True)) / temperature)
        w[len(X) :] = weight * e / e.sum(axis=1, keepdims=True)
    raise AssertionError


@pytest.mark.parametrize("iterations", [0, 1, 10])
def test_it_is_what_is_written_down(iterations, monkeypatch):
    monkeypatch.setattr(hwe_mixture, "TILE_CELLS", 300 * 17)
    X, y = populations(n=300, n_variants=120, divergence=0.06)
    model = HWEMixture(n_iterations=iterations, fall_back=False).fit(X[:20], y[:20], unlabelled=X[20:200])
    expected = transcribed(X[:20], y[:20], X[20:200], X[200:], iterations=iterations)
    np.testing.assert_allclose(model.log_likelihood(X[200:]), expected, rtol=1e-4)


def test_unlabelled_people_help_and_the_prior_is_needed():
    X, y = populations(n=1500, n_variants=250, n_classes=5, divergence=0.05, seed=2)
    few, unlabelled, test = slice(0, 20), slice(20, 1200), slice(1200, None)
    accuracy = {
        n: (HWEMixture(n_iterations=n, fall_back=False).fit(X[few], y[few], unlabelled=X[unlabelled])
            .predict(X[test]) == y[test]).mean()
        for n in (0, 10)
    }  # fmt: skip
    assert accuracy[10] > accuracy[0] + 0.05


def test_missing_calls_are_left_out_of_every_sum():
    X, y = populations(n=200, n_variants=100)
    model = HWEMixture(n_iterations=0).fit(X[:100], y[:100])
    one = with_missing(X[100:], 0.5)
    p = model.allele_frequency_
    expected = [
        sum(x * np.log(p[c, j]) + (2 - x) * np.log(1 - p[c, j]) for j, x in enumerate(one[3]) if x >= 0)
        for c in range(3)
    ]
    np.testing.assert_allclose(model.log_likelihood(one)[3], expected, rtol=1e-5)
    all_missing = np.full((1, 100), -1, dtype=np.int8)
    np.testing.assert_allclose(model.predict_proba(all_missing)[0], np.bincount(y[:100]) / 100, atol=1e-6)


def test_counts_ignore_missing_calls():
    X, y = populations(n=100, n_variants=80)
    holes = with_missing(X, 0.3)
    model = HWEMixture(n_iterations=0, alpha=1e-9).fit(holes, y)
    rows = holes[y == 1].astype(float)
    rows[rows < 0] = np.nan
    np.testing.assert_allclose(
        model.allele_frequency_[1], np.clip(np.nanmean(rows, axis=0) / 2, 1e-6, 1 - 1e-6), atol=1e-5
    )


def test_runs_side_by_side_are_those_run_alone():
    X, y = populations(n=120, n_variants=80)
    model = HWEMixture(n_folds=2).fit(X[:30], y[:30], unlabelled=X[30:])
    model.prior_ = LowRankPrior().fit([X])
    known = np.eye(3)[y[:30]]
    first, second = known.copy(), known.copy()
    first[:10], second[20:] = 0, 0
    people = hwe_mixture._People([X])
    both, priors = model._expectation_maximisation(people, np.stack([first, second]), 3)
    for run, labelled in enumerate((first, second)):
        alone, prior = model._expectation_maximisation(people, labelled[None], 3)
        np.testing.assert_allclose(both[run], alone[0], atol=1e-5)
        np.testing.assert_array_equal(priors[run], prior[0])


def test_em_is_given_up_where_it_hurts():
    # A trait that 40 sites carry, in people of two clusters that 260 sites tell apart: EM finds the clusters.
    rng = np.random.default_rng(2)
    cluster, y = rng.integers(0, 2, (2, 1000))
    by_cluster, by_trait = 0.25 * rng.choice([-1, 1], 260), 0.12 * rng.choice([-1, 1], 40)
    frequency = 0.5 + np.concatenate(
        [np.where(cluster[:, None], by_cluster, -by_cluster), np.where(y[:, None], by_trait, -by_trait)],
        axis=1,
    )
    X = rng.binomial(2, frequency).astype(np.int8)
    chosen = HWEMixture().fit(X[:80], y[:80], unlabelled=X[80:600])
    kept = HWEMixture(fall_back=False).fit(X[:80], y[:80], unlabelled=X[80:600])
    assert (chosen.n_iterations_, kept.n_iterations_) == (0, 10)
    accuracy = [(model.predict(X[600:]) == y[600:]).mean() for model in (chosen, kept)]
    assert accuracy[0] > accuracy[1] + 0.1
    # Where the clusters are the classes it is kept.
    X, y = populations(n=600, n_variants=60, divergence=0.08)
    assert HWEMixture().fit(X[:60], y[:60], unlabelled=X[60:]).n_iterations_ == 10


def test_probabilities_are_calibrated_although_sites_are_linked():
    # Every site four times: independent-site likelihoods are four times too sure.
    from gds.evaluation.classification import classification_metrics

    X, y = populations(n=900, n_variants=40, divergence=0.1)
    linked = np.repeat(X, 4, axis=1)
    model = HWEMixture(n_iterations=0).fit(linked[:300], y[:300])
    naive = HWEMixture(n_iterations=0).fit(linked[:300], y[:300])
    naive.temperature_ = 1.0
    loss = [
        classification_metrics(y[300:], m.predict_proba(linked[300:]), n_bootstrap=0).loc["log_loss", "value"]
        for m in (model, naive)
    ]
    assert model.temperature_ >= 2.8
    assert loss[0] < 0.8 * loss[1]


def test_a_mask_of_variants_is_the_same_as_leaving_the_others_out():
    X, y = populations(n=150, n_variants=100)
    mask = np.arange(100) % 3 == 0
    first = HWEMixture(variants=mask).fit(X[:50], y[:50], unlabelled=X[50:100]).predict_proba(X[100:])
    second = HWEMixture().fit(X[:50, mask], y[:50], unlabelled=X[50:100, mask]).predict_proba(X[100:, mask])
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_any_prior_can_be_given_and_nobody_is_kept():
    class Pooled(LowRankPrior):
        """Everyone's frequency for every class."""

        def class_frequency(self, weights):
            return super().class_frequency(np.ones((len(weights), weights.shape[1])))

    X, y = populations(n=100, n_variants=60)
    model = HWEMixture(n_iterations=0, alpha=1e9, prior=Pooled(3)).fit(X, y)
    np.testing.assert_allclose(model.allele_frequency_[0], model.allele_frequency_[1], atol=1e-6)
    arrays = [
        value for value in {**vars(model), **vars(model.prior_)}.values() if isinstance(value, np.ndarray)
    ]
    assert all(len(array) != len(X) for array in arrays)


def test_constants_are_chosen_by_held_out_loss():
    X, y = populations(n=200, n_variants=100, divergence=0.06)
    model = TunedHWEMixture({"alpha": (20.0, 2000.0), "temperature": (4.0, 8.0)})
    model.fit(X[:40], y[:40], unlabelled=X[40:120])
    losses = [tried["loss"] for tried in model.losses_]
    assert len(losses) == 3
    assert {**model.constants_, "loss": min(losses)} in model.losses_
    chosen = HWEMixture(alpha=model.constants_["alpha"], temperature=model.constants_["temperature"])
    chosen.fit(X[:40], y[:40], unlabelled=X[40:120])
    np.testing.assert_allclose(model.predict_proba(X[120:]), chosen.predict_proba(X[120:]))


def test_impossible_constants():
    X, y = populations(n=20, n_variants=30)
    with pytest.raises(UserError, match="alpha > 0"):
        HWEMixture(alpha=0).fit(X, y)


@pytest.mark.shared_data
def test_26_populations(shared_data):
    with zipfile.ZipFile(shared_data / "kg_805" / "real.hapt.zip") as archive:
        rows = [line.split() for line in archive.read(archive.namelist()[0]).decode().splitlines()]
    haplotypes = np.array([row[2:] for row in rows], dtype=np.int8)
    ids = [row[1].removesuffix("_A") for row in rows[::2]]
    panel = pd.read_csv(shared_data / "kg_chr22" / "kg.panel", sep=r"\s+", index_col="sample", usecols=[0, 1])
    dosage, y = haplotypes[::2] + haplotypes[1::2], pd.factorize(panel.loc[ids, "pop"])[0]
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[500:], order[:500]
    few = np.concatenate([train[y[train] == label][:4] for label in range(26)])
    rest = np.setdiff1d(train, few)
    accuracy = [
        (HWEMixture(n_iterations=n, n_folds=2, fall_back=False)
         .fit(dosage[few], y[few], unlabelled=dosage[rest]).predict(dosage[test]) == y[test]).mean()
        for n in (0, 10)
    ]  # fmt: skip
    assert accuracy[0] > 0.45  # .53 over ten splits
    assert accuracy[1] > 0.55  # .62 over ten splits; a split has a standard error of .025
