"""Number of parameters of a preset, without allocating any."""

import torch

from gds.errors import UserError
from gds.models.contrastive import GdsForContrastive
from gds.models.diffusion import GdsForDiffusion
from gds.models.masked import GdsForMaskedModeling
from gds.models.presets import preset_config

HEADS = {"diffusion": GdsForDiffusion, "masked": GdsForMaskedModeling, "contrastive": GdsForContrastive}


def preset_parameters(
    name: str, objective: str, n_blocks: int, n_channels: int
) -> tuple[int | None, str | None]:
    """Parameters of encoder and head of a preset at a shape of component scores.

    Returns
    -------
    count : int or None
        None where the preset does not fit the shape.
    problem : str or None
        Why not.
    """
    try:
        config = preset_config(name, objective, n_blocks=n_blocks, n_channels=n_channels)
        with torch.device("meta"):
            return HEADS[objective](config).num_parameters(), None
    except UserError as error:
        return None, str(error)
