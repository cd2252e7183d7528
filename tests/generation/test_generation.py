import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from tqdm import tqdm

from gds.errors import UserError
from gds.generation import GenotypeGenerator
from gds.generation.diffusion import make_sampler, sample_diffusion
from gds.generation.unmasking import reveal_steps
from gds.models import GdsConfig, GdsForClassification, GdsForDiffusion, GdsForMaskedModeling
from gds.models.randomness import draw_keys
from gds.models.schedule import alpha_bar, default_inference_steps, make_scheduler

TINY = {
    "n_blocks": 4, "n_channels": 4, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 64, "blocks_per_token": 2,
}  # fmt: skip


def scheduler_config(config):
    scheduler = make_scheduler(config)
    return {**scheduler.config, "_class_name": type(scheduler).__name__}


class ExactDenoiser:
    """The best possible prediction for data from N(0, covariance): x0_hat = sqrt(a) C (a C + 1 - a)^-1 x_t."""

    def __init__(self, config, covariance):
        self.config, self.covariance, self.signal = config, covariance, alpha_bar(config)
        self.gds = SimpleNamespace(is_padding=torch.zeros(4, 4, dtype=torch.bool))

    def denoise(self, noisy, timestep, class_labels=None):
        a, x = self.signal[timestep[0]], noisy.flatten(1)
        total = a * self.covariance + (1 - a) * torch.eye(16)
        clean = a.sqrt() * torch.linalg.solve(total, x.T).T @ self.covariance
        noise = (x - a.sqrt() * clean) / (1 - a).sqrt()
        velocity = a.sqrt() * noise - (1 - a).sqrt() * clean
        found = {"epsilon": noise, "v_prediction": velocity, "sample": clean}[self.config.prediction_type]
        return found.view_as(noisy)


@pytest.mark.parametrize(
    ("prediction_type", "sampler"),
    [("epsilon", "ancestral"), ("v_prediction", "dpm-solver++"), ("sample", "dpm-solver++")],
)
def test_samplers_reproduce_a_gaussian_whose_score_is_known(prediction_type, sampler):
    """Standard deviation about 1 (clipping x0 to [-1, 1] would give .6) and the right correlations."""
    config = GdsConfig(**TINY, use_timestep=True, prediction_type=prediction_type, sampler=sampler)
    index = torch.arange(16)
    covariance = 0.9 ** (index[:, None] - index).abs().float()
    with tqdm(disable=True) as progress:
        samples = sample_diffusion(
            ExactDenoiser(config, covariance), draw_keys(0, 0, torch.arange(5000)), scheduler_config(config),
            default_inference_steps(config), None, 1.0, progress,
        ).flatten(1)  # fmt: skip
    assert samples.std() == pytest.approx(1.0, abs=0.02)
    assert (torch.cov(samples.T) - covariance).abs().max() < 0.06


def test_ancestral_step_is_that_of_ddpm(monkeypatch):
    from diffusers import DDPMScheduler
    from diffusers.schedulers import scheduling_ddpm

    config = GdsConfig(**TINY, use_timestep=True)
    sampler = make_sampler(scheduler_config(config), 500)
    reference = make_scheduler(config)
    assert isinstance(reference, DDPMScheduler)
    reference.set_timesteps(500)
    assert reference.timesteps.tolist() == sampler.timesteps.tolist()
    generator = torch.Generator().manual_seed(0)
    state, output, noise = (torch.randn(2, 4, 4, generator=generator) for _ in range(3))
    monkeypatch.setattr(scheduling_ddpm, "randn_tensor", lambda *args, **kwargs: noise)
    for timestep in (498, 300, 100, 1, 0):
        expected = reference.step(output, timestep, state).prev_sample
        found = sampler.step(output, timestep, state, eta=1.0, variance_noise=noise).prev_sample
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def trained(model, features, steps=400, batch=128):
    """A model fitted to features by Adam, with the draws of its own forward."""
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    model.train()
    for step in range(steps):
        rows = torch.randint(len(features), (batch,), generator=torch.Generator().manual_seed(step))
        loss = model(features[rows], draw_keys(0, step, rows)).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return model.eval()


