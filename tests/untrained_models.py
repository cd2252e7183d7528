"""Folders of tiny models with their initial weights: enough wherever nothing has to be learned."""

from pathlib import Path

import pandas as pd
import torch

from gds.features import Featurizer
from gds.models import (
    GdsConfig,
    GdsForClassification,
    GdsForContrastive,
    GdsForDiffusion,
    GdsForMaskedModeling,
)
from tests.models.conftest import TINY

HEADS = {
    "diffusion": (GdsForDiffusion, {"use_timestep": True}),
    "masked": (GdsForMaskedModeling, {"input_kind": "tokens"}),
    "contrastive": (GdsForContrastive, {"input_kind": "tokens"}),
    "classification": (GdsForClassification, {"id2label": {0: "control", 1: "case"}}),
}


def save_untrained(
    featurizer: Featurizer, folder: Path, head: str = "diffusion", seen: tuple[str, ...] = ()
) -> Path:
    """Write model, featurizer and, for people whom the model is to have seen, ``people.tsv``."""
    torch.manual_seed(0)
    n_blocks, n_channels = featurizer.is_padding_.shape
    model_class, options = HEADS[head]
    model = model_class(GdsConfig(n_blocks=n_blocks, n_channels=n_channels, **TINY["transformer"], **options))
    model.gds.set_padding(featurizer.is_padding_)
    model.save_pretrained(folder)
    featurizer.save_pretrained(folder)
    if seen:
        pd.DataFrame({"id": list(seen), "used_for": "training"}).to_csv(
            folder / "people.tsv", sep="\t", index=False
        )
    return folder
