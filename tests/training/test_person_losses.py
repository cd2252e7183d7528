import numpy as np
import pytest
import torch

from gds.models import GdsForDiffusion, GdsForMaskedModeling
from gds.models.randomness import EVALUATION_EPOCH, draw_keys
from gds.training.person_losses import person_losses


def test_a_row_has_the_same_loss_in_any_company(make_config):
    features = np.random.default_rng(0).normal(size=(7, 6, 4)).astype(np.float32)
    torch.manual_seed(0)
    model = GdsForDiffusion(make_config(use_timestep=True))
    all_rows = person_losses(model, features, n_draws=4, batch_size=3)
    assert person_losses(model, features[5:6], n_draws=4) == pytest.approx(all_rows[5:6], rel=1e-5)


def test_diffusion_losses_are_means_over_evenly_spaced_noise_levels(make_config):
    """Of an untrained network: that of shrinkage, with the noise written out."""
    features = np.random.default_rng(0).normal(size=(3, 6, 4)).astype(np.float32)
    model = GdsForDiffusion(make_config(use_timestep=True, num_train_timesteps=100))
    keys = draw_keys(3, EVALUATION_EPOCH, torch.arange(2))
    expected = np.zeros(3)
    for draw, timestep in enumerate((25, 75)):
        for row in range(3):
            one = torch.from_numpy(features[row : row + 1])
            output = model.eval()(one, keys[draw : draw + 1], timestep=torch.tensor([timestep]))
            expected[row] += output.loss.item() / 2
    assert person_losses(model, features, n_draws=2, seed=3) == pytest.approx(expected, rel=1e-5)


def test_masked_losses_span_the_mask_ratios(make_config):
    """Untrained logits are nearly zero: log 3 a masked cell, whatever the ratio; nothing masked counts as 0."""
    dosages = np.random.default_rng(0).integers(0, 3, size=(5, 6, 4)).astype(np.int8)
    model = GdsForMaskedModeling(
        make_config(input_kind="tokens", mask_ratio=[0.0, 1.0], mask_unit="slot", initializer_range=0.0)
    )
    assert person_losses(model, dosages, n_draws=8) == pytest.approx(np.full(5, np.log(3)), rel=0.05)
