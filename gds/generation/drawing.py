"""What a request for people means to a model: classes, number of passes, and one batch drawn."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from tqdm import tqdm

from gds.errors import UserError
from gds.generation.diffusion import make_sampler, sample_diffusion
from gds.generation.unmasking import (
    Unmasking,
    default_unmasking_steps,
    sample_unmasking,
    slots_of_largest_block,
)
from gds.models import GdsConfig, GdsForDiffusion, GdsForMaskedModeling
from gds.models.schedule import default_inference_steps


@dataclass(frozen=True)
class DiffusionDrawing:
    """People drawn from a diffusion model with a sampler of diffusers.

    Raises
    ------
    UserError
        The sampler cannot take so many steps.
    """

    model: GdsForDiffusion
    scheduler_config: dict[str, Any]
    num_inference_steps: int

    def __post_init__(self) -> None:
        make_sampler(self.scheduler_config, self.num_inference_steps)

    @property
    def n_passes(self) -> int:
        """How often the network sees a person."""
        return self.num_inference_steps

    def draw(
        self, keys: Tensor, class_labels: Tensor | None, guidance_scale: float, progress: tqdm
    ) -> Tensor:
        """A batch: see :func:`gds.generation.diffusion.sample_diffusion`."""
        return sample_diffusion(
            self.model, keys, self.scheduler_config, self.num_inference_steps, class_labels, guidance_scale,
            progress,
        )  # fmt: skip


@dataclass(frozen=True)
class UnmaskingDrawing:
    """People drawn from a masked model by iterative unmasking."""

    model: GdsForMaskedModeling
    options: Unmasking

    @property
    def n_passes(self) -> int:
        """How often the network sees a person."""
        n_turns = slots_of_largest_block(self.model.gds.is_padding)
        return self.options.num_inference_steps + self.options.corrector_sweeps * n_turns

    def draw(
        self, keys: Tensor, class_labels: Tensor | None, guidance_scale: float, progress: tqdm
    ) -> Tensor:
        """A batch: see :func:`gds.generation.unmasking.sample_unmasking`."""
        return sample_unmasking(self.model, keys, self.options, class_labels, guidance_scale, progress)


def choose_drawing(
    model: GdsForDiffusion | GdsForMaskedModeling,
    scheduler_config: dict[str, Any] | None,
    num_inference_steps: int | None,
    temperature: float,
    corrector_sweeps: int,
) -> DiffusionDrawing | UnmaskingDrawing:
    """The way of drawing that a model has, with the options asked for.

    Parameters
    ----------
    model, scheduler_config
        See :class:`gds.generation.GenotypeGenerator`.
    num_inference_steps, temperature, corrector_sweeps
        See :meth:`gds.generation.GenotypeGenerator.generate`.

    Raises
    ------
    UserError
        The sampler cannot take so many steps, or this kind of model does not have an option.
    """
    if isinstance(model, GdsForMaskedModeling):
        if num_inference_steps is None:
            num_inference_steps = default_unmasking_steps(model.gds.is_padding)
        return UnmaskingDrawing(model, Unmasking(num_inference_steps, temperature, corrector_sweeps))
    if temperature != 1.0 or corrector_sweeps:
        raise UserError(
            "temperature and corrector_sweeps are for masked models: this is a diffusion model, whose "
            "sampler has steps and guidance only"
        )
    assert scheduler_config is not None
    if num_inference_steps is None:
        num_inference_steps = default_inference_steps(model.config)
    return DiffusionDrawing(model, scheduler_config, num_inference_steps)


def classes_to_draw(
    config: GdsConfig, n: int, labels: int | ArrayLike | None, guidance_scale: float
) -> Tensor | None:
    """Class of each of n people, int64 (n,) with -100 for the null class; None for an unconditional model.

    Parameters
    ----------
    config
        Of the model.
    n
        Number of people.
    labels
        Class of all or of each, (n,); None for no class.
    guidance_scale
        Strength of the class; 1 for none.

    Raises
    ------
    UserError
        Classes or guidance asked of an unconditional model, guidance without a class or that is no finite number,
        or a class that the model does not know.
    """
    n_classes = config.n_condition_classes
    if not np.isfinite(guidance_scale):
        raise UserError(f"guidance_scale: expected a finite number (1 for none), found {guidance_scale}")
    if n_classes == 0 and (labels is not None or guidance_scale != 1.0):
        raise UserError(
            "this model is unconditional: it was trained without classes, so neither labels nor "
            "guidance_scale apply"
        )
    if n_classes == 0:
        return None
    if labels is None:
        if guidance_scale != 1.0:
            raise UserError("guidance_scale needs labels: which class should the samples be guided to?")
        labels = -100
    given = np.asarray(labels, dtype=np.int64)
    if given.shape not in ((), (n,)):
        raise UserError(f"labels: expected one class or one for each of {n} people, found {given.shape}")
    classes = torch.as_tensor(np.broadcast_to(given, (n,)).copy())
    if n and (classes.max() >= n_classes or ((classes < 0) & (classes != -100)).any()):
        raise UserError(
            f"labels: expected 0 to {n_classes - 1}, or -100 for no class, found {sorted(set(classes.tolist()))}"
        )
    return classes