def gaussian_people(n, seed=0):
    """Unit-variance scores (sample, 4, 4) of which all of one channel correlate by .8."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 1, 4))
    own = rng.normal(size=(n, 4, 4))
    return torch.tensor(math.sqrt(0.8) * shared + math.sqrt(0.2) * own, dtype=torch.float32)


@pytest.mark.parametrize("sampler", ["ancestral", "dpm-solver++"])
def test_a_trained_model_beats_the_floor_and_samples_with_the_right_moments(sampler):
    torch.manual_seed(0)
    prediction = "epsilon" if sampler == "ancestral" else "v_prediction"
    config = GdsConfig(
        **TINY, use_timestep=True, prediction_type=prediction, sampler=sampler, num_train_timesteps=100
    )
    model = trained(GdsForDiffusion(config), gaussian_people(4000))
    with torch.no_grad():
        output = model(gaussian_people(2000, seed=1), draw_keys(1, 0, torch.arange(2000)))
    # With eigenvalue e of the covariance the best network still leaves a e / (a e + 1 - a) of eps, or
    # e / (a e + 1 - a) of v; shrinkage leaves the same as for e = 1, whatever e.
    signal = alpha_bar(config)
    scale = signal if prediction == "epsilon" else torch.ones_like(signal)
    best = sum(
        share * (scale * e / (signal * e + 1 - signal)).mean() for e, share in ((3.4, 0.25), (0.2, 0.75))
    )
    totals = output.statistics["shrinkage_loss"].sum(dim=0)
    floor = totals[0] / totals[1]
    assert floor == pytest.approx(scale.mean().item(), abs=0.02)
    assert best - 0.02 < output.loss < best + 0.25 * (floor - best)
    samples = GenotypeGenerator(model).generate(1000, batch_size=1000)
    assert samples.std() == pytest.approx(1.0, abs=0.06)
    correlation = np.corrcoef(samples.reshape(1000, 16).T).reshape(4, 4, 4, 4)
    within = [correlation[a, c, b, c] for a in range(4) for b in range(a) for c in range(4)]
    between = [correlation[a, c, b, c - 1] for a in range(4) for b in range(a) for c in range(4)]
    assert np.mean(within) == pytest.approx(0.8, abs=0.08)
    assert np.mean(between) == pytest.approx(0.0, abs=0.08)


@pytest.fixture
def diffusion():
    torch.manual_seed(0)
    config = GdsConfig(**TINY, use_timestep=True, n_condition_classes=2, num_train_timesteps=20)
    model = GdsForDiffusion(config)
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.05 * torch.randn_like(value))
    padding = torch.zeros(4, 4, dtype=torch.bool)
    padding[1, 2:] = True
    model.gds.set_padding(padding)
    return GenotypeGenerator(model)


def test_a_person_does_not_depend_on_batches_or_shards(diffusion):
    whole = diffusion.generate(7, labels=1, seed=5, guidance_scale=2.0, batch_size=7)
    assert np.allclose(
        whole, diffusion.generate(7, labels=1, seed=5, guidance_scale=2.0, batch_size=3), atol=1e-4
    )
    shard = diffusion.generate(3, labels=1, seed=5, guidance_scale=2.0, first_index=4)
    assert np.allclose(whole[4:], shard, atol=1e-4)
    assert np.array_equal(whole, diffusion.generate(7, labels=1, seed=5, guidance_scale=2.0, batch_size=7))
    assert not np.allclose(whole, diffusion.generate(7, labels=1, seed=6, guidance_scale=2.0, batch_size=7))
    assert diffusion.generate(0).shape == (0, 4, 4)


def test_padding_is_zero_and_classes_and_guidance_matter(diffusion):
    plain, zero, one, guided = (
        diffusion.generate(4, labels=labels, guidance_scale=scale)
        for labels, scale in ((None, 1.0), (0, 1.0), (1, 1.0), (1, 3.0))
    )
    assert (plain[:, 1, 2:] == 0).all()
    assert (plain[:, 1, :2] != 0).all()
    assert not np.allclose(zero, one)
    assert not np.allclose(plain, one)
    assert not np.allclose(guided, one)
    mixed = diffusion.generate(4, labels=[0, 1, -100, 1])
    assert np.allclose(mixed[0], zero[0], atol=1e-4)
    assert np.allclose(mixed[1], one[1], atol=1e-4)
    assert np.allclose(mixed[2], plain[2], atol=1e-4)


def test_guidance_formula(diffusion):
    """At one step, guided = null + w (class - null), checked on the features themselves."""
    steps = {"num_inference_steps": 1, "seed": 1}
    null, plain, guided = (
        diffusion.generate(3, labels=labels, guidance_scale=scale, **steps)
        for labels, scale in ((-100, 1.0), (1, 1.0), (1, 3.0))
    )
    np.testing.assert_allclose(guided - null, 3 * (plain - null), rtol=1e-3, atol=1e-3 * np.abs(plain).max())


def test_impossible_requests_are_refused(diffusion):
    for options, message in (
        ({"labels": 2}, "expected 0 to 1"),
        ({"labels": [0, 1, 1]}, "one for each of 2 people"),
        ({"guidance_scale": 2.0}, "needs labels"),
        ({"labels": 1, "guidance_scale": float("nan")}, "guidance_scale: expected a finite number"),
        ({"num_inference_steps": 21}, "1 to 20"),
        ({"num_inference_steps": 7}, "divisor"),
    ):
        with pytest.raises(UserError, match=message):
            diffusion.generate(2, **options)
    unconditional = GenotypeGenerator(GdsForDiffusion(GdsConfig(**TINY, use_timestep=True)))
    with pytest.raises(UserError, match="unconditional"):
        unconditional.generate(2, guidance_scale=2.0)
    for change in (
        {"prediction_type": "v_prediction"}, {"rescale_betas_zero_snr": True}, {"beta_end": 0.5},
        {"num_train_timesteps": 10},
    ):  # fmt: skip
        other = {**diffusion.scheduler_config, **change}
        with pytest.raises(
            UserError, match=f"{next(iter(change))} is .* trained with .* saved with the model"
        ):
            GenotypeGenerator(diffusion.model, scheduler_config=other)
    with pytest.raises(UserError, match="clip_sample"):
        GenotypeGenerator(
            diffusion.model, scheduler_config={**diffusion.scheduler_config, "clip_sample": True}
        )
    with pytest.raises(UserError, match="mask_unit"):
        GenotypeGenerator(GdsForMaskedModeling(GdsConfig(**TINY, input_kind="tokens")))


@pytest.mark.parametrize("exponent", [1, 2])
def test_reveal_steps_take_one_slot_of_a_block_at_a_time(exponent):
    padding = torch.zeros(3, 6, dtype=torch.bool)
    padding[1, 4:] = True
    padding[2, 1:] = True
    n_steps = 6 * exponent
    when = reveal_steps(draw_keys(0, 0, torch.arange(500)), padding, n_steps, exponent)
    assert when.min() >= 0
    assert when.max() <= n_steps - 1
    for block, n_slots in ((0, 6), (1, 4)):
        order = when[:, block, :n_slots].sort().values
        assert (order[:, 1:] > order[:, :-1]).all()
    # The single slot of the last block comes at any step.
    assert len(when[:, 2, 0].unique()) == n_steps


def test_a_slow_start_reveals_the_square_of_the_share_of_steps():
    padding = torch.zeros(50, 8, dtype=torch.bool)
    when = reveal_steps(draw_keys(0, 0, torch.arange(200)), padding, 100, 2)
    for step in (10, 30, 70):
        assert (when < step).float().mean() == pytest.approx((step / 100) ** 2, abs=0.003)


def linked_people(n, seed):
    """Dosages in which a block's slots are copies of its first: perfect linkage disequilibrium."""
    rng = np.random.default_rng(seed)
    first = rng.choice(3, size=(n, 4, 1), p=[0.5, 0.3, 0.2])
    return torch.tensor(np.repeat(first, 4, axis=2), dtype=torch.int8)


