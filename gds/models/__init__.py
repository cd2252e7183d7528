"""Encoder and heads as transformers models (torch)."""

from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from gds.models.classification import GdsForClassification
from gds.models.configuration import GdsConfig
from gds.models.diffusion import GdsForDiffusion
from gds.models.masked import GdsForMaskedModeling
from gds.models.modeling import GdsModel
from gds.models.outputs import GdsOutput

AutoConfig.register("gds", GdsConfig, exist_ok=True)
AutoModel.register(GdsConfig, GdsModel, exist_ok=True)
AutoModelForSequenceClassification.register(GdsConfig, GdsForClassification, exist_ok=True)

__all__ = [
    "GdsConfig",
    "GdsForClassification",
    "GdsForDiffusion",
    "GdsForMaskedModeling",
    "GdsModel",
    "GdsOutput",
]
