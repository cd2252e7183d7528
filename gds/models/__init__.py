"""Encoder and heads as transformers models (torch)."""

# First, and whole: as soon as it is imported it learns of the classes below (gds.registration).
import transformers  # noqa: F401

from gds.models.classification import GdsForClassification
from gds.models.configuration import GdsConfig
from gds.models.contrastive import GdsForContrastive
from gds.models.diffusion import GdsForDiffusion
from gds.models.masked import GdsForMaskedModeling
from gds.models.modeling import GdsModel
from gds.models.outputs import GdsOutput

__all__ = [
    "GdsConfig",
    "GdsForClassification",
    "GdsForContrastive",
    "GdsForDiffusion",
    "GdsForMaskedModeling",
    "GdsModel",
    "GdsOutput",
]
