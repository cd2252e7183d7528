"""One-dimensional U-Net with attention over the sequence of blocks.

The architecture of Dhariwal & Nichol 2021 ("guided diffusion") in one dimension: a token is a block.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer

from gds.errors import UserError
from gds.models.backbones.base import Backbone
from gds.models.conditioning import modulate
from gds.models.configuration import GdsConfig
from gds.models.embedding import BlockLinear, ZeroConv1d


def group_norm(channels: int) -> nn.GroupNorm:
    """Normalisation in 32 groups, or as many as divide the channels."""
    return nn.GroupNorm(math.gcd(32, channels), channels)


class ResidualBlock(GradientCheckpointingLayer):
    """Two convolutions with a residual connection; the condition acts between them (``modulate``).

    A condition that only shifts does so after the normalisation, which would take it off again.
    """

    def __init__(self, in_size: int, out_size: int, config: GdsConfig) -> None:
        super().__init__()
        condition_size = config.condition_width
        self.in_norm = group_norm(in_size)
        self.in_conv = nn.Conv1d(in_size, out_size, 3, padding=1)
        self.modulation = (
            nn.Linear(condition_size, (2 if config.film else 1) * out_size) if config.has_condition else None
        )
        self.out_norm = group_norm(out_size)
        self.dropout = nn.Dropout(config.hidden_dropout)
        self.out_conv = ZeroConv1d(out_size, out_size, 3, padding=1)
        self.skip = nn.Identity() if in_size == out_size else nn.Conv1d(in_size, out_size, 1)

    def forward(self, hidden: Tensor, condition: Tensor | None) -> Tensor:
        """Map (batch, in, position) to (batch, out, position)."""
        update = self.out_norm(self.in_conv(F.silu(self.in_norm(hidden))))
        if self.modulation is not None and condition is not None:
            update = modulate(update, self.modulation(F.silu(condition)))
        return self.skip(hidden) + self.out_conv(self.dropout(F.silu(update)))


class AttentionBlock(GradientCheckpointingLayer):
    """Self-attention between positions, with a residual connection."""

    def __init__(self, size: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.attention_dropout = dropout
        self.norm = group_norm(size)
        self.query_key_value = nn.Conv1d(size, 3 * size, 1)
        self.output = ZeroConv1d(size, size, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map (batch, size, position) to the same shape."""
        batch, size, positions = hidden.shape
        heads = self.query_key_value(self.norm(hidden)).view(
            batch, 3, self.num_heads, size // self.num_heads, positions
        )
        query, key, value = heads.transpose(-1, -2).unbind(1)
        dropout = self.attention_dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
        return hidden + self.output(mixed.transpose(-1, -2).reshape(batch, size, positions))


class Stage(nn.Module):
    """A residual block, attention where the level has it."""

    def __init__(self, in_size: int, out_size: int, has_attention: bool, config: GdsConfig) -> None:
        super().__init__()
        self.residual = ResidualBlock(in_size, out_size, config)
        self.attention = (
            AttentionBlock(out_size, config.num_attention_heads, config.attention_dropout)
            if has_attention
            else None
        )

    def forward(self, hidden: Tensor, condition: Tensor | None) -> Tensor:
        """Map (batch, in, position) to (batch, out, position)."""
        hidden = self.residual(hidden, condition)
        return hidden if self.attention is None else self.attention(hidden)


