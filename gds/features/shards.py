"""A fit shared by processes and machines, through files that can be made again at any time.

::

    FOLDER/plan.json, plan.safetensors         what is fitted: parameters, blocks, variants; no individual's data
    FOLDER/shard-00003-of-00016.safetensors    the fitted arrays of one range of blocks

Every process of ``torchrun`` or ``accelerate launch`` (or of a job array that sets ``RANK`` and ``WORLD_SIZE``)
calls :func:`fit_sharded`; it fits its share of the shards and leaves alone those that are there. A process that
was killed is started again with the same command. :func:`combine_shards` then gives, to the last byte, what
:meth:`Featurizer.fit` would have given.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import gds
from gds.errors import UserError
from gds.features import storage
from gds.features.block_range import BlockRange
from gds.features.featurizer import Featurizer, sample_indices
from gds.features.fitted_state import class_of_kind
from gds.features.streaming import DEFAULT_MEMORY
from gds.files import atomic_path, read_json, sha256, write_json
from gds.genotypes.blocks import Blocks
from gds.genotypes.matrix import Genotypes, GenotypeSource

PLAN_NAME = "plan.json"
_PLAN_TENSORS = "plan.safetensors"
_FORMAT_VERSION = 1


@dataclass(frozen=True)
class ShardReport:
    """What one process did.

    Attributes
    ----------
    fitted
        Numbers of the shards it fitted and wrote.
    found
        Numbers of its shards that were there already.
    """

    fitted: list[int]
    found: list[int]


def fit_sharded(
    featurizer: Featurizer,
    source: GenotypeSource,
    blocks: Blocks,
    samples: np.ndarray | None,
    folder: str | Path,
    *,
    n_shards: int,
    rank: int | None = None,
    world_size: int | None = None,
    inputs: Iterable[str | Path] = (),
    n_jobs: int = 1,
    max_memory: int = DEFAULT_MEMORY,
) -> ShardReport:
    """Fit this process's share of a sharded fit: shards ``rank``, ``rank + world_size``, and so on.

    Parameters
    ----------
    featurizer
        Gives kind and parameters; it is not fitted itself.
    source, blocks, samples, n_jobs, max_memory
        See :meth:`Featurizer.fit`; the same in all processes.
    folder
        Where the shards are written; on a disk that all processes share.
    n_shards
        Into how many ranges the blocks are cut; several for each process, so that little is lost with one.
    rank, world_size
        Which of how many processes this is; None: the environment's ``RANK`` and ``WORLD_SIZE``, or the only one.
    inputs
        Files that the source reads. Their SHA-256 enters the plan, so that shards of files that have changed since
        are refused. Without them only changed tables and parameters are noticed.

    Returns
    -------
    ShardReport
        What was fitted and what was there.

    Raises
    ------
    UserError
        The folder holds shards of another fit, the numbers make no sense, or anything that
        :meth:`Featurizer.fit` refuses.
    """
    folder = Path(folder)
    rank, world_size = _process(rank, world_size)
    if not 1 <= n_shards <= len(blocks):
        raise UserError(f"expected 1 to {len(blocks)} shards (the number of blocks), found {n_shards}")
    people = sample_indices(source, samples)
    plan = _write_plan(folder, featurizer, source, blocks, people, n_shards, inputs)
    edges = np.linspace(0, len(blocks), n_shards + 1).astype(np.int64)
    fitted, found = [], []
    for shard in range(rank, n_shards, world_size):
        path = _shard_path(folder, shard, n_shards)
        start, stop = int(edges[shard]), int(edges[shard + 1])
        if _is_finished(path, plan, start, stop):
            found.append(shard)
            continue
        part = featurizer.fit_range(
            source, blocks, people, start=start, stop=stop, n_jobs=n_jobs, max_memory=max_memory
        )
        _write_shard(path, plan, part)
        fitted.append(shard)
    return ShardReport(fitted, found)


def combine_shards(folder: str | Path) -> Featurizer:
    """The fitted featurizer of a folder's shards; same bytes as :meth:`Featurizer.fit`.

    Raises
    ------
    UserError
        There is no plan, or shards are missing, damaged or of another fit.
    """
    from safetensors.numpy import load_file

    folder = Path(folder)
    description = read_json(folder / PLAN_NAME)
    if description.get("format_version") != _FORMAT_VERSION:
        raise UserError(
            f"{folder / PLAN_NAME}: expected format version {_FORMAT_VERSION}, "
            f"found {description.get('format_version')}: fit again, or use the version of gds that wrote it"
        )
    tensors = load_file(folder / _PLAN_TENSORS)
    variants = storage.unpack_variants(folder, tensors, description["axes"]["variant"])
    blocks = storage.unpack_blocks(folder, tensors, description["axes"])
    n_shards, plan = description["n_shards"], description["fingerprint"]
    edges = np.linspace(0, len(blocks), n_shards + 1).astype(np.int64)
    paths = [_shard_path(folder, shard, n_shards) for shard in range(n_shards)]
    missing = [
        path.name
        for shard, path in enumerate(paths)
        if not _is_finished(path, plan, int(edges[shard]), int(edges[shard + 1]))
    ]
    if missing:
        raise UserError(
            f"{folder}: {len(missing)} of {n_shards} shards are not finished, e.g. {missing[0]}: "
            "run the sharded fit again with the same arguments, it only makes what is missing"
        )
    featurizer = class_of_kind(description["kind"])(**description["parameters"])
    nobody = Genotypes(
        dosage=np.empty((0, len(variants)), dtype=np.int8),
        samples=pd.DataFrame({"id": [], "family": [], "sex": []}),
        variants=variants,
    )
    return featurizer.combine(nobody, blocks, [_read_shard(path) for path in paths])


def _process(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Which of how many processes this is."""
    if (rank is None) != (world_size is None):
        raise UserError("expected both rank and world_size, or neither")
    if rank is None or world_size is None:
        names = ("RANK", "WORLD_SIZE")
        given = [name for name in names if name in os.environ]
        if len(given) == 1:
            raise UserError(
                f"the environment has {given[0]} but not the other of RANK and WORLD_SIZE: set both"
            )
        rank, world_size = (int(os.environ[name]) for name in names) if given else (0, 1)
    if not 0 <= rank < world_size:
        raise UserError(f"expected a rank in 0..{world_size - 1}, found {rank}")
    return rank, world_size


