"""Sampling from a masked model: start from nothing, reveal a few slots at a time, correct what was revealed."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from gds.errors import UserError
from gds.models import GdsConfig, GdsForMaskedModeling
from gds.models.randomness import Stream, fold, uniform


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


# The share of slots visible after a share s of the steps is s to this power: few at first, while every slot
# still tells much about all others, and slots of one step are drawn as if they told nothing of each other.
SLOW_START = 2


@dataclass(frozen=True)
class Unmasking:
    """How a masked model is sampled from.

    Parameters
    ----------
    num_inference_steps
        Steps from nothing to all slots.
    temperature
        Divides the log-probabilities: below 1 the likelier genotypes are drawn more often than the model says.
        It takes effect in proportion to the share of slots that are visible: with nothing visible a
        model says allele frequencies, which must stay.
    corrector_sweeps
        Sweeps over all slots afterwards, in each of which every slot is hidden and drawn again once, at
        temperature 1.

    Raises
    ------
    UserError
        A value out of range.
    """

    num_inference_steps: int
    temperature: float = 1.0
    corrector_sweeps: int = 0

    def __post_init__(self) -> None:
        if self.num_inference_steps < 1:
            raise UserError(f"num_inference_steps: expected at least 1, found {self.num_inference_steps}")
        if not 0 < self.temperature < math.inf:
            raise UserError(
                f"temperature: expected a finite number above 0 (1 for none), found {self.temperature}"
            )
        if self.corrector_sweeps < 0:
            raise UserError(f"corrector_sweeps: expected 0 or more, found {self.corrector_sweeps}")


def reveal_steps(keys: Tensor, is_padding: Tensor, num_inference_steps: int, exponent: float = 1.0) -> Tensor:
    """Step at which every cell is revealed.

    The slots of a block are revealed in random order at spread steps. With at least ``exponent`` times as many
    steps as slots no two slots of a block fall into one step: revealed together they would be independent given
    the rest, and the linkage disequilibrium inside the block would be lost.

    Parameters
    ----------
    keys
        int64 (batch,).
    is_padding
        bool (block, slot).
    num_inference_steps
        Number of steps.
    exponent
        The share of slots revealed after a share s of the steps is s to this power.

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
    share = (rank + order[..., -1:]) / n_valid
    step = share ** (1 / exponent) * num_inference_steps
    return step.long().clamp(max=num_inference_steps - 1)


@torch.no_grad()
def sample_unmasking(
    model: GdsForMaskedModeling,
    keys: Tensor,
    options: Unmasking,
    class_labels: Tensor | None,
    guidance_scale: float,
    progress: tqdm,
) -> Tensor:
    """Draw dosages by iterative unmasking, the reverse of absorbing-state diffusion (Austin et al. 2021).

    The corrector is blocked Gibbs sampling: a sweep hides one slot of every block at a time and draws it again
    given all others. It leaves the model's own distribution as it is and mends what few steps did to it.

    Parameters
    ----------
    model
        In evaluation mode.
    keys
        int64 (batch,), from which order and values of each sample are drawn.
    options
        Steps, temperature and sweeps.
    class_labels
        int64 (batch,), -100 for the null class; None for an unconditional model.
    guidance_scale
        Weight of the class in the log-probabilities; 1 for none.
    progress
        Advanced by the batch size at every pass of the network.

    Returns
    -------
    Tensor
        int8 (batch, block, slot), -1 in padding cells.
    """
    is_padding = model.gds.is_padding
    n_valid = (~is_padding).sum()
    state = torch.full((len(keys), *is_padding.shape), -1, dtype=torch.int8, device=keys.device)

    def redraw(
        state: Tensor, is_masked: Tensor, chosen: Tensor, level: Tensor, temperature: Tensor | float = 1.0
    ) -> Tensor:
        """Cells of ``chosen`` drawn given those not masked, by the inverse of the distribution function."""
        log_odds = model.reconstruct(state, is_masked, class_labels).log_softmax(dim=-1)
        if class_labels is not None and guidance_scale != 1.0:
            no_class = torch.full_like(class_labels, -100)
            null = model.reconstruct(state, is_masked, no_class).log_softmax(dim=-1)
            log_odds = null + guidance_scale * (log_odds - null)
        cumulative = (log_odds / temperature).softmax(dim=-1).cumsum(dim=-1)
        # Two thresholds of three: the last one is 1 whatever rounding says.
        drawn = (level.unsqueeze(-1) > cumulative[..., :2]).sum(dim=-1).to(torch.int8)
        progress.update(len(keys))
        return torch.where(chosen, drawn, state)

    when = reveal_steps(keys, is_padding, options.num_inference_steps, SLOW_START)
    level = uniform(keys, Stream.UNMASK_VALUE, tuple(is_padding.shape))
    for step in range(options.num_inference_steps):
        is_masked = (when >= step) & ~is_padding
        visible = 1 - is_masked.sum(dim=(1, 2)) / n_valid
        temperature = 1 + (options.temperature - 1) * visible.view(-1, 1, 1, 1)
        state = redraw(state, is_masked, is_masked & (when == step), level, temperature)
    n_turns = slots_of_largest_block(is_padding)
    for sweep in range(options.corrector_sweeps):
        own_keys = fold(keys, sweep)
        turn = reveal_steps(own_keys, is_padding, n_turns)
        level = uniform(own_keys, Stream.UNMASK_VALUE, tuple(is_padding.shape))
        for step in range(n_turns):
            hidden = (turn == step) & ~is_padding
            state = redraw(state, hidden, hidden, level)
    return state


def slots_of_largest_block(is_padding: Tensor) -> int:
    """Turns in which every slot is drawn once and never two of a block together."""
    return int((~is_padding).sum(dim=1).max())


def default_unmasking_steps(is_padding: Tensor) -> int:
    """Fewest steps that never reveal two slots of a block together."""
    return SLOW_START * slots_of_largest_block(is_padding)
