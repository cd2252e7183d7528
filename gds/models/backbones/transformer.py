"""Pre-norm transformer over tokens of several blocks, each token with its own matrix in and out."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer

from gds.errors import UserError
from gds.models.backbones.base import Backbone
from gds.models.configuration import GdsConfig
from gds.models.embedding import BlockLinear, ZeroLinear


class TransformerLayer(GradientCheckpointingLayer):
    """Self-attention and a feed-forward part, each normalised before and added after.

    With a condition, both parts are shifted, scaled and gated by it. The projection of the condition is
    shared by all layers and each layer adds a table of its own ("adaLN-single", Chen et al. 2023, PixArt):
    a per-layer projection would cost a tenth of the whole network at the reference's size.
    """

    def __init__(self, config: GdsConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.num_heads = config.num_attention_heads
        self.attention_dropout = config.attention_dropout
        self.attention_norm = nn.LayerNorm(size)
        self.query_key_value = nn.Linear(size, 3 * size)
        self.attention_output = nn.Linear(size, size)
        self.feed_forward_norm = nn.LayerNorm(size)
        self.feed_forward = nn.Sequential(
            nn.Linear(size, config.intermediate_size), nn.GELU(), nn.Linear(config.intermediate_size, size)
        )
        self.dropout = nn.Dropout(config.hidden_dropout)
        self.modulation = nn.Parameter(torch.empty(6, size)) if config.has_condition else None

    def forward(self, hidden: Tensor, shared_modulation: Tensor | None) -> Tensor:
        """Map (batch, token, hidden) to the same shape; shared_modulation is (batch, 6, hidden)."""
        if shared_modulation is None or self.modulation is None:
            hidden = hidden + self.dropout(self._attend(self.attention_norm(hidden)))
            return hidden + self.dropout(self.feed_forward(self.feed_forward_norm(hidden)))
        modulation = (shared_modulation + self.modulation).unsqueeze(2).unbind(1)
        shift, scale, gate = modulation[:3]
        update = self._attend(self.attention_norm(hidden) * (1 + scale) + shift)
        hidden = hidden + (1 + gate) * self.dropout(update)
        shift, scale, gate = modulation[3:]
        update = self.feed_forward(self.feed_forward_norm(hidden) * (1 + scale) + shift)
        return hidden + (1 + gate) * self.dropout(update)

    def _attend(self, hidden: Tensor) -> Tensor:
        batch, tokens, size = hidden.shape
        heads = self.query_key_value(hidden).view(batch, tokens, 3, self.num_heads, size // self.num_heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        dropout = self.attention_dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
        return self.attention_output(mixed.transpose(1, 2).reshape(batch, tokens, size))


class TokenDecoder(nn.Module):
    """Every token's own matrix back to its blocks, then every block's own layer if configured."""

    def __init__(self, config: GdsConfig, out_size: int) -> None:
        super().__init__()
        inner = config.block_hidden_size
        self.n_blocks = config.n_blocks
        self.n_tokens = math.ceil(config.n_blocks / config.blocks_per_token)
        self.width = inner or out_size
        self.has_class_token = config.pooling == "cls"
        self.token_layer = BlockLinear(
            self.n_tokens, config.hidden_size, config.blocks_per_token * self.width, zero=inner is None
        )
        self.own_layer = None if inner is None else BlockLinear(config.n_blocks, inner, out_size, zero=True)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (batch, token, hidden) to (batch, block, out)."""
        if self.has_class_token:
            tokens = tokens[:, 1:]
        blocks = self.token_layer(tokens).reshape(len(tokens), -1, self.width)[:, : self.n_blocks]
        return blocks if self.own_layer is None else self.own_layer(F.gelu(blocks))


class TransformerBackbone(Backbone):
    """Tokens of ``blocks_per_token`` neighbouring blocks through pre-norm transformer layers.

    The bias of a token's own matrix is its position embedding. A last token that is not full is completed
    with zeros.
    """

    layers_to_shard = ("TransformerLayer",)

    def __init__(self, config: GdsConfig, in_size: int) -> None:
        super().__init__()
        self.n_tokens = math.ceil(config.n_blocks / config.blocks_per_token)
        self.n_added = self.n_tokens * config.blocks_per_token - config.n_blocks
        self.pooling = config.pooling
        self.pooled_size = config.hidden_size
        self.token_layer = BlockLinear(self.n_tokens, config.blocks_per_token * in_size, config.hidden_size)
        self.class_token = (
            nn.Parameter(torch.empty(1, 1, config.hidden_size)) if config.pooling == "cls" else None
        )
        condition_size = config.condition_width
        self.modulation = (
            nn.Sequential(nn.SiLU(), ZeroLinear(condition_size, 6 * config.hidden_size))
            if config.has_condition
            else None
        )
        self.dropout = nn.Dropout(config.hidden_dropout)
        self.layers = nn.ModuleList([TransformerLayer(config) for _ in range(config.num_hidden_layers)])
        self.norm = nn.LayerNorm(config.hidden_size)

    @classmethod
    def check_config(cls, config: GdsConfig) -> None:
        """Raise UserError where the heads do not divide the width."""
        if config.hidden_size % config.num_attention_heads:
            raise UserError(
                f"hidden_size {config.hidden_size} cannot be shared by {config.num_attention_heads} heads: "
                "make it a multiple of num_attention_heads"
            )

    def forward(self, blocks: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Encode: see the contract in ``Backbone``."""
        blocks = F.pad(blocks, (0, 0, 0, self.n_added))
        hidden = self.dropout(self.token_layer(blocks.reshape(len(blocks), self.n_tokens, -1)))
        if self.class_token is not None:
            hidden = torch.cat((self.class_token.to(hidden.dtype).expand(len(hidden), -1, -1), hidden), dim=1)
        shared = None
        if self.modulation is not None:
            shared = self.modulation(condition).view(len(hidden), 6, -1)
        for layer in self.layers:
            hidden = layer(hidden, shared)
        hidden = self.norm(hidden)
        return hidden, hidden[:, 0] if self.class_token is not None else hidden.mean(dim=1)

    @classmethod
    def make_decoder(cls, config: GdsConfig, out_size: int) -> nn.Module:
        """Every token's own matrix back to its blocks."""
        return TokenDecoder(config, out_size)
