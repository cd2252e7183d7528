"""Networks between the blocks and the tokens, all behind one contract (``Backbone``)."""

from gds.models.backbones.base import Backbone
from gds.models.backbones.hybrid import HybridBackbone
from gds.models.backbones.local import LocalBackbone
from gds.models.backbones.mlp import MlpBackbone
from gds.models.backbones.transformer import TransformerBackbone
from gds.models.backbones.unet1d import UNet1dBackbone

BACKBONES: dict[str, type[Backbone]] = {
    "transformer": TransformerBackbone,
    "unet1d": UNet1dBackbone,
    "mlp": MlpBackbone,
    "hybrid": HybridBackbone,
    "local": LocalBackbone,
}

__all__ = ["BACKBONES", "Backbone"]
