"""MLP and CNN side by side, mixed by a learned function of the condition.

output = lambda(t) MLP(x, t) + (1 - lambda(t)) CNN(x, t): the MLP sees the whole genome at once, the CNN
shares what it learns between places; which of them is right depends on the noise level.
"""

import torch
from torch import Tensor, nn

from gds.models.backbones.base import Backbone
from gds.models.backbones.mlp import MlpUNet, check_mlp
from gds.models.backbones.unet1d import ConvolutionDecoder, UNet1d, check_unet
from gds.models.configuration import GdsConfig
from gds.models.embedding import ScaledLinear


class HybridBackbone(Backbone):
    """The MLP U-Net and the 1D U-Net behind the contract.

    A token is a block: its features from the CNN, times 1 - lambda, and from the MLP, times lambda, side by
    side. The decoder is linear, so that its output is the mixture above.
    """

    layers_to_shard = ("ResidualBlock", "AttentionBlock", "ResidualMlp")
    token_axis = 2
    mixing_size = 64

    def __init__(self, config: GdsConfig, in_size: int) -> None:
        super().__init__()
        self.n_blocks = config.n_blocks
        self.mlp = MlpUNet(config, config.n_blocks * in_size)
        self.mlp_output = ScaledLinear(config.mlp_sizes[0], config.n_blocks * config.n_channels)
        self.cnn = UNet1d(config, in_size)
        condition_size = config.condition_width
        self.mixing = (
            nn.Sequential(
                nn.Linear(condition_size, self.mixing_size), nn.SiLU(), nn.Linear(self.mixing_size, 1)
            )
            if config.has_condition
            else None
        )
        self.mixing_logit = nn.Parameter(torch.empty(1)) if self.mixing is None else None
        self.pooled_size = self.token_size(config) + self.cnn.middle_size + config.mlp_sizes[-1]

    @staticmethod
    def token_size(config: GdsConfig) -> int:
        """Width of a token: the CNN's features and the MLP's, as many as a block has channels."""
        return config.hidden_size * config.channel_multipliers[0] + config.n_channels

    @classmethod
    def check_config(cls, config: GdsConfig) -> None:
        """Raise UserError where the configuration does not fit this backbone."""
        check_unet(config)
        check_mlp(config)

    def forward(self, blocks: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Encode: see the contract in ``Backbone``."""
        vector, mlp_middle = self.mlp(blocks.flatten(1), condition)
        from_mlp = self.mlp_output(vector).unflatten(1, (self.n_blocks, -1))
        from_cnn, cnn_middle = self.cnn(blocks.transpose(1, 2), condition)
        share = self._mlp_share(condition)
        tokens = torch.cat(((1 - share) * from_cnn.transpose(1, 2), share * from_mlp), dim=-1)
        return tokens, torch.cat((tokens.mean(dim=1), cnn_middle, mlp_middle), dim=1)

    def _mlp_share(self, condition: Tensor | None) -> Tensor:
        """lambda, (batch, 1, 1); one learned number where there is no condition."""
        if self.mixing is not None:
            return torch.sigmoid(self.mixing(condition)).unsqueeze(-1)
        assert self.mixing_logit is not None
        return torch.sigmoid(self.mixing_logit).view(-1, 1, 1)

    @classmethod
    def make_decoder(cls, config: GdsConfig, out_size: int) -> nn.Module:
        """A linear map of both halves: a shared convolution, or each block's own layer."""
        return ConvolutionDecoder(config, cls.token_size(config), out_size)
