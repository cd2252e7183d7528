"""Expected genotypes of networks and of components, and the prior made of them."""

import numpy as np
import pytest
import torch
from scipy.special import expit, logit

from gds.classifiers.mixtures.expected_genotypes import (
    ComponentExpectation,
    MeanExpectation,
    NetworkExpectation,
)
from gds.classifiers.mixtures.frequency_prior import ExpectedGenotypePrior, LowRankPrior
from gds.classifiers.mixtures.hwe_mixture import HWEMixture
from gds.classifiers.mixtures.tuned_hwe_mixture import TunedHWEMixture
from gds.errors import UserError
from gds.features import GenePCA, GeneTokens
from gds.genotypes import assign_blocks
from gds.models import GdsConfig, GdsForClassification, GdsForDiffusion, GdsForMaskedModeling
from gds.models.randomness import Stream, draw_keys, normal, uniform
from tests.cohorts import tiny_genotypes
from tests.models.conftest import TINY


@pytest.fixture(scope="module")
def genotypes():
    return tiny_genotypes(n_samples=60, n_variants=44)


@pytest.fixture(scope="module")
def masked(genotypes):
    """A masked model with random weights, of three windows of 16, 16 and 12 variants."""
    featurizer = GeneTokens(16).fit(genotypes, assign_blocks(genotypes.variants, "window:16"))
    torch.manual_seed(0)
    config = GdsConfig(n_blocks=3, n_channels=16, input_kind="tokens", backbone="mlp", **TINY["mlp"])
    model = GdsForMaskedModeling(config)
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.2 * torch.randn(value.shape))
    model.gds.set_padding(featurizer.is_padding_)
    return model, featurizer


@torch.no_grad()
def test_a_masked_model_predicts_each_part_from_the_others(genotypes, masked):
    model, featurizer = masked
    expectation = NetworkExpectation(model, featurizer, genotypes.variants, n_parts=3, n_repeats=2, seed=5)
    found = expectation.expected_dosage(genotypes.dosage)
    features = torch.from_numpy(featurizer.transform(genotypes))
    total = torch.zeros(features.shape)
    for repeat in range(2):
        draw = uniform(draw_keys(5, repeat, torch.zeros(1, dtype=torch.int64)), Stream.MASK, (3, 16))[0]
        for low in (0.0, 1 / 3, 2 / 3):
            hidden = (draw >= low) & (draw < low + 1 / 3)
            probability = model.reconstruct(features, hidden.expand(60, -1, -1)).softmax(dim=-1)
            total[:, hidden] += (probability[..., 1] + 2 * probability[..., 2])[:, hidden]
    expected = total.flatten(1)[:, :44] / 2
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # A person's own cell does not enter its prediction, nor do other people.
    alone = NetworkExpectation(model, featurizer, genotypes.variants, n_parts=44, n_repeats=1)
    one = genotypes.dosage[:1].copy()
    before = alone.expected_dosage(one)
    one[0, 7] = 2 - max(one[0, 7], 0)
    np.testing.assert_allclose(
        before, alone.expected_dosage(np.concatenate([one, genotypes.dosage[5:9]]))[:1], atol=0.2
    )


def test_variants_are_matched_and_unknown_ones_left_open(genotypes, masked):
    model, featurizer = masked
    order = np.random.default_rng(0).permutation(44)
    known = NetworkExpectation(model, featurizer, genotypes.variants).expected_dosage(genotypes.dosage)
    shuffled = genotypes.subset(variants=order)
    found = NetworkExpectation(model, featurizer, shuffled.variants).expected_dosage(shuffled.dosage)
    np.testing.assert_allclose(found, known[:, order], atol=1e-5)
    wider = tiny_genotypes(n_samples=60, n_variants=52)
    found = NetworkExpectation(model, featurizer, wider.variants).expected_dosage(wider.dosage)
    assert np.isnan(found[:, 44:]).all()
    assert np.isfinite(found[:, :44]).all()
    with pytest.raises(UserError, match="44 variants, found 40"):
        NetworkExpectation(model, featurizer, genotypes.variants).expected_dosage(genotypes.dosage[:, :40])


