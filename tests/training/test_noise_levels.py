import pytest
import torch

from gds.models import GdsForDiffusion
from gds.training.noise_levels import reconstruction_by_timestep


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction", "sample"])
def test_untrained_network_is_shrinkage_at_every_level(prediction_type, continuous, make_config):
    """Shrinkage of unit-variance cells errs by a on eps, by 1 on v and by 1 - a on x0."""
    model = GdsForDiffusion(make_config(use_timestep=True, prediction_type=prediction_type))
    table = reconstruction_by_timestep(model, continuous, timesteps=[20, 250, 450], batch_size=10)
    assert table["loss"].tolist() == pytest.approx(table["shrinkage_loss"].tolist())
    signal = table["alpha_bar"]
    expected = {"epsilon": signal, "v_prediction": signal * 0 + 1, "sample": 1 - signal}[prediction_type]
    assert table["loss"].tolist() == pytest.approx(expected.tolist(), rel=0.15)
    assert table["clean_error"].tolist() == pytest.approx((1 - signal).tolist(), rel=0.15)


def test_levels_span_the_schedule(continuous, make_config):
    torch.manual_seed(0)
    table = reconstruction_by_timestep(GdsForDiffusion(make_config(use_timestep=True)), continuous)
    assert table["timestep"].iloc[[0, -1]].tolist() == [0, 499]
    assert table["alpha_bar"].is_monotonic_decreasing
