"""MLP U-Net: the whole genotype as one vector, through a bottleneck and back, with skips."""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer

from gds.errors import UserError
from gds.models.backbones.base import Backbone
from gds.models.conditioning import modulate
from gds.models.configuration import GdsConfig
from gds.models.embedding import BlockLinear, ScaledLinear, ZeroLinear


class ResidualMlp(GradientCheckpointingLayer):
    """Two dense layers with a residual connection; the condition acts between them (``modulate``)."""

    def __init__(self, size: int, config: GdsConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.first = ScaledLinear(size, size)
        self.modulation = (
            nn.Linear(config.condition_width, (2 if config.film else 1) * size)
            if config.has_condition
            else None
        )
        self.dropout = nn.Dropout(config.hidden_dropout)
        self.second = ZeroLinear(size, size)

    def forward(self, hidden: Tensor, condition: Tensor | None) -> Tensor:
        """Map (batch, size) to the same shape."""
        update = self.first(self.norm(hidden))
        if self.modulation is not None and condition is not None:
            update = modulate(update, self.modulation(F.silu(condition)))
        return hidden + self.second(self.dropout(F.silu(update)))


class MlpUNet(nn.Module):
    """The network itself: (batch, in) to (batch, sizes[0]) and the middle (batch, sizes[-1])."""

    def __init__(self, config: GdsConfig, in_size: int) -> None:
        super().__init__()
        sizes = list(config.mlp_sizes)
        self.input = ScaledLinear(in_size, sizes[0])
        self.down = nn.ModuleList([ResidualMlp(size, config) for size in sizes])
        pairs = list(itertools.pairwise(sizes))
        self.narrow = nn.ModuleList([ScaledLinear(wide, slim) for wide, slim in pairs])
        self.widen = nn.ModuleList([ScaledLinear(slim, wide) for wide, slim in reversed(pairs)])
        self.up = nn.ModuleList([ResidualMlp(wide, config) for wide, _ in reversed(pairs)])
        self.norm = nn.LayerNorm(sizes[0])

    def forward(self, values: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Go down to the middle and up again; skips are added, level by level."""
        hidden = self.input(values)
        skips = []
        for level, residual in enumerate(self.down):
            hidden = residual(hidden, condition)
            if level < len(self.narrow):
                skips.append(hidden)
                hidden = self.narrow[level](F.silu(hidden))
        middle = hidden
        for widen, residual in zip(self.widen, self.up, strict=True):
            hidden = residual(skips.pop() + widen(F.silu(hidden)), condition)
        return F.silu(self.norm(hidden)), middle


class VectorDecoder(nn.Module):
    """One dense layer from the vector to all blocks, then each block's own layer if configured."""

    def __init__(self, config: GdsConfig, out_size: int) -> None:
        super().__init__()
        inner = config.block_hidden_size
        self.n_blocks = config.n_blocks
        in_size = config.mlp_sizes[0]
        self.own_layer: BlockLinear | None = None
        if inner is None:
            self.dense: nn.Linear = ZeroLinear(in_size, config.n_blocks * out_size)
        else:
            self.dense = ScaledLinear(in_size, config.n_blocks * inner)
            self.own_layer = BlockLinear(config.n_blocks, inner, out_size, zero=True)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (batch, 1, hidden) to (batch, block, out)."""
        blocks = self.dense(tokens[:, 0]).unflatten(1, (self.n_blocks, -1))
        return blocks if self.own_layer is None else self.own_layer(F.gelu(blocks))


def check_mlp(config: GdsConfig) -> None:
    """Raise UserError where the widths are none."""
    if not config.mlp_sizes or any(not isinstance(size, int) or size < 1 for size in config.mlp_sizes):
        raise UserError(
            f"mlp_sizes: expected widths from the input to the middle, found {config.mlp_sizes!r}"
        )


class MlpBackbone(Backbone):
    """The MLP U-Net behind the contract: one token; pooled is that token and the middle."""

    layers_to_shard = ("ResidualMlp",)

    def __init__(self, config: GdsConfig, in_size: int) -> None:
        super().__init__()
        self.network = MlpUNet(config, config.n_blocks * in_size)
        self.pooled_size = config.mlp_sizes[0] + config.mlp_sizes[-1]

    @classmethod
    def check_config(cls, config: GdsConfig) -> None:
        """Raise UserError where the configuration does not fit this backbone."""
        check_mlp(config)

    def forward(self, blocks: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Encode: see the contract in ``Backbone``."""
        vector, middle = self.network(blocks.flatten(1), condition)
        return vector.unsqueeze(1), torch.cat((vector, middle), dim=1)

    @classmethod
    def make_decoder(cls, config: GdsConfig, out_size: int) -> nn.Module:
        """One dense layer to all blocks."""
        return VectorDecoder(config, out_size)