def test_an_untrained_denoiser_expects_what_shrinkage_does(genotypes):
    """x0 = sqrt(a) x_t, with x_t = sqrt(a) x + sqrt(1 - a) noise."""
    featurizer = GenePCA(4, cut_points=False).fit(genotypes, assign_blocks(genotypes.variants, "window:16"))
    config = GdsConfig(
        n_blocks=3, n_channels=4, use_timestep=True, prediction_type="v_prediction", **TINY["transformer"]
    )
    model = GdsForDiffusion(config)
    model.gds.set_padding(featurizer.is_padding_)
    found = NetworkExpectation(
        model, featurizer, genotypes.variants, timestep=200, n_repeats=3
    ).expected_dosage(genotypes.dosage)
    signal = float(model.alpha_bar(torch.tensor([200]))[0, 0, 0])
    zero = torch.zeros(1, dtype=torch.int64)
    noise = np.mean(
        [normal(draw_keys(0, repeat, zero), Stream.NOISE, (3, 4)).numpy() for repeat in range(3)], axis=0
    )
    scores = featurizer.transform(genotypes)
    clean = np.sqrt(signal) * (np.sqrt(signal) * scores + np.sqrt(1 - signal) * noise)
    expected = featurizer.inverse_transform(clean.astype(np.float32), rounding="none").clip(0, 2)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_components_of_full_rank_give_the_dosages_back(genotypes):
    dosage = np.maximum(genotypes.dosage, 0)
    found = ComponentExpectation(43).fit([dosage]).expected_dosage(dosage[:5])
    np.testing.assert_allclose(found, dosage[:5], atol=0.3)
    members = [ComponentExpectation(k) for k in (2, 5)]
    mean = MeanExpectation(members).fit([dosage]).expected_dosage(dosage)
    each = [ComponentExpectation(k).fit([dosage]).expected_dosage(dosage) for k in (2, 5)]
    np.testing.assert_allclose(mean, (each[0] + each[1]) / 2, atol=1e-6)


def test_the_prior_is_what_is_written_down(genotypes, masked):
    model, featurizer = masked
    dosage, weights = genotypes.dosage, np.random.default_rng(0).random((60, 3))
    expectation = NetworkExpectation(model, featurizer, genotypes.variants)
    low = LowRankPrior(3).fit([dosage]).class_frequency(weights)
    mean = weights.T @ logit(expectation.expected_dosage(dosage).clip(0.01, 1.99) / 2)
    network = expit(mean / weights.sum(axis=0)[:, None]).clip(0.005, 0.995)
    for share in (0.0, 0.3, 1.0):
        prior = ExpectedGenotypePrior(expectation, share, 3).fit([dosage[:20], dosage[20:]])
        expected = share * network + (1 - share) * low
        np.testing.assert_allclose(prior.class_frequency(weights), expected, atol=1e-4)
    some = np.arange(44) % 3 == 0
    prior = ExpectedGenotypePrior(expectation, 1.0, 3).fit([dosage], some)
    np.testing.assert_allclose(prior.class_frequency(weights), network[:, some], atol=1e-4)
    prior.forget_people()
    assert not [
        value for value in vars(prior).values() if isinstance(value, np.ndarray) and 60 in value.shape
    ]


def test_hwe_em_takes_it_fixed_or_with_its_share_tuned(genotypes, masked):
    model, featurizer = masked
    expectation = NetworkExpectation(model, featurizer, genotypes.variants)
    X, y = genotypes.dosage, np.arange(60) % 2
    plain = HWEMixture(n_iterations=2).fit(X[:20], y[:20], unlabelled=X[20:40]).predict_proba(X[40:])
    none = HWEMixture(n_iterations=2, prior=ExpectedGenotypePrior(expectation, 0.0))
    none.fit(X[:20], y[:20], unlabelled=X[20:40])
    np.testing.assert_allclose(none.predict_proba(X[40:]), plain, atol=1e-6)
    tuned = TunedHWEMixture({}, expected=expectation).fit(X[:20], y[:20], unlabelled=X[20:40])
    assert [tried["share"] for tried in tuned.losses_] == [0.5, 0.0, 1.0]


def test_models_that_expect_nothing_are_refused(genotypes, masked):
    classifier = GdsForClassification(GdsConfig(n_blocks=3, n_channels=4, **TINY["transformer"]))
    with pytest.raises(UserError, match="expected a denoiser, or a masked model"):
        NetworkExpectation(classifier, masked[1], genotypes.variants)
    with pytest.raises(UserError, match="n_parts >= 2"):
        NetworkExpectation(*masked, genotypes.variants, n_parts=1)
