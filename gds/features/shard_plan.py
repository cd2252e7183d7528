"""What a sharded fit is a fit of: written once, compared by everyone who takes part.

::

    FOLDER/plan.json, plan.safetensors    parameters, blocks, variants, and of people only a hash
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import gds
from gds.errors import UserError
from gds.features import storage
from gds.features.featurizer import Featurizer
from gds.features.sample_indices import sample_indices
from gds.files import atomic_path, read_json, write_json
from gds.genotypes.blocks import Blocks
from gds.genotypes.matrix import GenotypeSource

PLAN_NAME = "plan.json"
_TENSORS_NAME = "plan.safetensors"
_FORMAT_VERSION = 1


def write_plan(
    folder: str | Path,
    featurizer: Featurizer,
    source: GenotypeSource,
    blocks: Blocks,
    samples: np.ndarray | None,
    others: np.ndarray | None,
    *,
    n_shards: int,
    input_hashes: Iterable[str],
) -> None:
    """Write what is fitted, or compare it with what is there; see :func:`gds.features.shards.fit_sharded`.

    Raises
    ------
    UserError
        The folder holds the plan of another fit.
    """
    from safetensors.numpy import save_file

    folder = Path(folder)
    if not 1 <= n_shards <= len(blocks):
        raise UserError(f"expected 1 to {len(blocks)} shards (the number of blocks), found {n_shards}")
    people = sample_indices(source, samples)
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
        "inputs": sorted(input_hashes),
    }
    digest = hashlib.sha256(storage.canonical(description))
    # Only a hash of who the training people are.
    digest.update("\n".join(source.samples["id"].iloc[people]).encode())
    if others is not None:
        mapped = source.samples["id"].iloc[sample_indices(source, others)]
        digest.update("\n".join(["", "features of", *mapped]).encode())
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
        return
    # Processes that start together write the same bytes.
    with atomic_path(folder / _TENSORS_NAME) as temporary:
        save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, temporary)
    write_json(path, description)


def read_plan(folder: Path) -> dict[str, Any]:
    """The plan's JSON.

    Raises
    ------
    UserError
        There is none, or it is of another format version.
    """
    description = read_json(folder / PLAN_NAME)
    if description.get("format_version") != _FORMAT_VERSION:
        raise UserError(
            f"{folder / PLAN_NAME}: expected format version {_FORMAT_VERSION}, "
            f"found {description.get('format_version')}: fit again, or use the version of gds that wrote it"
        )
    return description


def planned_blocks(folder: str | Path) -> tuple[pd.DataFrame, Blocks]:
    """The variants that are fitted, and the blocks as indices into them."""
    from safetensors.numpy import load_file

    folder = Path(folder)
    axes, tensors = read_plan(folder)["axes"], load_file(folder / _TENSORS_NAME)
    variants = storage.unpack_variants(folder, tensors, axes["variant"])
    return variants, storage.unpack_blocks(folder, tensors, axes)