def test_unmasking_keeps_frequencies_and_linkage():
    torch.manual_seed(0)
    config = GdsConfig(**TINY, input_kind="tokens", mask_unit="slot", mask_ratio=[0.0, 1.0])
    model = trained(GdsForMaskedModeling(config), linked_people(4000, 0))
    generator = GenotypeGenerator(model)
    samples = generator.generate(1000, batch_size=1000)
    assert samples.dtype == np.int8
    assert np.bincount(samples.ravel(), minlength=3) / samples.size == pytest.approx(
        [0.5, 0.3, 0.2], abs=0.05
    )
    assert (samples == samples[:, :, :1]).mean() > 0.97
    assert np.corrcoef(samples[:, 0, 0], samples[:, 1, 0])[0, 1] == pytest.approx(0, abs=0.08)
    # All at once, the slots of a gene know nothing of each other.
    at_once = generator.generate(1000, batch_size=1000, num_inference_steps=1)
    assert (at_once == at_once[:, :, :1]).mean() < 0.7
    assert np.array_equal(generator.generate(5, batch_size=2), generator.generate(5, batch_size=5))


def test_unmasking_leaves_padding_missing():
    config = GdsConfig(**TINY, input_kind="tokens", mask_unit="slot", mask_ratio=[0.0, 1.0])
    model = GdsForMaskedModeling(config)
    padding = torch.zeros(4, 4, dtype=torch.bool)
    padding[0, 3] = True
    model.gds.set_padding(padding)
    samples = GenotypeGenerator(model).generate(3)
    assert (samples[:, 0, 3] == -1).all()
    assert (samples[:, ~padding.numpy()] >= 0).all()