def _write_plan(
    folder: Path,
    featurizer: Featurizer,
    source: GenotypeSource,
    blocks: Blocks,
    people: np.ndarray,
    n_shards: int,
    inputs: Iterable[str | Path],
) -> str:
    """Write what is fitted, or compare it with what is there; its fingerprint."""
    from safetensors.numpy import save_file

    used = np.unique(blocks.variant_index)
    own = Blocks(
        name=blocks.name,
        chromosome=blocks.chromosome,
        start=blocks.start,
        end=blocks.end,
        variant_index=np.searchsorted(used, blocks.variant_index),
        offset=blocks.offset,
    )
    variants = source.variants.iloc[used].reset_index(drop=True)
    tensors = storage.pack_variants(variants) | storage.pack_blocks(own)
    description: dict[str, Any] = {
        "format_version": _FORMAT_VERSION,
        "gds_version": gds.__version__,
        "kind": featurizer.kind,
        "parameters": featurizer.parameters(),
        "n_training_samples": len(people),
        "n_shards": n_shards,
        "axes": {"block": len(blocks), "variant": len(used)},
        "inputs": sorted(sha256(path) for path in inputs),
    }
    digest = hashlib.sha256(storage.canonical(description))
    # Only a hash of who the training people are.
    digest.update("\n".join(source.samples["id"].iloc[people]).encode())
    for name, array in sorted(tensors.items()):
        digest.update(f"\n{name} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    description["fingerprint"] = digest.hexdigest()
    path = folder / PLAN_NAME
    if path.is_file():
        found = read_json(path)
        if found != description:
            differ = sorted(name for name in description if found.get(name) != description[name])
            raise UserError(
                f"{folder} holds shards of another fit (they differ in {', '.join(differ)}): "
                "choose another folder, or delete this one"
            )
        return str(description["fingerprint"])
    # Processes that start together write the same bytes.
    with atomic_path(folder / _PLAN_TENSORS) as temporary:
        save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, temporary)
    write_json(path, description)
    return str(description["fingerprint"])


def _shard_path(folder: Path, shard: int, n_shards: int) -> Path:
    return folder / f"shard-{shard:05d}-of-{n_shards:05d}.safetensors"


def _write_shard(path: Path, plan: str, part: BlockRange) -> None:
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


def _is_finished(path: Path, plan: str, start: int, stop: int) -> bool:
    about = _about(path)
    return about is not None and (about["plan"], about["start"], about["stop"]) == (plan, start, stop)


def _read_shard(path: Path) -> BlockRange:
    from safetensors.numpy import load_file

    about = _about(path)
    if about is None:
        raise UserError(f"{path} was there a moment ago and is not any more: run the sharded fit again")
    tensors = load_file(path)
    n_blocks = about["stop"] - about["start"]
    pieces: list[dict[str, np.ndarray]] = [{} for _ in range(n_blocks)]
    for name in [name for name in tensors if not name.endswith(".shape")]:
        shapes = tensors[f"{name}.shape"]
        ends = np.cumsum(np.prod(shapes, axis=1, dtype=np.int64))
        for piece, values, shape in zip(pieces, np.split(tensors[name], ends[:-1]), shapes, strict=True):
            piece[name] = values.reshape(shape)
    return BlockRange(about["start"], about["stop"], about["n_training_samples"], pieces)
