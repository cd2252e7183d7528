"""A featurizer on disk: ``preprocessor_config.json`` and ``preprocessor.safetensors``; strict, and no
pickle."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import gds
from gds.errors import UserError
from gds.files import atomic_path, read_json, write_json
from gds.genotypes.blocks import Blocks

CONFIG_NAME = "preprocessor_config.json"
TENSOR_NAME = "preprocessor.safetensors"
FORMAT_VERSION = 1
_DESCRIPTION = {
    "feature_extractor_type", "format_version", "gds_version", "kind", "parameters", "n_training_samples",
    "axes", "fingerprint",
}  # fmt: skip

# Columns of text are UTF-8 lines in one uint8 tensor: compact, and nothing to unpickle.
_VARIANT_TEXT = ("chromosome", "id", "effect_allele", "other_allele")
_BLOCK_TEXT = ("name", "chromosome")
_BLOCK_NUMBERS = {
    "start": ("int64", "block"),
    "end": ("int64", "block"),
    "variant_index": ("int64", "slot"),
}


def canonical(value: Any) -> bytes:
    """One spelling of a JSON value, for hashing."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def save(directory: str | Path, description: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
    """Write both files, each whole or not at all; the JSON last, so that a folder that has it is complete."""
    from safetensors.numpy import save_file

    directory = Path(directory)
    with atomic_path(directory / TENSOR_NAME) as temporary:
        save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, temporary)
    versions = {"format_version": FORMAT_VERSION, "gds_version": gds.__version__}
    write_json(directory / CONFIG_NAME, description | versions)


def load(directory: str | Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read both files.

    Raises
    ------
    UserError
        A file is missing, is not what it should be, or was written in another format version.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    directory = Path(directory)
    description = read_json(directory / CONFIG_NAME)
    if not isinstance(description, dict) or description.get("feature_extractor_type") != "Featurizer":
        raise UserError(f"{directory / CONFIG_NAME} does not describe a featurizer of gds")
    if description.get("format_version") != FORMAT_VERSION:
        found, writer = description.get("format_version"), description.get("gds_version")
        raise UserError(
            f"{directory / CONFIG_NAME}: expected format version {FORMAT_VERSION}, found {found}: "
            f"use the version of gds that wrote it ({writer})"
        )
    if set(description) != _DESCRIPTION:
        odd = sorted(set(description) ^ _DESCRIPTION)
        raise UserError(f"{directory / CONFIG_NAME}: missing or unexpected entries {odd}")
    path = directory / TENSOR_NAME
    if not path.is_file():
        raise UserError(f"{path} does not exist")
    try:
        return description, load_file(path)
    except SafetensorError as error:
        raise UserError(f"{path} is damaged: {error}") from error


def check_tensors(
    directory: str | Path, tensors: dict[str, np.ndarray], expected: dict[str, tuple[str, tuple[int, ...]]]
) -> None:
    """Compare names, dtypes and shapes with what they must be, and refuse NaN.

    Raises
    ------
    UserError
        Something differs.
    """
    path = Path(directory) / TENSOR_NAME
    if missing := sorted(set(expected) - set(tensors)):
        raise UserError(f"{path}: missing tensors {missing}")
    if unexpected := sorted(set(tensors) - set(expected)):
        raise UserError(f"{path}: unexpected tensors {unexpected}")
    for name, (dtype, shape) in expected.items():
        array = tensors[name]
        if str(array.dtype) != dtype or array.shape != tuple(shape):
            raise UserError(
                f"{path}: expected {name} of type {dtype} and shape {tuple(shape)}, "
                f"found {array.dtype} and {array.shape}"
            )
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise UserError(f"{path}: {name} holds NaN")


def table_tensors(
    length: dict[str, int], tensors: dict[str, np.ndarray]
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Dtypes and shapes of the tensors that hold variants and blocks; texts are as long as they are."""
    texts = [f"variant_{name}" for name in _VARIANT_TEXT] + [f"block_{name}" for name in _BLOCK_TEXT]
    return {
        "variant_position": ("int64", (length["variant"],)),
        "block_offset": ("int64", (length["block"] + 1,)),
        **{f"block_{name}": (dtype, (length[axis],)) for name, (dtype, axis) in _BLOCK_NUMBERS.items()},
        **{name: ("uint8", (tensors[name].size if name in tensors else 0,)) for name in texts},
    }


def pack_variants(variants: pd.DataFrame) -> dict[str, np.ndarray]:
    """Tensors of a variant table."""
    packed = {f"variant_{name}": _pack_text(variants[name].to_numpy()) for name in _VARIANT_TEXT}
    packed["variant_position"] = variants["position"].to_numpy(dtype=np.int64)
    return packed


def unpack_variants(directory: str | Path, tensors: dict[str, np.ndarray], n_variants: int) -> pd.DataFrame:
    """The variant table of its tensors."""
    columns: dict[str, Any] = {
        name: _unpack_text(directory, f"variant_{name}", tensors, n_variants) for name in _VARIANT_TEXT
    }
    columns["position"] = tensors["variant_position"]
    return pd.DataFrame(columns)[["chromosome", "position", "id", "effect_allele", "other_allele"]]


def pack_blocks(blocks: Blocks) -> dict[str, np.ndarray]:
    """Tensors of blocks."""
    packed = {f"block_{name}": _pack_text(getattr(blocks, name)) for name in _BLOCK_TEXT}
    for name in (*_BLOCK_NUMBERS, "offset"):
        packed[f"block_{name}"] = np.asarray(getattr(blocks, name), dtype=np.int64)
    return packed


def unpack_blocks(directory: str | Path, tensors: dict[str, np.ndarray], axes: dict[str, int]) -> Blocks:
    """The blocks of their tensors.

    Raises
    ------
    UserError
        An index points outside the variant table.
    """
    index, offset = tensors["block_variant_index"], tensors["block_offset"]
    inside = not index.size or (index.min() >= 0 and index.max() < axes["variant"])
    if not inside or offset[0] != 0 or offset[-1] != index.size or (np.diff(offset) < 0).any():
        raise UserError(f"{Path(directory) / TENSOR_NAME}: blocks point outside the variants")
    texts = {
        name: np.array(_unpack_text(directory, f"block_{name}", tensors, axes["block"]))
        for name in _BLOCK_TEXT
    }
    return Blocks(
        name=texts["name"],
        chromosome=texts["chromosome"],
        start=tensors["block_start"],
        end=tensors["block_end"],
        variant_index=index,
        offset=offset,
    )


def _pack_text(values: np.ndarray) -> np.ndarray:
    texts = [str(value) for value in values]
    if any("\n" in text for text in texts):
        raise UserError("the name of a variant or block holds a line break")
    return np.frombuffer("\n".join(texts).encode(), dtype=np.uint8)


def _unpack_text(directory: str | Path, name: str, tensors: dict[str, np.ndarray], count: int) -> list[str]:
    texts = tensors[name].tobytes().decode().split("\n") if count else []
    if len(texts) != count:
        raise UserError(
            f"{Path(directory) / TENSOR_NAME}: expected {count} entries in {name}, found {len(texts)}"
        )
    return texts