class UNet1d(nn.Module):
    """The network itself, on (batch, channel, position)."""

    def __init__(self, config: GdsConfig, in_size: int) -> None:
        super().__init__()
        sizes = [config.hidden_size * multiplier for multiplier in config.channel_multipliers]
        self.middle_size = sizes[-1]
        self.input = nn.Conv1d(in_size, sizes[0], 3, padding=1)
        self.down = nn.ModuleList()
        self.downsample = nn.ModuleList()
        skips, current = [sizes[0]], sizes[0]
        for level, size in enumerate(sizes):
            stages = nn.ModuleList()
            for _ in range(config.num_residual_blocks):
                stages.append(Stage(current, size, level in config.attention_levels, config))
                current = size
                skips.append(size)
            self.down.append(stages)
            if level < len(sizes) - 1:
                self.downsample.append(nn.Conv1d(size, size, 3, stride=2, padding=1))
                skips.append(size)
        self.middle = nn.ModuleList(
            [Stage(current, current, True, config), Stage(current, current, False, config)]
        )
        self.up = nn.ModuleList()
        self.upsample = nn.ModuleList()
        for level, size in reversed(list(enumerate(sizes))):
            stages = nn.ModuleList()
            for _ in range(config.num_residual_blocks + 1):
                stages.append(Stage(current + skips.pop(), size, level in config.attention_levels, config))
                current = size
            self.up.append(stages)
            if level > 0:
                self.upsample.append(nn.Conv1d(size, size, 3, padding=1))
        self.norm = group_norm(current)

    def forward(self, hidden: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Map (batch, in, position) to features (batch, hidden, position) and the middle's mean (batch, size).

        Any length will do: a level of n positions is halved to ceil(n / 2), the convolution's own padding
        completing an odd one, and the way up is cut to the n of its skip. No position is ever added, so that
        normalisation, attention and means see real blocks only.
        """
        hidden = self.input(hidden)
        skips = [hidden]
        for level, stages in enumerate(self.down):
            for stage in cast(nn.ModuleList, stages):
                hidden = stage(hidden, condition)
                skips.append(hidden)
            if level < len(self.downsample):
                hidden = self.downsample[level](hidden)
                skips.append(hidden)
        for stage in self.middle:
            hidden = stage(hidden, condition)
        middle = hidden.mean(dim=-1)
        for level, stages in enumerate(self.up):
            for stage in cast(nn.ModuleList, stages):
                hidden = stage(torch.cat((hidden, skips.pop()), dim=1), condition)
            if level < len(self.upsample):
                wider = F.interpolate(hidden, scale_factor=2.0, mode="nearest")[..., : skips[-1].shape[-1]]
                hidden = self.upsample[level](wider)
        return F.silu(self.norm(hidden)), middle


class ConvolutionDecoder(nn.Module):
    """A convolution shared by all blocks, or each block's own layer if configured."""

    def __init__(self, config: GdsConfig, hidden_size: int, out_size: int) -> None:
        super().__init__()
        self.own_layer: BlockLinear | None = None
        self.conv: ZeroConv1d | None = None
        if config.block_hidden_size is None:
            self.conv = ZeroConv1d(hidden_size, out_size, 3, padding=1)
        else:
            self.own_layer = BlockLinear(config.n_blocks, hidden_size, out_size, zero=True)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (batch, block, hidden) to (batch, block, out)."""
        if self.own_layer is not None:
            return self.own_layer(tokens)
        assert self.conv is not None
        return self.conv(tokens.transpose(1, 2)).transpose(1, 2)


def check_unet(config: GdsConfig) -> None:
    """Raise UserError where levels, attention and the number of blocks do not go together."""
    n_levels = len(config.channel_multipliers)
    if not n_levels or any(not isinstance(m, int) or m < 1 for m in config.channel_multipliers):
        raise UserError(
            f"channel_multipliers: expected whole numbers from 1, found {config.channel_multipliers!r}"
        )
    if any(not 0 <= level < n_levels for level in config.attention_levels):
        raise UserError(
            f"attention_levels: expected levels from 0 to {n_levels - 1}, found {config.attention_levels!r}"
        )
    if config.n_blocks < 2 ** (n_levels - 1):
        raise UserError(
            f"{config.n_blocks} blocks cannot be halved {n_levels - 1} times: give at most "
            f"{config.n_blocks.bit_length()} channel_multipliers, or take a smaller preset"
        )
    for level in (*config.attention_levels, n_levels - 1):
        size = config.hidden_size * config.channel_multipliers[level]
        if size % config.num_attention_heads:
            raise UserError(
                f"level {level} is {size} wide, which {config.num_attention_heads} heads cannot share: change "
                "num_attention_heads, hidden_size or channel_multipliers"
            )


class UNet1dBackbone(Backbone):
    """The U-Net behind the contract: tokens are blocks, pooled is the mean of tokens and of the middle."""

    layers_to_shard = ("ResidualBlock", "AttentionBlock")
    token_axis = 2

    def __init__(self, config: GdsConfig, in_size: int) -> None:
        super().__init__()
        self.network = UNet1d(config, in_size)
        self.pooled_size = config.hidden_size * config.channel_multipliers[0] + self.network.middle_size

    @classmethod
    def check_config(cls, config: GdsConfig) -> None:
        """Raise UserError where the configuration does not fit this backbone."""
        check_unet(config)

    def forward(self, blocks: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Encode: see the contract in ``Backbone``."""
        features, middle = self.network(blocks.transpose(1, 2), condition)
        return features.transpose(1, 2), torch.cat((features.mean(dim=-1), middle), dim=1)

    @classmethod
    def make_decoder(cls, config: GdsConfig, out_size: int) -> nn.Module:
        """A shared convolution, or each block's own layer."""
        return ConvolutionDecoder(config, config.hidden_size * config.channel_multipliers[0], out_size)
