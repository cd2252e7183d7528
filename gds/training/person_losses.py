"""A model's loss on each row by itself: what an attacker who holds the model can ask it about a person."""

import numpy as np
import torch
from torch import Tensor

from gds.errors import UserError
from gds.models import GdsForDiffusion, GdsForMaskedModeling
from gds.models.randomness import EVALUATION_EPOCH, Stream, draw_keys, uniform


@torch.no_grad()
def person_losses(
    model: GdsForDiffusion | GdsForMaskedModeling,
    features: np.ndarray,
    *,
    n_draws: int = 32,
    seed: int = 0,
    batch_size: int = 256,
) -> np.ndarray:
    """Mean loss of each row over noise levels, or mask ratios, that span what the model was trained on.

    Every row and every model is given the same noise and the same masks, so that they cancel where two models, or a
    model and its shadows, are compared on the same row.

    Parameters
    ----------
    model
        Put into evaluation mode.
    features
        Scores or dosages, shape (row, block, channel).
    n_draws
        Noise levels or mask ratios, evenly spaced, one draw of noise or of a mask at each.
    seed
        Of the noise and the masks.
    batch_size
        Rows at a time.

    Returns
    -------
    numpy.ndarray
        float64, shape (row,).
    """
    if n_draws < 1:
        raise UserError(f"n_draws: expected at least 1, found {n_draws}")
    model.eval()
    device = next(model.parameters()).device
    keys = draw_keys(seed, EVALUATION_EPOCH, torch.arange(n_draws, device=device))
    losses = np.zeros(len(features))
    for start in range(0, len(features), batch_size):
        rows = torch.from_numpy(np.ascontiguousarray(features[start : start + batch_size])).to(device)
        for draw in range(n_draws):
            found = _loss_at(model, rows, keys[draw].expand(len(rows)), (draw + 0.5) / n_draws)
            losses[start : start + batch_size] += found.double().cpu().numpy()
    return losses / n_draws


def _loss_at(model: torch.nn.Module, rows: Tensor, key: Tensor, level: float) -> Tensor:
    """Loss of each row at a noise level or mask ratio, given as the share of the way from the least to the most."""
    if isinstance(model, GdsForDiffusion):
        timestep = torch.full_like(key, int(level * model.config.num_train_timesteps))
        output = model(rows, key, timestep=timestep)
    else:
        assert isinstance(model, GdsForMaskedModeling)
        low, high = model.config.mask_ratio_range
        n_units = 1 if model.config.mask_unit == "block" else rows.shape[2]
        drawn = uniform(key[:1], Stream.MASK, (rows.shape[1], n_units)) < low + (high - low) * level
        output = model(rows, key, is_masked=drawn.expand(rows.shape) & ~model.gds.is_padding)
    return output.statistics["loss"][:, 0]