def test_folder_to_genotypes(tmp_path):
    """Featurizer, model and scheduler in one folder; synthetic people out."""
    from gds.features.gene_pca import GenePCA
    from gds.genotypes.blocks import assign_blocks
    from gds.genotypes.matrix import Genotypes

    rng = np.random.default_rng(0)
    variants = pd.DataFrame(
        {
            "chromosome": "1", "position": np.arange(1, 33) * 1000, "id": [f"rs{i}" for i in range(32)],
            "effect_allele": "A", "other_allele": "G",
        }
    )  # fmt: skip
    samples = pd.DataFrame({"id": [f"P{i}" for i in range(60)], "family": "", "sex": np.zeros(60, np.int8)})
    dosage = rng.binomial(2, 0.4, size=(60, 32)).astype(np.int8)
    people = Genotypes(dosage=dosage, samples=samples, variants=variants, genome_build=None, haplotypes=None)
    pca = GenePCA(n_components=4).fit(people, assign_blocks(people.variants, "window:8"))
    config = GdsConfig(**TINY, use_timestep=True, num_train_timesteps=20)
    model = GdsForDiffusion(config)
    model.gds.set_padding(pca.is_padding_)
    model.save_pretrained(tmp_path)
    pca.save_pretrained(tmp_path)
    generator = GenotypeGenerator.from_pretrained(tmp_path)
    features = generator.generate(5)
    made = generator.decode(features)
    assert made.samples["id"].tolist() == [f"SYN{i:06d}" for i in range(1, 6)]
    assert made.dosage.shape == (5, 32)
    assert made.dosage.dtype == np.int8
    assert set(np.unique(made.dosage)) <= {0, 1, 2}
    assert generator.decode(features[:1], first_index=41).samples["id"].tolist() == ["SYN000042"]
    with pytest.raises(UserError, match="featurizer"):
        GenotypeGenerator(model).decode(features)
    GdsForClassification(GdsConfig(**TINY)).save_pretrained(tmp_path / "classifier")
    with pytest.raises(UserError, match="does not generate"):
        GenotypeGenerator.from_pretrained(tmp_path / "classifier")
