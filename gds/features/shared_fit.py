"""Fit and transform in one pass, shared by processes that see the same folder and nothing else of each other.

The first process decides what is fitted, and on whom; it writes that down. The others wait for it, make their
shards and wait again until the first has put all together and taken the folder away. Whoever is killed is
started again with the same command: finished shards stay.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gds.features.feature_rows import FeatureRoom, FeatureRows
from gds.features.featurizer import Featurizer
from gds.features.resources import Processes, Resources
from gds.features.shard_plan import PLAN_NAME, planned_blocks, write_plan
from gds.features.shards import combine_shards, fit_planned, gather_features, missing_shards
from gds.features.shared_folder import SharedFolder
from gds.files import atomic_path
from gds.genotypes.blocks import Blocks
from gds.genotypes.matrix import GenotypeSource
from gds.genotypes.variant_view import VariantView

# Enough to keep many processes busy to the end, and one shard's features small; not a matter of how many
# processes there are, for the next run may have others.
_N_SHARDS = 256
_SHARD_GENOTYPES = 2**27
_WORK_NAME = "work.safetensors"


class SharedFit:
    """A fit and transform that several processes make together.

    Parameters
    ----------
    folder
        For the shards; on a disk that all processes share. What another request left there is removed.
    request
        Hash of all that was asked for: only processes with the same one work together.
    processes
        Which of how many this is.
    resources
        Threads and memory.
    """

    def __init__(self, folder: Path, request: str, processes: Processes, resources: Resources) -> None:
        self._shared = SharedFolder(folder, request, processes)
        self._folder = folder
        self._resources = resources

    @property
    def is_first(self) -> bool:
        """Whether this process leads; the others follow."""
        return self._shared.is_first

    def lead(
        self,
        featurizer: Featurizer,
        source: GenotypeSource,
        kept: np.ndarray,
        blocks: Blocks,
        samples: np.ndarray,
        others: np.ndarray,
        *,
        input_hashes: Iterable[str],
        room: FeatureRoom,
    ) -> tuple[Featurizer, np.ndarray]:
        """What the first process does: plan, its share, and putting together.

        Parameters
        ----------
        featurizer
            Gives kind and parameters.
        source, kept
            Genotypes, and the indices of those variants that ``blocks`` counts.
        blocks, samples, others
            See :meth:`Featurizer.fit_transform`; indices.
        input_hashes
            SHA-256 of the files.
        room
            Where features are gathered.

        Returns
        -------
        featurizer
            Fitted; same bytes as by one process.
        features
            Of the training people, then of the others.

        Raises
        ------
        UserError
            Another process did not finish in time.
        """
        folder = self._folder
        self._shared.clear()
        n_people = len(samples) + len(others)
        n_shards = min(len(blocks), max(_N_SHARDS, blocks.variant_index.size * n_people // _SHARD_GENOTYPES))
        _write_work(folder / _WORK_NAME, kept[np.unique(blocks.variant_index)], samples, others)
        self._shared.claim()
        # The plan comes last: it is what the others wait for.
        counted = VariantView(source, kept)
        write_plan(
            folder, featurizer, counted, blocks, samples, others, n_shards=n_shards, input_hashes=input_hashes
        )
        self._fit_share(source)
        self._shared.wait_for_others(lambda: not missing_shards(folder))
        fitted = combine_shards(folder)
        features = room.array((n_people, fitted.n_blocks, fitted.n_channels), fitted.feature_dtype)
        gather_features(folder, FeatureRows(features, fitted.padding_value))
        return fitted, features

    def follow(self, source: GenotypeSource) -> None:
        """What every other process does: wait for the plan, make its shards, wait until the folder is gone.

        Raises
        ------
        UserError
            The first process writes no plan, or does not finish, in time.
        """
        self._shared.wait_for_claim((self._folder / PLAN_NAME).is_file)
        self._fit_share(source)
        self._shared.wait_for_end()

    def end(self) -> None:
        """Remove the folder, which tells the others that the result is there."""
        self._shared.remove()

    def _fit_share(self, source: GenotypeSource) -> None:
        from safetensors.numpy import load_file

        work = load_file(self._folder / _WORK_NAME)
        fit_planned(
            self._folder,
            # The variants of the plan, in its order.
            VariantView(source, work["variants"]),
            planned_blocks(self._folder)[1],
            work["samples"],
            work["others"],
            processes=self._shared.processes,
            n_jobs=self._resources.n_jobs,
            max_memory=self._resources.max_memory,
        )


def _write_work(path: Path, variants: np.ndarray, samples: np.ndarray, others: np.ndarray) -> None:
    from safetensors.numpy import save_file

    tensors = {"variants": variants, "samples": samples, "others": others}
    with atomic_path(path) as temporary:
        save_file({name: np.ascontiguousarray(array, np.int64) for name, array in tensors.items()}, temporary)
