"""Sampling from a masked model: start from nothing, reveal a few slots at a time."""

import torch
from torch import Tensor
from tqdm import tqdm

from gds.errors import UserError
from gds.models import GdsConfig, GdsForMaskedModeling
from gds.models.randomness import Stream, uniform


def check_can_unmask(config: GdsConfig) -> None:
    """Raise UserError where a masked model was not trained in a way that lets it generate."""
    if config.input_kind != "tokens":
        raise UserError("only masked models of tokens generate: train on GeneTokens, or use diffusion")
    if config.mask_unit != "slot" or config.mask_ratio_range[1] < 1:
        raise UserError(
            f"this model was trained with mask_unit={config.mask_unit!r}, mask_ratio={config.mask_ratio!r}: "
            "generation starts from nothing and reveals slot by slot, so train with mask_unit='slot' and "
            "mask_ratio=[0, 1]"
        )


def reveal_steps(keys: Tensor, is_padding: Tensor, num_inference_steps: int) -> Tensor:
    """Step at which every cell is revealed.

    The slots of a block are revealed in random order at evenly spread steps. With at least as many steps as
    slots no two slots of a block fall into one step: revealed together they would be independent given the
    rest, and the linkage disequilibrium inside the block would be lost.

    Parameters
    ----------
    keys
        int64 (batch,).
    is_padding
        bool (block, slot).
    num_inference_steps
        Number of steps.

    Returns
    -------
    Tensor
        int64 (batch, block, slot), 0 to num_inference_steps - 1.
    """
    n_blocks, n_slots = is_padding.shape
    order = uniform(keys, Stream.UNMASK_ORDER, (n_blocks, n_slots + 1))
    # Padding sorts last, so that the ranks of real slots are 0, 1, ...
    rank = order[..., :-1].masked_fill(is_padding, 2.0).argsort(dim=-1).argsort(dim=-1)
    n_valid = (~is_padding).sum(dim=-1, keepdim=True).clamp(min=1)
    step = (rank + order[..., -1:]) * (num_inference_steps / n_valid)
    return step.long().clamp(max=num_inference_steps - 1)


@torch.no_grad()
def sample_unmasking(
    model: GdsForMaskedModeling,
    keys: Tensor,
    num_inference_steps: int,
    class_labels: Tensor | None,
    guidance_scale: float,
    progress: tqdm,
) -> Tensor:
    """Draw dosages by iterative unmasking, the reverse of absorbing-state diffusion (Austin et al. 2021).

    Parameters
    ----------
    model
        In evaluation mode.
    keys
        int64 (batch,), from which order and values of each sample are drawn.
    num_inference_steps
        Number of steps.
    class_labels
        int64 (batch,), -100 for the null class; None for an unconditional model.
    guidance_scale
        Weight of the class in the log-probabilities; 1 for none.
    progress
        Advanced by the batch size at every step.

    Returns
    -------
    Tensor
        int8 (batch, block, slot), -1 in padding cells.
    """
    is_padding = model.gds.is_padding
    when = reveal_steps(keys, is_padding, num_inference_steps)
    level = uniform(keys, Stream.UNMASK_VALUE, tuple(is_padding.shape))
    state = torch.full(when.shape, -1, dtype=torch.int8, device=keys.device)
    for step in range(num_inference_steps):
        is_masked = (when >= step) & ~is_padding
        log_odds = model.reconstruct(state, is_masked, class_labels).log_softmax(dim=-1)
        if class_labels is not None and guidance_scale != 1.0:
            no_class = torch.full_like(class_labels, -100)
            null = model.reconstruct(state, is_masked, no_class).log_softmax(dim=-1)
            log_odds = null + guidance_scale * (log_odds - null)
        cumulative = log_odds.softmax(dim=-1).cumsum(dim=-1)
        # Inverse of the distribution function; the last threshold is 1 whatever rounding says.
        drawn = (level.unsqueeze(-1) > cumulative[..., :2]).sum(dim=-1).to(torch.int8)
        state = torch.where((when == step) & ~is_padding, drawn, state)
        progress.update(len(keys))
    return state
