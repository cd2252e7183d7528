"""Every token by itself: two dense layers of its own, no mixing, and their mean as the person."""

import math

from torch import Tensor, nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer

from gds.errors import UserError
from gds.models.backbones.base import Backbone
from gds.models.backbones.transformer import TokenDecoder
from gds.models.conditioning import modulate
from gds.models.configuration import GdsConfig
from gds.models.embedding import BlockLinear


class LocalLayer(GradientCheckpointingLayer):
    """The two dense layers of every token; the condition acts between them (``modulate``)."""

    def __init__(self, config: GdsConfig, n_tokens: int, in_size: int) -> None:
        super().__init__()
        size = config.hidden_size
        self.first = BlockLinear(n_tokens, in_size, size)
        self.modulation = (
            nn.Linear(config.condition_width, (2 if config.film else 1) * size)
            if config.has_condition
            else None
        )
        self.dropout = nn.Dropout(config.hidden_dropout)
        self.second = BlockLinear(n_tokens, size, size)

    def forward(self, tokens: Tensor, condition: Tensor | None) -> Tensor:
        """Map (batch, token, in) to (batch, token, hidden)."""
        hidden = self.first(tokens)
        if self.modulation is not None and condition is not None:
            hidden = modulate(hidden.transpose(1, 2), self.modulation(F.silu(condition))).transpose(1, 2)
        return self.second(self.dropout(F.gelu(hidden)))


class LocalBackbone(Backbone):
    """An additive model of a person: what a stretch of the genome says does not depend on the others.

    A token of ``blocks_per_token`` neighbouring blocks is a local embedding in the strict sense, and the pooled
    vector is the mean of the tokens. There is little to overfit and nothing to pay for the length of the genome.
    """

    layers_to_shard = ("LocalLayer",)

    def __init__(self, config: GdsConfig, in_size: int) -> None:
        super().__init__()
        self.n_tokens = math.ceil(config.n_blocks / config.blocks_per_token)
        self.n_added = self.n_tokens * config.blocks_per_token - config.n_blocks
        self.pooled_size = config.hidden_size
        self.layer = LocalLayer(config, self.n_tokens, config.blocks_per_token * in_size)

    @classmethod
    def check_config(cls, config: GdsConfig) -> None:
        """Raise UserError for a pooling that would need tokens to see each other."""
        if config.pooling != "mean":
            raise UserError(
                f"the local backbone pools by the mean: pooling={config.pooling!r} has no meaning"
            )

    def forward(self, blocks: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Encode: see the contract in ``Backbone``."""
        blocks = F.pad(blocks, (0, 0, 0, self.n_added))
        tokens = self.layer(blocks.reshape(len(blocks), self.n_tokens, -1), condition)
        return tokens, tokens.mean(dim=1)

    @classmethod
    def make_decoder(cls, config: GdsConfig, out_size: int) -> nn.Module:
        """Every token's own matrix back to its blocks."""
        return TokenDecoder(config, out_size)
