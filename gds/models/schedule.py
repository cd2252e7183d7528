"""The noise schedule of a diffusion model, as diffusers defines it."""

from typing import Any

import torch
from torch import Tensor

from gds.errors import UserError
from gds.models.configuration import GdsConfig

SCHEDULER_CONFIG_NAME = "scheduler_config.json"
FEW_STEPS = 30


def make_scheduler(config: GdsConfig) -> Any:
    """Build the diffusers scheduler that a configuration describes.

    ``clip_sample`` is off: diffusers' default clips x0 to [-1, 1], which is right for pixels and wrong for
    unit-variance scores.

    Returns
    -------
    diffusers.DDPMScheduler or diffusers.DPMSolverMultistepScheduler
        By ``config.sampler``; ``save_pretrained`` of it writes ``scheduler_config.json``.
    """
    # diffusers takes seconds to import.
    from diffusers import DDPMScheduler, DPMSolverMultistepScheduler

    common = {
        "num_train_timesteps": config.num_train_timesteps,
        "beta_schedule": config.beta_schedule,
        "prediction_type": config.prediction_type,
    }
    if config.sampler == "ancestral":
        return DDPMScheduler(**common, clip_sample=False, timestep_spacing="trailing")
    # Steps evenly spaced in log signal-to-noise ratio (Lu et al. 2022) with the third-order solver: on
    # Gaussians whose score is known 30 steps give standard deviations within 1 %, where steps evenly
    # spaced in time lose 2 to 3 %.
    return DPMSolverMultistepScheduler(
        **common,
        algorithm_type="dpmsolver++",
        solver_order=3,
        use_lu_lambdas=True,
        lambda_min_clipped=-5.1,
    )


def alpha_bar(config: GdsConfig) -> Tensor:
    """Cumulative product of 1 - beta, the share of signal variance at each timestep, float32 (timestep,)."""
    return make_scheduler(config).alphas_cumprod.to(torch.float32)


def default_inference_steps(config: GdsConfig) -> int:
    """Sampling steps where none are asked for: all for the ancestral sampler, few for the solver."""
    if config.num_inference_steps is not None:
        return config.num_inference_steps
    return (
        config.num_train_timesteps
        if config.sampler == "ancestral"
        else min(FEW_STEPS, config.num_train_timesteps)
    )


def check_scheduler(scheduler_config: dict[str, Any], config: GdsConfig, where: str) -> None:
    """Raise UserError where a saved scheduler is not the one that the model was trained with.

    Parameters
    ----------
    scheduler_config
        Content of ``scheduler_config.json``.
    config
        The model's configuration.
    where
        The file, for the message.
    """
    for name in ("num_train_timesteps", "beta_schedule", "prediction_type"):
        expected, found = getattr(config, name), scheduler_config.get(name)
        if found != expected:
            raise UserError(
                f"{where}: {name} is {found!r}, but the model was trained with {expected!r}: "
                "use the scheduler that was saved with the model"
            )
    if scheduler_config.get("clip_sample", False) or scheduler_config.get("thresholding", False):
        raise UserError(f"{where}: clip_sample and thresholding are for pixels: set both to false")
