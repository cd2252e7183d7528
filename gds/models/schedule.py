"""The noise schedule of a diffusion model, as diffusers defines it."""

import math
from typing import Any

import torch
from torch import Tensor

from gds.errors import UserError
from gds.models.configuration import GdsConfig

SCHEDULER_CONFIG_NAME = "scheduler_config.json"
FEW_STEPS = 30
# Of the linear schedules (Ho et al. 2020); diffusers' defaults.
BETA_START, BETA_END = 0.0001, 0.02


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


def betas(config: GdsConfig) -> Tensor:
    """Variance of the noise that each step adds, float32 (timestep,), as diffusers' schedulers compute it.

    Written out here so that neither a forward pass nor a compiled one imports diffusers; a test holds the two
    to the same bits.
    """
    n = config.num_train_timesteps
    if config.beta_schedule == "linear":
        return torch.linspace(BETA_START, BETA_END, n, dtype=torch.float32)
    if config.beta_schedule == "scaled_linear":
        return torch.linspace(BETA_START**0.5, BETA_END**0.5, n, dtype=torch.float32) ** 2

    def signal(time: float) -> float:
        """alpha_bar of Nichol & Dhariwal 2021, equation 17, up to its value at 0."""
        return math.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2

    return torch.tensor(
        [min(1 - signal((t + 1) / n) / signal(t / n), 0.999) for t in range(n)], dtype=torch.float32
    )


def alpha_bar(config: GdsConfig) -> Tensor:
    """Cumulative product of 1 - beta, the share of signal variance at each timestep, float32 (timestep,)."""
    return torch.cumprod(1.0 - betas(config), dim=0)


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
    expected = make_scheduler(config).config
    for name in (
        "num_train_timesteps", "beta_schedule", "prediction_type", "beta_start", "beta_end", "trained_betas",
        "rescale_betas_zero_snr",
    ):  # fmt: skip
        # A file need not say what is as diffusers has it by default.
        found = scheduler_config.get(name, expected.get(name))
        if found != expected.get(name):
            raise UserError(
                f"{where}: {name} is {found!r}, but the model was trained with {expected.get(name)!r}: "
                "use the scheduler that was saved with the model"
            )
    if scheduler_config.get("clip_sample", False) or scheduler_config.get("thresholding", False):
        raise UserError(f"{where}: clip_sample and thresholding are for pixels: set both to false")
