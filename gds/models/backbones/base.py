"""The contract that every backbone keeps."""

from typing import ClassVar

from torch import Tensor, nn

from gds.models.configuration import GdsConfig


class Backbone(nn.Module):
    """Blocks in, tokens and a pooled vector out.

    A subclass defines ``__init__(config, in_size)``, where ``in_size`` is the width of a block, the
    methods below and ``pooled_size``, the width of the pooled vector.
    """

    pooled_size: int
    # Class names of the repeated layers, which sharding (FSDP) wraps one by one.
    layers_to_shard: ClassVar[tuple[str, ...]]
    # Where the positions are in the output of such a layer; one without positions is (batch, hidden).
    token_axis: ClassVar[int] = 1

    @classmethod
    def check_config(cls, config: GdsConfig) -> None:
        """Raise UserError where the configuration does not fit this backbone."""

    def forward(self, blocks: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Encode.

        Parameters
        ----------
        blocks
            (batch, block, in_size).
        condition
            (batch, condition_size), or None where the configuration has no condition.

        Returns
        -------
        tokens
            (batch, token, hidden).
        pooled
            (batch, pooled_size).
        """
        raise NotImplementedError

    @classmethod
    def make_decoder(cls, config: GdsConfig, out_size: int) -> nn.Module:
        """Build the module that maps tokens (batch, token, hidden) to (batch, block, out_size)."""
        raise NotImplementedError
