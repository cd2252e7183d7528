"""What the heads return."""

from dataclasses import dataclass

from torch import Tensor
from transformers.utils import ModelOutput


@dataclass
class GdsOutput(ModelOutput):
    """Result of a head.

    Parameters
    ----------
    loss
        Scalar: mean over samples of the per-sample mean over scored cells.
    logits
        Diffusion and continuous masked modelling: prediction (batch, block, channel). Masked tokens:
        (batch, block, slot, 3). Classification: (batch, label). Contrastive: None.
    views
        Contrastive: unit vectors of both views of a person (batch, 2, size).
    statistics
        Name to float32 (batch, 2): per sample the sum and the count whose ratio, taken over all samples, is
        the metric of that name.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    views: Tensor | None = None
    statistics: dict[str, Tensor] | None = None
