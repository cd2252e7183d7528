"""What a pre-training run may be told: sections, defaults, files, overrides on the command line."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from gds.errors import UserError, did_you_mean
from gds.models.presets import SIZE_OPTIONS, preset_options
from gds.training.private.settings import check_privacy_keys

DECIDED_BY_DATA = {"input_kind", "n_blocks", "n_channels", "mask_channels"}

# What each objective starts from; a config file or an override changes any key of it.
DEFAULTS: dict[str, dict[str, Any]] = {
    "diffusion": {
        "preset": "transformer-mini",
        "features": {"kind": "pca", "n_components": 8, "blocks": None},
        "model": {
            "use_timestep": True,
            "prediction_type": "v_prediction",
            "sampler": "dpm-solver++",
            "neighbour_reach": 1,
        },
    },
    "masked": {
        "preset": "transformer-mini-tokens",
        "features": {"kind": "tokens", "max_slots": 64, "blocks": None},
        "model": {
            "mask_ratio": [0.0, 1.0],
            "mask_unit": "slot",
        },
        "training": {"num_train_epochs": 20},
    },
    "contrastive": {
        "preset": "local-tiny",
        "features": {"kind": "tokens", "max_slots": 64, "blocks": None, "phased": None},
        "model": {"mask_ratio": 0.0, "mask_unit": "block", "contrastive_temperature": 0.2},
        "training": {"num_train_epochs": 40, "per_device_train_batch_size": 128},
    },
}
# transformers.TrainingArguments; every field of theirs may be set under `training`.
TRAINING: dict[str, Any] = {
    "num_train_epochs": 30,
    "per_device_train_batch_size": 64,
    "per_device_eval_batch_size": 128,
    "learning_rate": 1e-3,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 0.05,
    "weight_decay": 0.01,
    "max_grad_norm": 1.0,
    "logging_steps": 10,
    "eval_strategy": "epoch",
    "save_strategy": "epoch",
    "save_total_limit": 2,
    "report_to": ["tensorboard"],
    "dataloader_drop_last": True,
    "ema_decay": None,
}


@dataclass
class PretrainConfig:
    """One pre-training run.

    Attributes
    ----------
    objective
        ``diffusion`` (denoise gene-wise components), ``masked`` (predict hidden genotypes) or ``contrastive`` (tell
        people apart by what their two haplotypes, or two views, share).
    preset
        Key of :data:`gds.models.presets.PRESETS`: the network and its size.
    features
        Kind, components or slots, and blocks; used when the cohort is not yet prepared.
    model
        Keys of :class:`gds.GdsConfig` other than those the data decide: the preset's and those set over them.
    training
        Keys of :class:`transformers.TrainingArguments`, and ``ema_decay``.
    privacy
        Keys of :class:`gds.training.private.settings.PrivacySettings`; empty for a run without a guarantee.
    """

    objective: str = "diffusion"
    preset: str = ""
    features: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    privacy: dict[str, Any] = field(default_factory=dict)


SECTIONS = ["features", "model", "training", "privacy"]


def load_config(
    path: str | Path | None,
    overrides: Sequence[str] = (),
    objective: str | None = None,
    preset: str | None = None,
    network: dict[str, Any] | None = None,
) -> PretrainConfig:
    """Defaults of the objective, then the file, then a preset, then ``section.key=value`` overrides.

    ``network`` holds the options of a model to start from; they stand in the place of the defaults' own.

    A preset replaces every option of network and size that was set before it; a file's own ``model`` section
    comes after the preset that the file names.

    Raises
    ------
    UserError
        The file is missing or malformed, or a section, key or preset does not exist.
    """
    given = _read_yaml(path) if path is not None else {}
    changes = [_parse_override(text) for text in overrides]
    objective = objective or given.pop("objective", "diffusion")
    given.pop("objective", None)
    if objective not in DEFAULTS:
        raise UserError(f"objective {objective!r}: {did_you_mean(objective, DEFAULTS)}")
    config = PretrainConfig(objective)
    chosen = {} if preset is None else {"preset": preset}
    start = {} if network is None else {"model": network}
    for layer in ({"training": TRAINING}, DEFAULTS[objective], start, given, chosen):
        if "preset" in layer:
            _take_preset(config, layer["preset"], where=str(path or "defaults"))
        for section, values in layer.items():
            if section != "preset":
                _merge(config, section, values, where=str(path or "defaults"))
    for section, key, value in changes:
        _merge(config, section, {key: value}, where=f"override {section}.{key}")
    check_keys(config)
    return config


def _take_preset(config: PretrainConfig, name: Any, where: str) -> None:
    if not isinstance(name, str):
        raise UserError(f"{where}: preset: expected one word, found {name!r}; gds models lists them")
    kept = {key: value for key, value in config.model.items() if key not in SIZE_OPTIONS}
    config.preset, config.model = name, {**kept, **preset_options(name)}


def _read_yaml(path: str | Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(Path(path).read_text())
    except FileNotFoundError as error:
        raise UserError(f"config file {path} does not exist") from error
    except yaml.YAMLError as error:
        raise UserError(f"config file {path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"config file {path}: expected sections ({', '.join(SECTIONS)}), found {content!r}")
    return content


def _parse_override(text: str) -> tuple[str, str, Any]:
    name, equals, value = text.partition("=")
    section, dot, key = name.partition(".")
    if not equals or not dot:
        raise UserError(f"override {text!r}: expected section.key=value, e.g. training.learning_rate=3e-4")
    return section, key, _parse_value(value)


def _parse_value(text: str) -> Any:
    """A YAML value; numbers such as 3e-4, which YAML 1.1 reads as text, become numbers."""
    value = yaml.safe_load(text)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _merge(config: PretrainConfig, section: str, values: Any, where: str) -> None:
    if section not in SECTIONS:
        raise UserError(
            f"{where}: no section {section!r}; {did_you_mean(section, ['objective', 'preset', *SECTIONS])}"
        )
    if not isinstance(values, dict):
        raise UserError(f"{where}: section {section!r} must hold keys, found {values!r}")
    for key, value in values.items():
        if isinstance(value, str):
            value = _parse_value(value)
        if value is False and key.endswith("_strategy"):
            value = "no"  # which YAML 1.1 reads as false
        getattr(config, section)[key] = value


def check_keys(config: PretrainConfig) -> None:
    """Refuse keys that nothing would read.

    Raises
    ------
    UserError
        Names the key and the nearest known ones.
    """
    from transformers import PreTrainedConfig, TrainingArguments

    from gds.models import GdsConfig

    own = set(GdsConfig.__dataclass_fields__) - set(PreTrainedConfig.__dataclass_fields__)
    known = {
        "features": {"kind", "n_components", "max_slots", "blocks", "phased"},
        "model": own - DECIDED_BY_DATA,
        "training": {item.name for item in fields(TrainingArguments)} | {"ema_decay"},
    }
    check_privacy_keys(config.privacy)
    for section, keys in known.items():
        for key in getattr(config, section):
            if key not in keys:
                raise UserError(f"config key {section}.{key} does not exist; {did_you_mean(key, keys)}")
