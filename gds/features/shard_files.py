"""One shard of a fit as a safetensors file: whole or absent, and it says which fit it belongs to."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from gds.errors import UserError
from gds.features import storage
from gds.features.block_range import FEATURES, BlockRange
from gds.files import atomic_path


def shard_edges(n_blocks: int, n_shards: int, shard: int) -> tuple[int, int]:
    """First block of a shard, and of the next."""
    return n_blocks * shard // n_shards, n_blocks * (shard + 1) // n_shards


def shard_path(folder: Path, shard: int, n_shards: int) -> Path:
    """Where a shard lies."""
    return folder / f"shard-{shard:05d}-of-{n_shards:05d}.safetensors"


def write_shard(path: Path, plan: str, part: BlockRange) -> None:
    """Each array's blocks end to end, and beside them their shapes."""
    from safetensors.numpy import save_file

    tensors = {}
    for name in part.pieces[0]:
        arrays = [np.asarray(piece[name]) for piece in part.pieces]
        tensors[name] = np.concatenate([array.reshape(-1) for array in arrays])
        tensors[f"{name}.shape"] = np.array([array.shape for array in arrays], dtype=np.int64)
    about = {
        "plan": plan,
        "start": part.start,
        "stop": part.stop,
        "n_training_samples": part.n_training_samples,
    }
    with atomic_path(path) as temporary:
        # One entry: safetensors writes several in an order that changes from run to run.
        save_file(tensors, temporary, metadata={"shard": storage.canonical(about).decode()})


def _about(path: Path) -> dict[str, Any] | None:
    """A shard's own words; None where there is no whole file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return json.loads((file.metadata() or {}).get("shard", "null"))
    except (FileNotFoundError, SafetensorError):
        return None


def is_finished(path: Path, plan: str, start: int, stop: int) -> bool:
    """Whether a whole file lies there, of this plan and of these blocks."""
    about = _about(path)
    return about is not None and (about["plan"], about["start"], about["stop"]) == (plan, start, stop)


def read_shard(path: Path, *, features: bool) -> BlockRange:
    """A shard's people's features, or else what was learned."""
    from safetensors import safe_open

    about = _about(path)
    if about is None:
        raise UserError(f"{path} was there a moment ago and is not any more: run the sharded fit again")
    n_blocks = about["stop"] - about["start"]
    pieces: list[dict[str, np.ndarray]] = [{} for _ in range(n_blocks)]
    with safe_open(path, framework="numpy") as file:
        names = [name for name in file.keys() if not name.endswith(".shape")]  # noqa: SIM118
        for name in [name for name in names if (name == FEATURES) == features]:
            shapes, values = file.get_tensor(f"{name}.shape"), file.get_tensor(name)
            ends = np.cumsum(np.prod(shapes, axis=1, dtype=np.int64))
            for piece, part, shape in zip(pieces, np.split(values, ends[:-1]), shapes, strict=True):
                piece[name] = part.reshape(shape)
    return BlockRange(about["start"], about["stop"], about["n_training_samples"], pieces)
