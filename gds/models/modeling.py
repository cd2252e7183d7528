"""The encoder as a transformers model."""

import inspect
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.utils import logging

from gds.errors import UserError
from gds.models.adapter import base_folder, is_adapter, merged
from gds.models.backbones import BACKBONES
from gds.models.backbones.hybrid import HybridBackbone
from gds.models.backbones.transformer import TransformerBackbone, TransformerLayer
from gds.models.conditioning import ConditionEmbedding
from gds.models.configuration import GdsConfig
from gds.models.embedding import BlockLinear, CellEmbedding, ScaledLinear, ZeroConv1d, ZeroLinear
from gds.models.outputs import EncoderOutput
from gds.repository import PushesThroughOneDoor, local_folder, refuse_upload

_WHERE = tuple(inspect.signature(local_folder).parameters)[1:]


class GdsPreTrainedModel(PushesThroughOneDoor, PreTrainedModel):
    """What the encoder and the heads share: initial weights, strict loading, one way to the hub.

    Attributes
    ----------
    source_folder
        The local folder, or the cached one of the hub, that the weights were loaded from; None for new ones.
    """

    source_folder: Path | None = None

    config_class = GdsConfig
    base_model_prefix = "gds"
    main_input_name = "features"
    supports_gradient_checkpointing = True
    _supports_sdpa = True

    def __init__(self, config: GdsConfig) -> None:
        config.check()
        super().__init__(config)
        # Only layers that exist: FSDP refuses names that it cannot find.
        self._no_split_modules = list(BACKBONES[config.backbone].layers_to_shard)

    @property
    def n_label_classes(self) -> int:
        """Number of classes that ``labels`` may name; 0 where labels are not looked at."""
        return self.config.n_condition_classes

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        # Only through transformers.initialization, which leaves loaded weights alone.
        if isinstance(module, BlockLinear):
            if module.zero:
                init.zeros_(module.weight)
                init.zeros_(module.bias)
            else:
                init.normal_(module.weight, std=module.weight.shape[1] ** -0.5)
                init.normal_(module.bias, std=self.config.initializer_range)
        elif isinstance(module, (ZeroLinear, ZeroConv1d)):
            init.zeros_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, (ScaledLinear, nn.Conv1d)):
            init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
            init.zeros_(module.bias)
        elif isinstance(module, HybridBackbone):
            if module.mixing_logit is not None:
                init.zeros_(module.mixing_logit)
        elif isinstance(module, TransformerLayer):
            if module.modulation is not None:
                init.zeros_(module.modulation)
        elif isinstance(module, TransformerBackbone):
            if module.class_token is not None:
                init.normal_(module.class_token, std=self.config.initializer_range)
        elif isinstance(module, GdsModel):
            init.zeros_(module.is_padding)
        else:
            super()._init_weights(module)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *model_args: Any, **kwargs: Any) -> Any:
        """Load a model, strictly: only the weights of a new or another head may differ.

        The signature is that of ``transformers.PreTrainedModel.from_pretrained``; the name is that of a folder
        or of a repository on the hub, ``organisation/name[@revision][/folder]``.

        Raises
        ------
        UserError
            There is no such folder or repository; a weight of the encoder is missing, unknown or of another
            shape, or the head's weights are missing although the folder claims to hold this very class;
            weights are asked for that are no safetensors.
        """
        return_info = kwargs.pop("output_loading_info", False)
        if kwargs.setdefault("use_safetensors", True) is not True:
            raise UserError(
                "use_safetensors=False: weights in pickles are never loaded, because they can run code"
            )
        where = {name: kwargs.pop(name) for name in _WHERE if kwargs.get(name) is not None}
        # The Auto classes have followed an adapter to its base already: back to the adapter.
        told = kwargs.pop("adapter_kwargs", None) or {}
        if told.get("_adapter_model_path") is not None:
            pretrained_model_name_or_path = told["_adapter_model_path"]
            where["revision"] = told.get("revision")
        folder = None
        if pretrained_model_name_or_path is not None:
            folder = local_folder(pretrained_model_name_or_path, **where)
        if folder is not None and is_adapter(folder):
            kwargs["config"] = cls.config_class.from_pretrained(folder)
            kwargs["config"].architectures = None  # the head comes with the adapter
            base = super().from_pretrained(base_folder(folder, **where), *model_args, **kwargs)
            model = merged(base, folder)
            model.config.architectures = [cls.__name__]
            model.source_folder = folder
            return (model, {}) if return_info else model
        # transformers' own table of differing weights says "can be ignored"; the check below decides instead.
        verbosity = logging.get_verbosity()
        logging.set_verbosity_error()
        try:
            model, info = super().from_pretrained(folder, *model_args, output_loading_info=True, **kwargs)
        finally:
            logging.set_verbosity(verbosity)
        prefix = f"{cls.base_model_prefix}."
        has_head = hasattr(model, cls.base_model_prefix)
        missing = set(info["missing_keys"])
        if has_head and cls.__name__ not in (model.config.architectures or []):
            missing = {key for key in missing if key.startswith(prefix)}
        # transformers itself refuses other shapes unless the caller said ignore_mismatched_sizes=True,
        # which may remake a head (another number of labels) but never a part of the encoder.
        mismatched = {item[0] if isinstance(item, tuple) else item for item in info["mismatched_keys"]}
        missing |= {key for key in mismatched if not has_head or key.startswith(prefix)}
        unexpected = {key for key in info["unexpected_keys"] if not has_head or key.startswith(prefix)}
        if not has_head:
            # The encoder alone leaves any head behind; heads are known by their names.
            unexpected = {key for key in unexpected if not key.split(".")[0].endswith("_head")}
        for problem, keys in (("lacks", missing), ("has unknown", unexpected)):
            if keys:
                shown = ", ".join(sorted(keys)[:5])
                raise UserError(
                    f"{pretrained_model_name_or_path} does not fit {cls.__name__}: it {problem} {len(keys)} "
                    f"weights ({shown}{', ...' if len(keys) > 5 else ''}); config.json and model.safetensors "
                    "must come from the same run"
                )
        model.source_folder = folder
        return (model, info) if return_info else model

    def save_pretrained(
        self, save_directory: str | os.PathLike, *args: Any, push_to_hub: bool = False, **kwargs: Any
    ) -> None:
        """As transformers does; ``push_to_hub`` is a verb of its own here."""
        if push_to_hub:
            refuse_upload()
        super().save_pretrained(save_directory, *args, **kwargs)


