"""Networks between the blocks and the tokens, all behind one contract (``Backbone``)."""

from gds.models.backbones.base import Backbone
from gds.models.backbones.transformer import TransformerBackbone

BACKBONES: dict[str, type[Backbone]] = {
    "transformer": TransformerBackbone,
}

__all__ = ["BACKBONES", "Backbone"]
