"""A fit shared by processes and machines, through files that can be made again at any time.

::

    FOLDER/plan.json, plan.safetensors         what is fitted: parameters, blocks, variants; no individual's data
    FOLDER/shard-00003-of-00016.safetensors    the fitted arrays of one range of blocks, and people's features of it
                                               where they were asked for

Every process of ``torchrun`` or ``accelerate launch`` (or of a job array that sets ``RANK`` and ``WORLD_SIZE``)
calls :func:`fit_sharded`; it fits its share of the shards and leaves alone those that are there. A process that
was killed is started again with the same command. :func:`combine_shards` then gives, to the last byte, what
:meth:`Featurizer.fit` would have given.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.features.block_range import FEATURES
from gds.features.feature_rows import FeatureRows
from gds.features.featurizer import Featurizer
from gds.features.fitted_state import class_of_kind
from gds.features.resources import Processes
from gds.features.shard_files import is_finished, read_shard, shard_edges, shard_path, write_shard
from gds.features.shard_plan import planned_blocks, read_plan, write_plan
from gds.features.streaming import DEFAULT_MEMORY
from gds.files import sha256
from gds.genotypes.blocks import Blocks
from gds.genotypes.matrix import Genotypes, GenotypeSource


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
    others: np.ndarray | None = None,
    processes: Processes | None = None,
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
    others
        If given, the shards also hold the features of the training people and of these.
    processes
        Which of how many processes this is; None: what the environment says, or the only one.
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
    processes = processes or Processes.from_environment() or Processes()
    hashes = [sha256(path) for path in inputs]
    write_plan(folder, featurizer, source, blocks, samples, others, n_shards=n_shards, input_hashes=hashes)
    return fit_planned(
        folder, source, blocks, samples, others, processes=processes, n_jobs=n_jobs, max_memory=max_memory
    )


def fit_planned(
    folder: str | Path,
    source: GenotypeSource,
    blocks: Blocks,
    samples: np.ndarray | None,
    others: np.ndarray | None,
    *,
    processes: Processes,
    n_jobs: int = 1,
    max_memory: int = DEFAULT_MEMORY,
) -> ShardReport:
    """Fit this process's share of what the folder's plan says; see :func:`fit_sharded`."""
    folder = Path(folder)
    description = read_plan(folder)
    featurizer = class_of_kind(description["kind"])(**description["parameters"])
    n_shards, plan = description["n_shards"], description["fingerprint"]
    fitted, found = [], []
    for shard in range(processes.rank, n_shards, processes.world_size):
        path = shard_path(folder, shard, n_shards)
        start, stop = shard_edges(len(blocks), n_shards, shard)
        if is_finished(path, plan, start, stop):
            found.append(shard)
            continue
        part = featurizer.fit_range(
            source,
            blocks,
            samples,
            others=others,
            start=start,
            stop=stop,
            n_jobs=n_jobs,
            max_memory=max_memory,
        )
        write_shard(path, plan, part)
        fitted.append(shard)
    return ShardReport(fitted, found)


def missing_shards(folder: str | Path) -> list[str]:
    """Names of the planned shards that are not finished."""
    folder = Path(folder)
    description = read_plan(folder)
    n_shards, plan = description["n_shards"], description["fingerprint"]
    n_blocks = description["axes"]["block"]
    paths = [shard_path(folder, shard, n_shards) for shard in range(n_shards)]
    return [
        path.name
        for shard, path in enumerate(paths)
        if not is_finished(path, plan, *shard_edges(n_blocks, n_shards, shard))
    ]


def combine_shards(folder: str | Path) -> Featurizer:
    """The fitted featurizer of a folder's shards; same bytes as :meth:`Featurizer.fit`.

    Raises
    ------
    UserError
        There is no plan, or shards are missing, damaged or of another fit.
    """
    folder = Path(folder)
    description = read_plan(folder)
    if missing := missing_shards(folder):
        raise UserError(
            f"{folder}: {len(missing)} of {description['n_shards']} shards are not finished, e.g. {missing[0]}: "
            "run the sharded fit again with the same arguments, it only makes what is missing"
        )
    variants, blocks = planned_blocks(folder)
    featurizer = class_of_kind(description["kind"])(**description["parameters"])
    nobody = Genotypes(
        dosage=np.empty((0, len(variants)), dtype=np.int8),
        samples=pd.DataFrame({"id": [], "family": [], "sex": []}),
        variants=variants,
    )
    ranges = [read_shard(path, features=False) for path in _shard_paths(folder, description)]
    return featurizer.combine(nobody, blocks, ranges)


def gather_features(folder: str | Path, rows: FeatureRows) -> None:
    """Write the features of a folder's finished shards, one shard in memory at a time."""
    folder = Path(folder)
    for path in _shard_paths(folder, read_plan(folder)):
        part = read_shard(path, features=True)
        for block, piece in enumerate(part.pieces, start=part.start):
            rows.write(block, piece[FEATURES])
    rows.flush()


def _shard_paths(folder: Path, description: dict[str, Any]) -> list[Path]:
    n_shards = description["n_shards"]
    return [shard_path(folder, shard, n_shards) for shard in range(n_shards)]