class GdsModel(GdsPreTrainedModel):
    """The encoder: features of blocks to tokens and a pooled vector.

    ``is_padding``, bool (block, channel), marks cells that exist only to fill the tensor. It travels with
    the weights; set it once with ``set_padding`` from the featurizer.
    """

    is_padding: Tensor

    def __init__(self, config: GdsConfig) -> None:
        super().__init__(config)
        self.register_buffer("is_padding", torch.zeros(config.n_blocks, config.n_channels, dtype=torch.bool))
        self.embedding = CellEmbedding(config)
        self.condition = ConditionEmbedding(config) if config.has_condition else None
        self.backbone = BACKBONES[config.backbone](config, self.embedding.out_size)
        self.post_init()

    @property
    def pooled_size(self) -> int:
        """Width of ``pooler_output``."""
        return self.backbone.pooled_size

    def set_padding(self, is_padding: Any) -> None:
        """Declare the padding cells.

        Parameters
        ----------
        is_padding
            bool (block, channel), array or tensor.

        Raises
        ------
        UserError
            Another shape than the configuration's, or nothing but padding.
        """
        mask = torch.as_tensor(is_padding, dtype=torch.bool)
        if mask.shape != self.is_padding.shape:
            raise UserError(
                f"expected a padding mask of {tuple(self.is_padding.shape)} (blocks, channels), found "
                f"{tuple(mask.shape)}: the features were prepared for another model"
            )
        if mask.all():
            raise UserError("every cell is padding: there is nothing to learn from")
        self.is_padding.copy_(mask)

    def forward(
        self,
        features: Tensor,
        timestep: Tensor | None = None,
        class_labels: Tensor | None = None,
        is_masked: Tensor | None = None,
    ) -> EncoderOutput:
        """Encode.

        Parameters
        ----------
        features
            (batch, block, channel): float scores, or int8 dosages 0, 1, 2 with -1 missing.
        timestep
            int64 (batch,); None for ``config.encode_timestep``. Ignored by an encoder without a timestep,
            so that its user need not know how it was trained.
        class_labels
            int64 (batch,), the class to condition on, -100 for none; None for none at all.
        is_masked
            bool (batch, block, channel), cells to hide; None for none.

        Returns
        -------
        EncoderOutput
            ``last_hidden_state`` (batch, token, hidden), ``pooler_output`` (batch, pooled_size) and what heads need.

        Raises
        ------
        UserError
            Features of another shape, masked cells without mask channels, or a class where none is
            configured.
        """
        config = self.config
        if features.shape[1:] != self.is_padding.shape:
            raise UserError(
                f"expected features of shape (batch, {config.n_blocks}, {config.n_channels}), found "
                f"{tuple(features.shape)}: the features were prepared for another model"
            )
        if is_masked is not None and config.input_kind == "continuous" and not config.mask_channels:
            raise UserError("this encoder has no mask channels: set mask_channels=True for masked modelling")
        if class_labels is not None and config.n_condition_classes == 0:
            raise UserError("this model is unconditional (n_condition_classes is 0): give no class")
        dtype = next(self.backbone.parameters()).dtype
        cells = self.embedding.cells(features, is_masked, self.is_padding, dtype)
        condition = None
        if self.condition is not None:
            if timestep is None:
                timestep = torch.full((len(features),), config.encode_timestep, device=features.device)
            condition = self.condition(timestep, class_labels, dtype)
        tokens, pooled = self.backbone(self.embedding(cells), condition)
        return EncoderOutput(last_hidden_state=tokens, pooler_output=pooled, cells=cells, condition=condition)
