"""From features to the blocks that a backbone reads: cells become channels, each block has its own layer."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gds.models.configuration import GdsConfig


class BlockLinear(nn.Module):
    """A dense layer of its own for every position.

    Computed as one batched matrix product, (position, batch, in) @ (position, in, out): the weights are
    read once per batch and never copied per sample.

    Parameters
    ----------
    n_positions
        Number of positions (blocks or tokens).
    in_size, out_size
        Width before and after.
    zero
        Whether the layer starts as zero, as the last layer before a loss does.
    """

    def __init__(self, n_positions: int, in_size: int, out_size: int, zero: bool = False) -> None:
        super().__init__()
        self.zero = zero
        self.weight = nn.Parameter(torch.empty(n_positions, in_size, out_size))
        self.bias = nn.Parameter(torch.empty(n_positions, out_size))

    def forward(self, hidden: Tensor) -> Tensor:
        """Map (batch, position, in) to (batch, position, out)."""
        return torch.baddbmm(self.bias.unsqueeze(1), hidden.transpose(0, 1), self.weight).transpose(0, 1)


class ZeroLinear(nn.Linear):
    """A dense layer that starts as zero: the last one before a loss, or a gate that opens in training."""


class ZeroConv1d(nn.Conv1d):
    """A convolution that starts as zero."""


class ScaledLinear(nn.Linear):
    """A dense layer whose initial weights have variance 1 / in: its input may be the whole genotype."""


class CellEmbedding(nn.Module):
    """Features of any kind as channels of blocks, then every block's own dense layer if configured.

    Tokens become a one-hot of the dosages 0, 1, 2 and an is_masked channel per slot, from which the share of
    the sample's cells that are masked is subtracted. A missing call (-1) is a zero one-hot that is not
    masked, a masked cell a zero one-hot that is, and a padding cell zero throughout. With ``additive_dosage`` a
    heterozygote is the mean of the two homozygotes instead of a state of its own. Continuous cells are
    the values themselves, zero where masked, followed by the is_masked channels if configured. Whatever
    stands in a padding cell is ignored.
    """

    def __init__(self, config: GdsConfig) -> None:
        super().__init__()
        self.input_kind = config.input_kind
        self.mask_channels = config.mask_channels
        self.additive_dosage = config.additive_dosage
        self.out_size = config.block_hidden_size or config.channels_per_block
        self.own_layer = (
            None
            if config.block_hidden_size is None
            else BlockLinear(config.n_blocks, config.channels_per_block, config.block_hidden_size)
        )

    def forward(self, cells: Tensor) -> Tensor:
        """Map cells (batch, block, channels_per_block) to (batch, block, out_size)."""
        return cells if self.own_layer is None else F.gelu(self.own_layer(cells))

    def cells(
        self, features: Tensor, is_masked: Tensor | None, is_padding: Tensor, dtype: torch.dtype
    ) -> Tensor:
        """What is seen of each block.

        Parameters
        ----------
        features
            (batch, block, channel), float scores or integer dosages.
        is_masked
            bool (batch, block, channel): cells whose value is hidden from the network, or None for none.
        is_padding
            bool (block, channel).
        dtype
            Floating-point type of the result.

        Returns
        -------
        Tensor
            (batch, block, channels_per_block).
        """
        masked = None if is_masked is None else is_masked & ~is_padding
        hidden = is_padding if masked is None else is_padding | masked
        if self.input_kind == "tokens":
            visible = torch.where(hidden, -1, features)
            dosage = [(visible == value).to(dtype) for value in range(3)]
            if self.additive_dosage:
                half = dosage[1] / 2
                dosage = [dosage[0] + half, torch.zeros_like(half), dosage[2] + half]
            flag = torch.zeros_like(dosage[0]) if masked is None else _centred(masked, is_padding, dtype)
            channels = torch.stack((*dosage, flag), dim=-1).flatten(2)
        else:
            channels = features.to(dtype).masked_fill(hidden, 0.0)
            if self.mask_channels:
                flag = torch.zeros_like(channels) if masked is None else masked.to(dtype)
                channels = torch.cat((channels, flag), dim=-1)
        return channels


def _centred(masked: Tensor, is_padding: Tensor, dtype: torch.dtype) -> Tensor:
    """is_masked as numbers less their mean over a sample's cells; zero in padding.

    Where generation starts, all cells are masked and a few visible ones must tell what follows: uncentred,
    hundreds of equal flags drown them, and the first cells drawn miss their frequencies.
    """
    share = masked.sum(dim=(1, 2), keepdim=True) / (~is_padding).sum()
    return (masked.to(dtype) - share.to(dtype)).masked_fill(is_padding, 0.0)
