"""What the encoder and the heads return."""

from dataclasses import dataclass

from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.utils import ModelOutput


@dataclass
class EncoderOutput(BaseModelOutputWithPooling):
    """Result of the encoder: transformers' own, and what a head can use beside the tokens.

    Parameters
    ----------
    last_hidden_state
        (batch, token, hidden).
    pooler_output
        (batch, pooled_size).
    cells
        What the encoder was shown of each block, (batch, block, channels_per_block).
    condition
        Embedding of timestep and class (batch, condition_size); None where there is no condition.
    """

    cells: Tensor | None = None
    condition: Tensor | None = None


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
