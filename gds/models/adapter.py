"""A model that is another one with a small change: a PEFT adapter, merged into what it adapts when it is loaded."""

from pathlib import Path
from typing import Any

from gds.errors import UserError, require_extra
from gds.files import read_json
from gds.repository import ADAPTER_CONFIG, ADAPTER_WEIGHTS, local_folder

# Methods that are low-rank updates of layers; others may name code or need more files.
METHODS = ("LORA",)


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter rather than a whole model."""
    return (folder / ADAPTER_CONFIG).is_file()


def read_adapter_config(folder: Path) -> dict[str, Any]:
    """Content of ``adapter_config.json``.

    Raises
    ------
    UserError
        It is no LoRA adapter, or does not say of what.
    """
    content = read_json(folder / ADAPTER_CONFIG)
    if (found := content.get("peft_type")) not in METHODS:
        raise UserError(f"{folder}: expected an adapter of type {', '.join(METHODS)}, found {found!r}")
    if not content.get("base_model_name_or_path"):
        raise UserError(f"{folder}: {ADAPTER_CONFIG} does not say what it adapts (base_model_name_or_path)")
    return content


def base_folder(folder: Path, **where: Any) -> Path:
    """The folder of what an adapter adapts; ``where`` are arguments of :func:`gds.repository.local_folder`.

    Raises
    ------
    UserError
        There is none.
    """
    content = read_adapter_config(folder)
    where = {name: value for name, value in where.items() if name not in ("revision", "subfolder")}
    return local_folder(content["base_model_name_or_path"], revision=content.get("revision"), **where)


def merged(model: Any, folder: Path) -> Any:
    """The model with the adapter in ``folder`` added to its weights; its class stays what it is.

    Raises
    ------
    UserError
        PEFT is not installed, or the adapter is not one of this network.
    """
    peft = require_extra("peft", "peft")
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise UserError(f"{folder} has no {ADAPTER_WEIGHTS}: an adapter in any other format is not read")
    try:
        return peft.PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
    except (RuntimeError, ValueError, KeyError) as error:
        raise UserError(f"{folder}: the adapter is not one of this network ({error})") from error
