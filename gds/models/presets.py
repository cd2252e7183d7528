"""Named sizes of every backbone: the reference's, and small ones for CPU."""

from typing import Any

from gds.errors import UserError, did_you_mean
from gds.models.configuration import GdsConfig

OBJECTIVES = ("diffusion", "masked", "contrastive")

# The slots that generation by unmasking needs to have learned at every ratio.
_MASKED_GENERATOR = {"mask_unit": "slot", "mask_ratio": [0.0, 1.0]}

_REFERENCE_UNET = {
    "hidden_size": 64, "channel_multipliers": [1, 1, 1, 1, 2, 2, 3, 4], "num_residual_blocks": 3,
    "attention_levels": [5, 6], "num_attention_heads": 1, "condition_size": 384,
}  # fmt: skip
_REFERENCE_MLP = {"mlp_sizes": [1024, 512, 256]}

PRESETS: dict[str, dict[str, Any]] = {
    # Small: minutes on two cores.
    "transformer-tiny": {
        "backbone": "transformer", "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4,
        "intermediate_size": 256, "blocks_per_token": 8,
    },
    # What gds pretrain takes unless told otherwise: diffusion on components, masked modelling of tokens.
    "transformer-mini": {
        "backbone": "transformer", "hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4,
        "intermediate_size": 256, "blocks_per_token": 8,
    },
    "transformer-mini-tokens": {
        "backbone": "transformer", "hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4,
        "intermediate_size": 256, "blocks_per_token": 4,
    },
    "transformer-small": {
        "backbone": "transformer", "hidden_size": 192, "num_hidden_layers": 6, "num_attention_heads": 6,
        "intermediate_size": 768, "blocks_per_token": 8,
    },
    "unet1d-tiny": {
        "backbone": "unet1d", "hidden_size": 32, "channel_multipliers": [1, 1, 2], "num_residual_blocks": 1,
        "attention_levels": [], "num_attention_heads": 4, "condition_size": 128,
    },
    "unet1d-per-gene-tiny": {
        "backbone": "unet1d", "hidden_size": 32, "channel_multipliers": [1, 1, 2], "num_residual_blocks": 1,
        "attention_levels": [], "num_attention_heads": 4, "condition_size": 128, "block_hidden_size": 16,
    },
    "mlp-tiny": {"backbone": "mlp", "mlp_sizes": [256, 128, 64], "condition_size": 128},
    "hybrid-tiny": {
        "backbone": "hybrid", "hidden_size": 32, "channel_multipliers": [1, 1, 2], "num_residual_blocks": 1,
        "attention_levels": [], "num_attention_heads": 4, "mlp_sizes": [256, 128, 64], "condition_size": 128,
    },
    # One small network a window and nothing between them: what contrastive learning takes unless told otherwise.
    "local-tiny": {"backbone": "local", "hidden_size": 64, "blocks_per_token": 1},
    # The reference's own.
    "transformer": {
        "backbone": "transformer", "hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6,
        "intermediate_size": 1536, "blocks_per_token": 16,
    },
    "unet1d": {"backbone": "unet1d", **_REFERENCE_UNET},
    "unet1d-per-gene": {"backbone": "unet1d", **_REFERENCE_UNET, "block_hidden_size": 64},
    "mlp": {"backbone": "mlp", **_REFERENCE_MLP, "condition_size": 256},
    "hybrid": {"backbone": "hybrid", **_REFERENCE_UNET, **_REFERENCE_MLP},
}  # fmt: skip


# What the reference says its networks have at 18,432 x 8, in millions of parameters.
REFERENCE_MILLIONS = {"transformer": 135, "unet1d": 18.6, "unet1d-per-gene": 38.8, "mlp": 310, "hybrid": 329}

# Every option that some preset sets: choosing one replaces them all.
SIZE_OPTIONS = frozenset(option for options in PRESETS.values() for option in options)


def preset_options(name: str) -> dict[str, Any]:
    """Options of ``GdsConfig`` that a preset stands for.

    Raises
    ------
    UserError
        There is no such preset.
    """
    if name not in PRESETS:
        raise UserError(f"unknown preset {name!r}: {did_you_mean(name, PRESETS)}")
    return dict(PRESETS[name])


def preset_config(
    name: str,
    objective: str,
    *,
    n_blocks: int,
    n_channels: int,
    input_kind: str = "continuous",
    **options: Any,
) -> GdsConfig:
    """Build a configuration from a preset.

    Parameters
    ----------
    name
        Key of ``PRESETS``.
    objective
        ``"diffusion"``, with a timestep; or ``"masked"`` or ``"contrastive"``, with mask channels. Masked models
        of tokens are trained slot by slot at every ratio, so that they generate, unless the options say otherwise.
    n_blocks, n_channels
        Shape of the data.
    input_kind
        ``"continuous"`` or ``"tokens"``.
    **options
        Any option of ``GdsConfig``, over the preset's.

    Raises
    ------
    UserError
        The preset, the objective or an option is unknown, or the preset does not fit the data's shape.
    """
    preset = preset_options(name)
    if objective not in OBJECTIVES:
        raise UserError(f"unknown objective {objective!r}: {did_you_mean(objective, OBJECTIVES)}")
    chosen = {**preset, "n_blocks": n_blocks, "n_channels": n_channels, "input_kind": input_kind}
    if objective == "diffusion":
        chosen["use_timestep"] = True
    elif input_kind == "continuous":
        chosen["mask_channels"] = True
    elif objective == "masked":
        chosen.update(_MASKED_GENERATOR)
    return GdsConfig(**{**chosen, **options})
