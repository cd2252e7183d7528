"""One step of DP-SGD: clip each person's gradient, add them up, add noise, let any optimiser do the rest."""

from typing import Any

import torch
from opacus.optimizers import DPOptimizer

from gds.training.private.randomness import Randomness


class PersonOptimizer(DPOptimizer):
    """Opacus' optimizer with noise from a source of ours.

    gradient = ( sum_i g_i min(1, C / |g_i|) + N(0, sigma^2 C^2) ) / B, with C ``max_grad_norm``, sigma
    ``noise_multiplier``, B the expected number of people (Abadi et al. 2016, algorithm 1).

    Parameters
    ----------
    optimizer
        What is done with that gradient.
    randomness
        Of the noise.
    **options
        Of ``opacus.optimizers.DPOptimizer``.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, *, randomness: Randomness, **options: Any) -> None:
        super().__init__(optimizer, **options)
        self.randomness = randomness

    def add_noise(self) -> None:
        """Add the noise in float64 to the sum of the clipped gradients."""
        for value in self.params:
            total = value.summed_grad
            if self.noise_multiplier:
                noise = torch.from_numpy(self.randomness.normal(tuple(total.shape))).to(total.device)
                total = total.double() + self.noise_multiplier * self.max_grad_norm * noise
            value.grad = total.to(value.dtype).view_as(value)
            # Opacus' own marks it as used; a second step without zero_grad is refused.
            value.summed_grad._processed = True
