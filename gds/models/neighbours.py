"""The short way from cells to what is predicted beside them, past the backbone."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gds.models.conditioning import modulate
from gds.models.configuration import GdsConfig
from gds.models.embedding import BlockLinear


class NeighbourHead(nn.Module):
    """A dense layer of its own for every block, from its cells and its neighbours' to its output.

    Linkage disequilibrium ties a variant closely to a few others nearby and to nothing else. A backbone that sees the
    whole genotype through a bottleneck learns what many variants share, ancestry first, and spends nothing on single
    pairs. On dosages this layer alone is a Potts model of neighbouring variants, trained by pseudolikelihood
    (Besag 1975); it is added to what the backbone says.

    Parameters
    ----------
    config
        With ``neighbour_reach``, the number of blocks on each side. The condition, where there is one, scales and
        shifts the cells first.
    out_size
        Width of a block's output.
    """

    def __init__(self, config: GdsConfig, out_size: int) -> None:
        super().__init__()
        assert config.neighbour_reach is not None
        self.reach = config.neighbour_reach
        in_size = (2 * self.reach + 1) * config.channels_per_block
        self.modulation = nn.Linear(config.condition_width, 2 * in_size) if config.has_condition else None
        self.layer = BlockLinear(config.n_blocks, in_size, out_size, zero=True)

    def forward(self, cells: Tensor, condition: Tensor | None) -> Tensor:
        """Map cells (batch, block, channel) and the condition's embedding to (batch, block, out)."""
        n_blocks = cells.shape[1]
        padded = F.pad(cells, (0, 0, self.reach, self.reach))
        around = torch.cat([padded[:, k : k + n_blocks] for k in range(2 * self.reach + 1)], dim=2)
        if self.modulation is not None and condition is not None:
            changes = self.modulation(F.silu(condition))
            around = modulate(around.transpose(1, 2), changes).transpose(1, 2)
        return self.layer(around)


def make_neighbour_head(config: GdsConfig, out_size: int) -> NeighbourHead | None:
    """The layer, where it is configured."""
    return None if config.neighbour_reach is None else NeighbourHead(config, out_size)
