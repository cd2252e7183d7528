"""Sampling from a diffusion model with the samplers of diffusers."""

from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from gds.errors import UserError
from gds.models import GdsForDiffusion
from gds.models.randomness import Stream, fold, normal


def make_sampler(scheduler_config: dict[str, Any], num_inference_steps: int) -> Any:
    """Build the diffusers scheduler that takes the steps.

    The ancestral sampler is diffusers' DDIM with eta = 1, which is DDPM's own step (Song et al. 2021,
    equation 16) but, unlike ``DDPMScheduler``, accepts the noise from outside.

    Parameters
    ----------
    scheduler_config
        Content of ``scheduler_config.json``.
    num_inference_steps
        Number of steps.

    Raises
    ------
    UserError
        An unknown scheduler, or a number of steps that it cannot take.
    """
    from diffusers import DDIMScheduler, DPMSolverMultistepScheduler

    name = scheduler_config["_class_name"]
    n_timesteps = scheduler_config["num_train_timesteps"]
    if not 1 <= num_inference_steps <= n_timesteps:
        raise UserError(f"num_inference_steps: expected 1 to {n_timesteps}, found {num_inference_steps}")
    if name == "DPMSolverMultistepScheduler":
        sampler = DPMSolverMultistepScheduler.from_config(scheduler_config)
    elif name == "DDPMScheduler":
        if n_timesteps % num_inference_steps:
            raise UserError(
                f"num_inference_steps {num_inference_steps} does not divide the {n_timesteps} timesteps, as "
                "the ancestral sampler needs: choose a divisor"
            )
        kept = ("num_train_timesteps", "beta_schedule", "prediction_type", "timestep_spacing")
        sampler = DDIMScheduler(**{key: scheduler_config[key] for key in kept}, clip_sample=False)
    else:
        raise UserError(
            f"scheduler {name} is not supported: expected DDPMScheduler or DPMSolverMultistepScheduler"
        )
    sampler.set_timesteps(num_inference_steps)
    return sampler


@torch.no_grad()
def sample_diffusion(
    model: GdsForDiffusion,
    keys: Tensor,
    scheduler_config: dict[str, Any],
    num_inference_steps: int,
    class_labels: Tensor | None,
    guidance_scale: float,
    progress: tqdm,
) -> Tensor:
    """Turn noise into features, one batch.

    Parameters
    ----------
    model
        In evaluation mode.
    keys
        int64 (batch,), from which all noise of each sample is drawn.
    scheduler_config
        Content of ``scheduler_config.json``.
    num_inference_steps
        Number of steps.
    class_labels
        int64 (batch,), -100 for the null class; None for an unconditional model.
    guidance_scale
        w in eps = eps_null + w (eps_class - eps_null) (Ho & Salimans 2022); 1 for none.
    progress
        Advanced by the batch size at every step.

    Returns
    -------
    Tensor
        float32 (batch, block, channel), zero in padding cells.
    """
    sampler = make_sampler(scheduler_config, num_inference_steps)
    ancestral = scheduler_config["_class_name"] == "DDPMScheduler"
    is_padding = model.gds.is_padding
    shape = tuple(is_padding.shape)
    state = normal(keys, Stream.INITIAL_NOISE, shape).masked_fill(is_padding, 0.0)
    for step, timestep in enumerate(sampler.timesteps.tolist()):
        level = torch.full_like(keys, timestep)
        if class_labels is None or guidance_scale == 1.0:
            output = model.denoise(state, level, class_labels)
        else:
            null = torch.full_like(class_labels, -100)
            both = model.denoise(
                torch.cat((state, state)), torch.cat((level, level)), torch.cat((class_labels, null))
            )
            with_class, without = both.chunk(2)
            output = without + guidance_scale * (with_class - without)
        if ancestral:
            noise = normal(fold(keys, step), Stream.STEP_NOISE, shape)
            state = sampler.step(output, timestep, state, eta=1.0, variance_noise=noise).prev_sample
        else:
            state = sampler.step(output, timestep, state).prev_sample
        state = state.masked_fill(is_padding, 0.0)
        progress.update(len(keys))
    return state
