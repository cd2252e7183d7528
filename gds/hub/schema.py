"""What each file of a model may hold: names, types and shapes that follow from the configuration alone.

A tensor with a row for each person has no place in it, so that one cannot leave by accident.
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from gds.errors import UserError
from gds.features.featurizer import Featurizer
from gds.models import (
    GdsConfig,
    GdsForClassification,
    GdsForContrastive,
    GdsForDiffusion,
    GdsForMaskedModeling,
    GdsModel,
)

ARCHITECTURES: dict[str, Any] = {
    each.__name__: each
    for each in (GdsModel, GdsForDiffusion, GdsForMaskedModeling, GdsForContrastive, GdsForClassification)
}
_SCHEDULERS = ("DDPMScheduler", "DPMSolverMultistepScheduler")
_MOST_HEADER_BYTES = 2**26
_DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
_FLOATS = ("float64", "float32", "float16", "bfloat16")


def architecture_of(config: GdsConfig, folder: str | Path) -> str:
    """Class of a saved model.

    Raises
    ------
    UserError
        It is no model of gds.
    """
    name = (config.architectures or ["none"])[0]
    if name not in ARCHITECTURES:
        raise UserError(
            f"{folder}: config.json says {name}, expected one of {', '.join(ARCHITECTURES)}: save it with "
            "save_pretrained"
        )
    return name


def read_header(path: str | Path) -> tuple[dict[str, tuple[str, tuple[int, ...]]], dict[str, str]]:
    """Tensors of a safetensors file, name to type and shape, and its free text; no weight is read.

    Raises
    ------
    UserError
        It is no safetensors file.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _MOST_HEADER_BYTES:
                raise ValueError(f"a header of {length} bytes")
            header = json.loads(file.read(length))
        text = header.pop("__metadata__", {})
        tensors = {
            name: (_DTYPES.get(entry["dtype"], entry["dtype"]), tuple(entry["shape"]))
            for name, entry in header.items()
        }
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist") from error
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is no safetensors file ({error})") from error
    if path.stat().st_size != 8 + length + end:
        raise UserError(
            f"{path} is {path.stat().st_size} bytes long, but its header speaks of {8 + length + end}"
        )
    return tensors, text


def check_weights(path: str | Path, config: GdsConfig) -> int:
    """Compare a file of weights with what the configuration alone says it must hold.

    Returns
    -------
    int
        Number of values.

    Raises
    ------
    UserError
        A tensor too many, too few, or of another type or shape; text beside the tensors.
    """
    import torch

    # Shapes only: nothing is allocated.
    with torch.device("meta"):
        model = ARCHITECTURES[architecture_of(config, path)](config)
    expected = {
        name: (str(value.dtype).removeprefix("torch."), tuple(value.shape))
        for name, value in model.state_dict().items()
    }
    return compare_tensors(path, expected)


def compare_tensors(path: str | Path, expected: dict[str, tuple[str, tuple[int, ...]]]) -> int:
    """As :func:`check_weights`, for tensors that are given by name: their types (any float for a float) and shapes."""
    found, text = read_header(path)
    if set(text) - {"format"} or text.get("format", "pt") != "pt":
        raise UserError(
            f"{path} carries text beside its weights ({', '.join(sorted(text))}): save the model again"
        )
    for problem, names in (
        ("holds", sorted(set(found) - set(expected))),
        ("lacks", sorted(set(expected) - set(found))),
    ):
        if names:
            shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            raise UserError(
                f"{path} {problem} {len(names)} tensors that config.json does not describe as they are ({shown}): "
                "only weights may leave, and all of them"
            )
    for name, (dtype, shape) in expected.items():
        same = found[name][0] == dtype or (dtype in _FLOATS and found[name][0] in _FLOATS)
        if not same or found[name][1] != shape:
            raise UserError(
                f"{path}: expected {name} of type {dtype} and shape {shape}, found {found[name][0]} and "
                f"{found[name][1]}"
            )
    return sum(int(np.prod(shape)) for _, shape in found.values())


def check_featurizer(
    featurizer: Featurizer, config: GdsConfig, padding: np.ndarray | None, folder: Path
) -> None:
    """Compare a featurizer with the model that it is to feed.

    Parameters
    ----------
    featurizer
        Already checked against its own schema by ``Featurizer.from_pretrained``.
    config
        Of the model.
    padding
        The model's own mask of padding cells, bool (block, channel); None for a model without one.
    folder
        For the message.

    Raises
    ------
    UserError
        They were not made for each other.
    """
    kind = "tokens" if featurizer.kind == "tokens" else "continuous"
    shape = (config.n_blocks, config.n_channels)
    if kind != config.input_kind or featurizer.is_padding_.shape != shape:
        raise UserError(
            f"{folder}: the model expects {config.input_kind} features of {shape} (blocks, channels), but the "
            f"featurizer makes {kind} ones of {featurizer.is_padding_.shape}"
        )
    if padding is not None and not np.array_equal(padding, featurizer.is_padding_):
        raise UserError(
            f"{folder}: the model and the featurizer mark other cells as padding: they are of other runs"
        )


def check_scheduler_file(content: Any, config: GdsConfig, path: Path) -> dict[str, Any]:
    """The content of ``scheduler_config.json`` if it holds settings and nothing else.

    Raises
    ------
    UserError
        It is not of a scheduler that the generator knows, or does not fit the model.
    """
    from gds.models.schedule import check_scheduler

    if not isinstance(content, dict) or content.get("_class_name") not in _SCHEDULERS:
        raise UserError(f"{path}: expected the settings of one of {', '.join(_SCHEDULERS)}")
    check_scheduler(content, config, str(path))
    odd = [
        name for name, value in content.items() if not isinstance(value, (str, int, float, bool, type(None)))
    ]
    if any(content[name] not in ([], {}) for name in odd):
        raise UserError(f"{path}: {', '.join(odd)}: expected single values, as diffusers writes them")
    return content
