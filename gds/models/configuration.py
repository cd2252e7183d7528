"""What a model is: one configuration for every backbone and every head."""

import os
from typing import Any, Literal, NoReturn, Self

from transformers import PreTrainedConfig

import gds
from gds.errors import UserError, did_you_mean
from gds.repository import refuse_upload

INPUT_KINDS = ("continuous", "tokens")
POOLINGS = ("mean", "cls")
PREDICTION_TYPES = ("epsilon", "v_prediction", "sample")
BETA_SCHEDULES = ("squaredcos_cap_v2", "linear", "scaled_linear")
SAMPLERS = ("ancestral", "dpm-solver++")
MASK_UNITS = ("block", "slot")

# What PreTrainedConfig itself takes beside the fields: everything else is a typing mistake.
_BASE_KEYS = {
    "num_labels", "name_or_path", "model_type", "torch_dtype", "attn_implementation", "output_attentions",
    "experts_implementation", "use_cache", "tie_word_embeddings", "quantization_config", "per_layer_config",
    "pruned_heads", "problem_type", "tie_encoder_decoder", "add_cross_attention", "is_decoder",
}  # fmt: skip


class GdsConfig(PreTrainedConfig):
    """Configuration of the encoder and of its heads.

    The defaults are the reference transformer at 18,432 blocks of 8 components.

    Parameters
    ----------
    input_kind
        ``"continuous"`` (component scores of GenePCA) or ``"tokens"`` (dosages of GeneTokens).
    n_blocks
        Number of blocks (genes or windows).
    n_channels
        Components or slots per block.
    mask_channels
        Whether a continuous input carries an is_masked channel beside every component, which masked
        modelling needs. Tokens always have one per slot.
    backbone
        Key of ``gds.models.backbones.BACKBONES``.
    block_hidden_size
        Width of every block's own dense layers before and after the backbone; None for none.
    neighbour_reach
        Blocks on each side whose cells a diffusion or masked model also uses directly, past the backbone, by a dense
        layer of every block's own (0: the block's cells alone); None for no such layer (see ``NeighbourHead``).
    hidden_size
        Width of the backbone's tokens.
    num_hidden_layers, num_attention_heads, intermediate_size, blocks_per_token, pooling
        The transformer: layers, heads, width of the feed-forward part, blocks to a token, ``"mean"`` or
        ``"cls"``.
    hidden_dropout, attention_dropout, classifier_dropout
        Probabilities.
    channel_multipliers, num_residual_blocks, attention_levels
        The 1D U-Net: width of each level as a multiple of ``hidden_size``, residual blocks a level, levels
        (0 is the finest) that have attention.
    mlp_sizes
        The MLP U-Net: widths from the input to the middle.
    condition_size
        Width of the condition's embedding; None for ``hidden_size``.
    film
        Whether the condition scales and shifts the features of the U-Nets' residual blocks; otherwise it
        only shifts them. The transformer is always scaled, shifted and gated.
    use_timestep
        Whether the encoder is told the noise level.
    encode_timestep
        Timestep assumed when the encoder is used without one.
    n_condition_classes
        Number of classes that generation can be conditioned on; 0 for an unconditional model. One more
        embedding, the null class, stands for people without a label.
    label_dropout
        Probability with which a training person's label is replaced by the null class.
    num_train_timesteps, beta_schedule, prediction_type
        The noise schedule and what the network's output means, in the words of diffusers.
    precondition
        Whether the network predicts what remains after closed-form shrinkage (see ``GdsForDiffusion``).
    sampler
        Default sampler of the generator: ``"ancestral"`` or ``"dpm-solver++"``.
    num_inference_steps
        Default number of sampling steps; None for all timesteps (ancestral) or 30 (DPM-Solver++).
    mask_ratio
        Probability that a unit is masked: a number, or ``[low, high]`` for a uniform draw per sample.
    mask_unit
        ``"block"``: all of a block at once; ``"slot"``: every cell on its own.
    additive_dosage
        Whether a heterozygous token is embedded halfway between the two homozygous ones: for models that are
        trained on single haplotypes, which are never heterozygous, and are to read people.
    contrastive_temperature
        What similarities of a contrastive model's views are divided by.
    projection_size
        Width of the contrastive head's projection; None to compare pooled embeddings themselves.
    initializer_range
        Standard deviation of the initial weights of layers that all positions share.

    Raises
    ------
    UserError
        An unknown option, a value out of range or a combination that cannot work.
    """

    model_type = "gds"

    input_kind: str = "continuous"
    n_blocks: int = 18_432
    n_channels: int = 8
    mask_channels: bool = False

    backbone: str = "transformer"
    block_hidden_size: int | None = None
    neighbour_reach: int | None = None
    hidden_size: int = 384
    num_hidden_layers: int = 12
    num_attention_heads: int = 6
    intermediate_size: int = 1536
    blocks_per_token: int = 16
    pooling: str = "mean"
    hidden_dropout: float = 0.0
    attention_dropout: float = 0.0
    classifier_dropout: float = 0.1

    channel_multipliers: list[int] | tuple[int, ...] = (1, 1, 1, 1, 2, 2, 3, 4)
    num_residual_blocks: int = 3
    attention_levels: list[int] | tuple[int, ...] = (5, 6)
    mlp_sizes: list[int] | tuple[int, ...] = (1024, 512, 256)

    condition_size: int | None = None
    film: bool = True
    use_timestep: bool = False
    encode_timestep: int = 0
    n_condition_classes: int = 0
    label_dropout: float = 0.1

    num_train_timesteps: int = 500
    beta_schedule: str = "squaredcos_cap_v2"
    prediction_type: str = "epsilon"
    precondition: bool = True
    sampler: str = "ancestral"
    num_inference_steps: int | None = None

    mask_ratio: float | list[float] | tuple[float, float] = 0.7
    mask_unit: str = "block"

    additive_dosage: bool = False
    contrastive_temperature: float = 0.1
    projection_size: int | None = None

    problem_type: Literal["single_label_classification"] | None = None
    initializer_range: float = 0.02

    def __post_init__(self, **kwargs: Any) -> None:
        for name in kwargs:
            if name not in _BASE_KEYS and not name.startswith("_"):
                known = [field for field in self.__dataclass_fields__ if not field.startswith("_")]
                raise UserError(f"unknown model option {name!r}: {did_you_mean(name, known)}")
        super().__post_init__(**kwargs)
        self.check()

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Self:
        """From the content of ``config.json``; the signature is that of ``transformers.PreTrainedConfig``.

        Raises
        ------
        UserError
            The file has options that this version does not know.
        """
        known = {*cls.__dataclass_fields__, *_BASE_KEYS}
        unknown = sorted(key for key in config_dict if key not in known and not key.startswith("_"))
        if unknown:
            raise UserError(
                f"config.json has options that gds {gds.__version__} does not know ({', '.join(unknown[:5])}): it was "
                "written by another version; install the one that run.json beside it names, or the newest"
            )
        return super().from_dict(config_dict, **kwargs)

    def save_pretrained(
        self, save_directory: str | os.PathLike, push_to_hub: bool = False, **kwargs: Any
    ) -> None:
        """As transformers does, but to a folder only."""
        if push_to_hub:
            refuse_upload()
        super().save_pretrained(save_directory, **kwargs)

    def push_to_hub(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: a configuration is published with its model."""
        refuse_upload()

    @property
    def channels_per_block(self) -> int:
        """Width of one block as the backbone or the block's own layer sees it."""
        if self.input_kind == "tokens":
            return 4 * self.n_channels  # one-hot of 0, 1, 2 and is_masked
        return (2 if self.mask_channels else 1) * self.n_channels

    @property
    def has_condition(self) -> bool:
        """Whether the encoder takes a timestep or a class."""
        return self.use_timestep or self.n_condition_classes > 0

    @property
    def condition_width(self) -> int:
        """Width of the condition's embedding."""
        return self.condition_size or self.hidden_size

    @property
    def mask_ratio_range(self) -> tuple[float, float]:
        """Lowest and highest mask ratio."""
        if isinstance(self.mask_ratio, (int, float)):
            return float(self.mask_ratio), float(self.mask_ratio)
        low, high = self.mask_ratio
        return float(low), float(high)

    def check(self) -> None:
        """Raise UserError for a value out of range or a combination that cannot work."""
        # Here, not at the top: the backbones are built from configurations and import this module.
        from gds.models.backbones import BACKBONES

        choices = {
            "input_kind": INPUT_KINDS, "pooling": POOLINGS, "prediction_type": PREDICTION_TYPES,
            "beta_schedule": BETA_SCHEDULES, "sampler": SAMPLERS, "mask_unit": MASK_UNITS,
            "backbone": tuple(BACKBONES),
        }  # fmt: skip
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise UserError(
                    f"{name}: expected one of {', '.join(map(repr, allowed))}, found {getattr(self, name)!r}"
                )
        for name in (
            "n_blocks", "n_channels", "hidden_size", "num_hidden_layers", "num_attention_heads",
            "intermediate_size", "blocks_per_token", "num_residual_blocks", "num_train_timesteps",
        ):  # fmt: skip
            self._check_integer(name, 1)
        for name in ("encode_timestep", "n_condition_classes"):
            self._check_integer(name, 0)
        for name, least in (
            ("block_hidden_size", 1), ("condition_size", 1), ("num_inference_steps", 1), ("projection_size", 1),
            ("neighbour_reach", 0),
        ):  # fmt: skip
            if getattr(self, name) is not None:
                self._check_integer(name, least)
        for name in ("hidden_dropout", "attention_dropout", "classifier_dropout", "label_dropout"):
            self._check_probability(name, getattr(self, name))
        if not isinstance(self.mask_ratio, (int, float)) and len(self.mask_ratio) != 2:
            raise UserError(f"mask_ratio: expected a number or [low, high], found {self.mask_ratio!r}")
        low, high = self.mask_ratio_range
        self._check_probability("mask_ratio", low)
        self._check_probability("mask_ratio", high)
        if low > high:
            raise UserError(f"mask_ratio: expected 0 <= low <= high, found {self.mask_ratio!r}")
        if not self.contrastive_temperature > 0:
            raise UserError(
                f"contrastive_temperature: expected a number above 0, found {self.contrastive_temperature!r}"
            )
        if self.additive_dosage and self.input_kind != "tokens":
            raise UserError("additive_dosage is for tokens: component scores are additive already")
        if self.encode_timestep >= self.num_train_timesteps:
            raise UserError(
                f"encode_timestep: expected less than num_train_timesteps, {self.num_train_timesteps}, found "
                f"{self.encode_timestep} (0 is the clean end)"
            )
        if self.num_inference_steps is not None and self.num_inference_steps > self.num_train_timesteps:
            raise UserError(
                f"num_inference_steps {self.num_inference_steps} exceeds num_train_timesteps "
                f"{self.num_train_timesteps}: lower it"
            )
        if self.input_kind == "tokens" and self.mask_channels:
            raise UserError("mask_channels is for continuous input: tokens have a mask channel already")
        BACKBONES[self.backbone].check_config(self)

    def _check_integer(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise UserError(f"{name}: expected a whole number of at least {least}, found {value!r}")

    def _check_probability(self, name: str, value: object) -> None:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
            raise UserError(f"{name}: expected a probability between 0 and 1, found {value!r}")
