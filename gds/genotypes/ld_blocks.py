"""Blocks of linkage disequilibrium: the genome cut where neighbours are least correlated."""

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.blocks import Blocks, contiguous_blocks
from gds.genotypes.counts import as_indices, read_dosage
from gds.genotypes.ld import by_chromosome, squared_correlation
from gds.genotypes.matrix import GenotypeSource


def ld_blocks(
    source: GenotypeSource,
    threshold: float = 0.1,
    *,
    min_variants: int = 1,
    max_variants: int = 64,
    samples: np.ndarray | None = None,
) -> Blocks:
    """Cut every chromosome into the contiguous blocks that hold the most linkage disequilibrium.

    The cuts maximise the sum of ``r2 - threshold`` over all pairs of variants in the same block, exactly, by
    dynamic programming: two neighbouring runs are joined if their mean r2 exceeds the threshold, and cut
    between if it does not. Without any linkage disequilibrium every variant is a block of its own.

    Parameters
    ----------
    source
        Genotypes.
    threshold
        Mean r2 from which variants belong together, above 0 and below 1. Among sequenced variants, most of
        them rare, .02 to .1 makes blocks of a useful size; on arrays of common variants .1 to .3 does.
    min_variants, max_variants
        Size of a block (a chromosome with fewer than ``min_variants`` is one block).
    samples
        Indices of the (training) people to compute with; default all.

    Returns
    -------
    Blocks
        Named ``CHROMOSOME:ld1`` and so on; every variant is in one block.

    Raises
    ------
    UserError
        An option is out of range.
    """
    if not 0 < threshold < 1:
        raise UserError(f"the r2 threshold of LD blocks must be between 0 and 1, found {threshold}")
    if min_variants < 1 or max_variants < 2 * min_variants - 1:
        raise UserError(
            f"LD blocks of {min_variants} to {max_variants} variants cannot fill every chromosome: "
            "max_variants must be at least 2 x min_variants - 1"
        )
    people = as_indices(samples, len(source.samples), "samples")
    order, begins = [], []
    for here in by_chromosome(source, np.arange(len(source.variants))):
        gain = _banded_r2(source, here, max_variants, people) - threshold
        cuts = np.zeros(len(here), dtype=bool)
        cuts[_best_cuts(gain, min_variants, max_variants)] = True
        order.append(here)
        begins.append(cuts)
    is_begin = np.concatenate(begins)
    index = np.concatenate(order)
    chromosome = source.variants["chromosome"].to_numpy(object)[index[is_begin]]
    number = pd.Series(chromosome).groupby(chromosome, sort=False).cumcount() + 1
    name = np.array([f"{c}:ld{k}" for c, k in zip(chromosome, number, strict=True)], dtype=object)
    return contiguous_blocks(source.variants, index, is_begin, name)


def split_by_ld(
    blocks: Blocks, source: GenotypeSource, max_variants: int, *, samples: np.ndarray | None = None
) -> Blocks:
    """Split bigger blocks into parts of ``max_variants / 4`` to ``max_variants`` variants, where LD is weakest.

    The cuts keep, of all that respect these sizes, the greatest sum of r2 over pairs of variants in the same
    part; by the same dynamic programming as :func:`ld_blocks`.

    Parameters
    ----------
    blocks
        Blocks of indices into ``source.variants``; those of up to ``max_variants`` variants stay.
    source
        Genotypes.
    max_variants
        The most variants that a part may have, at least 1.
    samples
        Indices of the (training) people to compute with; default all.

    Raises
    ------
    UserError
        ``max_variants`` is below 1.
    """
    if max_variants < 1:
        raise UserError(f"max_variants must be at least 1, found {max_variants}")
    people = as_indices(samples, len(source.samples), "samples")
    least = max(1, max_variants // 4)
    begins: list[int] = []
    for block, size in enumerate(blocks.sizes):
        first = int(blocks.offset[block])
        cuts = [0]
        if size > max_variants:
            # No part is likelier than another for its size alone: every pair counts, however little.
            cuts = _best_cuts(_banded_r2(source, blocks[block], max_variants, people), least, max_variants)
        begins.extend(first + cut for cut in sorted(cuts))
    return blocks.cut(np.array(begins, dtype=np.int64), source.variants)


def _banded_r2(source: GenotypeSource, index: np.ndarray, width: int, people: np.ndarray) -> np.ndarray:
    """r2 of each variant with the ``width - 1`` before it; float64, shape (variant, width - 1).

    Column d - 1 is the variant d places before; 0 beyond the chromosome's start and where r2 is undefined.
    """
    n = len(index)
    band = np.zeros((n, width - 1))
    tile = max(256, width)
    before = np.zeros((0, 0), dtype=np.int8)
    for first in range(0, n, tile):
        dosage = read_dosage(source, index[first : first + tile], people)
        context = np.concatenate([before, dosage], axis=1) if before.shape[1] else dosage
        offset = context.shape[1] - dosage.shape[1]
        r2 = np.nan_to_num(squared_correlation(dosage, context))
        row, distance = np.ogrid[: dosage.shape[1], 1:width]
        column = row + offset - distance
        band[first : first + dosage.shape[1]] = np.where(column >= 0, r2[row, np.maximum(column, 0)], 0)
        before = context[:, max(0, context.shape[1] - (width - 1)) :]
    return band


def _best_cuts(gain: np.ndarray, min_variants: int, max_variants: int) -> list[int]:
    """First variants of the blocks with the greatest total gain of pairs.

    ``best[j]`` is the greatest gain of the variants before j: the maximum over the last block's first
    variant i of ``best[i]`` plus the gain of all pairs in i .. j - 1.
    """
    n = len(gain)
    if n < 2 * min_variants:
        return [0]
    best = np.full(n + 1, -np.inf)
    best[0] = 0
    came_from = np.zeros(n + 1, dtype=np.int64)
    # within[k]: gain of all pairs among the k + 1 variants that end at the current one.
    within = np.zeros(max_variants)
    for j in range(1, n + 1):
        reach = min(max_variants, j)
        added = np.concatenate([[0.0], np.cumsum(gain[j - 1])])
        within[1:] = within[:-1]
        within[0] = 0
        within[:reach] += added[:reach]
        sizes = np.arange(min_variants, reach + 1)
        if not len(sizes):
            continue
        total = best[j - sizes] + within[sizes - 1]
        # On a tie the smaller block, so that variants without any correlation stay apart.
        choice = int(np.argmax(total))
        best[j] = total[choice]
        came_from[j] = j - sizes[choice]
    cuts, end = [], n
    while end > 0:
        end = int(came_from[end])
        cuts.append(end)
    return cuts
