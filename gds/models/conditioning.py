"""What the encoder is told beside the genotype: the noise level and the class."""

import math

import torch
from torch import Tensor, nn

from gds.models.configuration import GdsConfig


def sinusoidal_embedding(timestep: Tensor, size: int, longest_period: float = 10_000.0) -> Tensor:
    """Cosines and sines of the timestep at geometrically spaced frequencies (Vaswani et al. 2017).

    Parameters
    ----------
    timestep
        (batch,).
    size
        Even width of the result.
    longest_period
        Period of the lowest frequency, over 2 pi.

    Returns
    -------
    Tensor
        float32 (batch, size).
    """
    half = size // 2
    exponent = torch.arange(half, dtype=torch.float32, device=timestep.device) / half
    angle = timestep.float()[:, None] * torch.exp(-math.log(longest_period) * exponent)
    return torch.cat((angle.cos(), angle.sin()), dim=1)


def modulate(update: Tensor, changes: Tensor) -> Tensor:
    """Let the condition scale and shift features (FiLM, Perez et al. 2018), or only shift them.

    Parameters
    ----------
    update
        (batch, size) or (batch, size, position), normalised.
    changes
        (batch, 2 * size), scales and then shifts; or (batch, size), shifts alone.

    Returns
    -------
    Tensor
        Of the shape of ``update``.
    """
    if update.ndim == 3:
        changes = changes.unsqueeze(-1)
    if changes.shape[1] == update.shape[1]:
        return update + changes
    scale, shift = changes.chunk(2, dim=1)
    return update * (1 + scale) + shift


class ConditionEmbedding(nn.Module):
    """Timestep and class as one vector; the parts exist only where configured.

    The class embedding has one row more than there are classes: the null class, for unlabelled people and
    for the unconditional half of classifier-free guidance (Ho & Salimans 2022).
    """

    frequency_size = 256

    def __init__(self, config: GdsConfig) -> None:
        super().__init__()
        self.size = config.condition_width
        self.n_classes = config.n_condition_classes
        self.timestep_mlp = self._make_mlp() if config.use_timestep else None
        self.class_embedding = nn.Embedding(self.n_classes + 1, self.size) if self.n_classes else None

    def _make_mlp(self) -> nn.Module:
        return nn.Sequential(
            nn.Linear(self.frequency_size, self.size), nn.SiLU(), nn.Linear(self.size, self.size)
        )

    def forward(self, timestep: Tensor, class_labels: Tensor | None, dtype: torch.dtype) -> Tensor:
        """Embed the condition.

        Parameters
        ----------
        timestep
            int64 (batch,).
        class_labels
            int64 (batch,), -100 for the null class; None for all null.
        dtype
            Floating-point type of the result.

        Returns
        -------
        Tensor
            (batch, size).
        """
        total = torch.zeros(len(timestep), self.size, dtype=dtype, device=timestep.device)
        if self.timestep_mlp is not None:
            total = total + self.timestep_mlp(sinusoidal_embedding(timestep, self.frequency_size).to(dtype))
        if self.class_embedding is not None:
            if class_labels is None:
                class_labels = torch.full_like(timestep, -100)
            rows = torch.where(class_labels < 0, self.n_classes, class_labels)
            total = total + self.class_embedding(rows)
        return total
