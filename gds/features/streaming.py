"""Blocks read from a source in file order, each once, in reads of bounded size."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from gds.errors import UserError
from gds.genotypes.blocks import Blocks
from gds.genotypes.matrix import GenotypeSource

Result = TypeVar("Result")

DEFAULT_MEMORY = 2**30
# Reads this large already run at the file's full rate; larger ones only leave the cache.
_READ_BYTES = 2**26


def map_blocks(
    function: Callable[..., Result],
    source: GenotypeSource,
    blocks: Blocks,
    people: Sequence[np.ndarray],
    *,
    which: range,
    columns: np.ndarray | None = None,
    n_jobs: int = 1,
    max_memory: int = DEFAULT_MEMORY,
) -> Iterator[tuple[int, Result]]:
    """Apply a function to each block's dosages, in file order.

    Every block is computed by one thread with one BLAS thread, so that results do not depend on ``n_jobs``.

    Parameters
    ----------
    function
        Called with the block's index and, for each group of people, its dosages: int8 (variant, sample), C order,
        not to be written to.
    source
        Where dosages are read from.
    blocks
        Blocks of indices of variants.
    people
        Indices of the people to read, group by group, each of shape (sample,).
    which
        Indices of the blocks to go through.
    columns
        Where each variant that blocks speak of stands in the source; None: at its own index.
    n_jobs
        Number of threads.
    max_memory
        Bound in bytes on what is held at a time, per-block working space included.

    Yields
    ------
    tuple
        Index of the block and the function's result.

    Raises
    ------
    UserError
        A block needs more memory than that, or the source holds values that are no dosages.
    """
    n_samples = sum(map(len, people))
    with threadpool_limits(limits=1), _pool(n_jobs) as pool:
        for group in _groups(blocks, which, n_samples, n_jobs, max_memory):
            members = [blocks[i] if columns is None else columns[blocks[i]] for i in group]
            wanted = np.unique(np.concatenate(members))
            consecutive = wanted.size and wanted[-1] - wanted[0] + 1 == wanted.size
            read = slice(int(wanted[0]), int(wanted[-1]) + 1) if consecutive else wanted
            by_variant = []
            for samples in people:
                # Files would be read for nobody as for everybody.
                dosage = source.read(read, samples) if len(samples) else np.empty((0, wanted.size), np.int8)
                _check_dosages(dosage, source, wanted, samples)
                by_variant.append(dosage.T)

            def compute(item: tuple[int, np.ndarray], by_variant: list[np.ndarray] = by_variant,
                        wanted: np.ndarray = wanted) -> Result:  # fmt: skip
                i, member = item
                found = np.searchsorted(wanted, member)
                rows: slice | np.ndarray = found
                if found.size and found[-1] - found[0] + 1 == found.size and (np.diff(found) == 1).all():
                    # A view, and with files that are read variant by variant no copy is made.
                    rows = slice(int(found[0]), int(found[-1]) + 1)
                return function(i, *(np.ascontiguousarray(dosage[rows]) for dosage in by_variant))

            items = zip(group, members, strict=True)
            yield from zip(group, pool.map(compute, items) if pool else map(compute, items), strict=True)


class _pool:
    """A pool of threads, or None where one is enough."""

    def __init__(self, n_jobs: int) -> None:
        if n_jobs < 1:
            raise UserError(f"expected n_jobs of at least 1, found {n_jobs}")
        # The number of OpenMP threads is a setting of each thread: the initializer sets it in the workers.
        self._pool = (
            ThreadPoolExecutor(n_jobs, initializer=threadpool_limits, initargs=(1,)) if n_jobs > 1 else None
        )

    def __enter__(self) -> ThreadPoolExecutor | None:
        return self._pool

    def __exit__(self, *error: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)


def _groups(
    blocks: Blocks, which: range, n_samples: int, n_jobs: int, max_memory: int
) -> Iterator[list[int]]:
    """Blocks in file order, neighbours together as long as their read stays small."""
    sizes = np.asarray(blocks.sizes)
    first = {i: int(blocks[i].min()) if sizes[i] else -1 for i in which}
    budget = min(_READ_BYTES, max_memory // 8)
    group: list[int] = []
    held = 0
    for i in sorted(which, key=lambda i: (first[i], i)):
        size = int(sizes[i])
        needed = working_bytes(size, n_samples) * n_jobs
        if needed > max_memory:
            raise UserError(
                f"block {str(blocks.name[i])!r} of {size} variants needs {needed / 2**20:.0f} MB for {n_samples} "
                f"people and {n_jobs} jobs, more than max_memory ({max_memory / 2**20:.0f} MB): raise that, "
                "or split large blocks with assign_blocks(..., max_variants=1000)"
            )
        if group and held + size * n_samples > budget:
            yield group
            group, held = [], 0
        group.append(i)
        held += size * n_samples
    if group:
        yield group


def working_bytes(n_variants: int, n_samples: int) -> int:
    """What fitting a block takes: its dosages thrice as int8, once as float32, three square float64
    matrices."""
    return n_variants * (7 * n_samples + 24 * n_variants)


def _check_dosages(
    dosage: np.ndarray, source: GenotypeSource, wanted: np.ndarray, samples: np.ndarray
) -> None:
    if dosage.size and (dosage.max() > 2 or dosage.min() < -1):
        sample, variant = np.argwhere((dosage > 2) | (dosage < -1))[0]
        raise UserError(
            f"expected dosages in {{0, 1, 2}} or -1 for missing, found {dosage[sample, variant]} at sample "
            f"{source.samples['id'].iloc[samples[sample]]}, variant "
            f"{source.variants['id'].iloc[wanted[variant]]}: is this a haplotype count or a scaled dosage?"
        )
