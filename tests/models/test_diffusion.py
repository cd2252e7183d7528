import math
import sys

import pytest
import torch

from gds.models import GdsForDiffusion
from gds.models.diffusion import drop_labels
from gds.models.randomness import draw_keys
from gds.models.schedule import alpha_bar, make_scheduler


def constant(config, precondition):
    """A model whose network says zero."""
    config.precondition = precondition
    model = GdsForDiffusion(config).eval()
    with torch.no_grad():
        for value in model.diffusion_head.parameters():
            value.zero_()
    return model


def test_reference_schedule_is_the_cosine_one(make_config):
    found = alpha_bar(make_config(use_timestep=True))

    def f(t):
        return math.cos((t / 500 + 0.008) / 1.008 * math.pi / 2) ** 2

    expected = torch.tensor([f(t + 1) / f(0) for t in range(498)])
    torch.testing.assert_close(found[:498], expected, rtol=2e-3, atol=1e-6)
    scheduler = make_scheduler(make_config(use_timestep=True))
    assert scheduler.config.clip_sample is False
    assert scheduler.config.num_train_timesteps == 500


@pytest.mark.parametrize("beta_schedule", ["squaredcos_cap_v2", "linear", "scaled_linear"])
@pytest.mark.parametrize("n_timesteps", [20, 500, 1000])
def test_schedules_are_those_of_diffusers_bit_for_bit(beta_schedule, n_timesteps, make_config):
    config = make_config(use_timestep=True, beta_schedule=beta_schedule, num_train_timesteps=n_timesteps)
    assert torch.equal(alpha_bar(config), make_scheduler(config).alphas_cumprod)


def test_a_forward_pass_is_one_graph_and_needs_no_diffusers(make_config, scores, keys, monkeypatch):
    """What torch.compile breaks into pieces it cannot fuse."""
    monkeypatch.setitem(sys.modules, "diffusers", None)
    model = GdsForDiffusion(make_config(use_timestep=True, n_condition_classes=2))
    labels = torch.tensor([0, 1, -100, 0, 1, 0])
    assert torch._dynamo.explain(model)(scores, keys, labels).graph_break_count == 0
    torch._dynamo.reset()


def test_quarters_of_the_noise_add_up_to_the_loss(make_config):
    model = GdsForDiffusion(make_config(use_timestep=True)).eval()
    features = torch.randn(200, 10, 4, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        statistics = model(features, draw_keys(0, 0, torch.arange(200))).statistics
    quarters = torch.stack([statistics[f"noise_quarter_{i}_loss"].sum(dim=0) for i in (1, 2, 3, 4)])
    torch.testing.assert_close(quarters.sum(dim=0), statistics["loss"].sum(dim=0))
    means = quarters[:, 0] / quarters[:, 1]
    assert (means.diff() < 0).all()  # eps is the easier to tell the more of it there is


def test_shrinkage_floor_is_the_mean_of_alpha_bar(make_config):
    """eps_hat = sqrt(1 - a) x_t on unit-variance cells has loss mean(a): .495 for the reference."""
    config = make_config(use_timestep=True, n_blocks=50)
    model = constant(config, precondition=True)
    padding = torch.zeros(50, 4, dtype=torch.bool)
    padding[:, 3] = True  # if zeros of padding were averaged in, the loss would fall by a quarter
    model.gds.set_padding(padding)
    features = torch.randn(4000, 50, 4, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        output = model(features, draw_keys(0, 0, torch.arange(4000)))
    expected = alpha_bar(config).mean().item()
    assert expected == pytest.approx(0.495, abs=5e-4)
    assert output.loss.item() == pytest.approx(expected, abs=0.02)
    totals = output.statistics["shrinkage_loss"].sum(dim=0)
    assert totals[0] / totals[1] == pytest.approx(output.loss.item(), abs=1e-6)


def test_constant_output_is_worse_than_the_floor(make_config):
    features = torch.randn(1000, 10, 4, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        model = constant(make_config(use_timestep=True), precondition=False)
        output = model(features, draw_keys(0, 0, torch.arange(1000)))
    assert output.loss.item() == pytest.approx(1.0, abs=0.03)  # the variance of the noise
    totals = output.statistics["shrinkage_loss"].sum(dim=0)
    assert (totals[0] / totals[1]).item() == pytest.approx(0.495, abs=0.03)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction", "sample"])
def test_prediction_types_describe_one_network(prediction_type, make_config, scores, shake):
    """x0 and eps recovered from any prediction type agree."""
    torch.manual_seed(0)
    model = shake(GdsForDiffusion(make_config(use_timestep=True, prediction_type=prediction_type))).eval()
    torch.manual_seed(0)
    reference = shake(GdsForDiffusion(make_config(use_timestep=True, prediction_type="v_prediction"))).eval()
    timestep = torch.tensor([0, 10, 100, 250, 400, 499])
    signal = model.alpha_bar(timestep)
    with torch.no_grad():
        output = model.denoise(scores, timestep)
        velocity = reference.denoise(scores, timestep)
    clean = signal.sqrt() * scores - (1 - signal).sqrt() * velocity
    noise = (1 - signal).sqrt() * scores + signal.sqrt() * velocity
    expected = {"epsilon": noise, "v_prediction": velocity, "sample": clean}[prediction_type]
    torch.testing.assert_close(output, expected)


def test_draws_belong_to_the_sample(make_config, scores, keys, shake):
    model = shake(GdsForDiffusion(make_config(use_timestep=True))).eval()
    whole = model(scores, keys).statistics["loss"][:, 0]
    parts = torch.cat([model(scores[i : i + 2], keys[i : i + 2]).statistics["loss"][:, 0] for i in (0, 2, 4)])
    torch.testing.assert_close(whole, parts)
    assert torch.equal(whole, model(scores, keys).statistics["loss"][:, 0])


def test_label_dropout_is_drawn_per_key_and_only_in_training(make_config):
    config = make_config(use_timestep=True, n_condition_classes=4, label_dropout=0.25)
    labels = torch.arange(4000) % 4
    keys = draw_keys(0, 0, torch.arange(4000))
    dropped = drop_labels(labels, keys, config, training=True)
    assert ((dropped == -100) | (dropped == labels)).all()
    assert (dropped == -100).float().mean() == pytest.approx(0.25, abs=0.03)
    assert torch.equal(drop_labels(labels, keys, config, training=False), labels)
    assert drop_labels(labels, keys, make_config(), training=True) is None


def test_scheduler_is_saved_beside_the_model(make_config, tmp_path):
    GdsForDiffusion(make_config(use_timestep=True)).save_pretrained(tmp_path)
    from diffusers import DDPMScheduler

    assert DDPMScheduler.from_pretrained(tmp_path).config.beta_schedule == "squaredcos_cap_v2"
