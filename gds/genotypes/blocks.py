"""Blocks: which variants belong to which gene or window."""

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.gene_match import match_genes

if TYPE_CHECKING:
    from gds.genotypes.matrix import GenotypeSource


@dataclass(frozen=True)
class Blocks:
    """Groups of variants, in genomic order; a variant may be in several blocks or in none.

    Attributes
    ----------
    name
        Unique strings, shape (block,). The parts of a split block are called ``NAME/1``, ``NAME/2`` ...
    chromosome
        Strings, shape (block,).
    start, end
        int64, shape (block,): 1-based and inclusive. A gene's own interval, flank not included; for windows
        and for the parts of a split block, the positions of the first and last variant.
    variant_index
        int64, shape (total,): indices of variants, block after block, ascending within each.
    offset
        int64, shape (block + 1,): block i is ``variant_index[offset[i]:offset[i + 1]]``.
    report
        How variants and genes were matched, in counts.
    """

    name: np.ndarray
    chromosome: np.ndarray
    start: np.ndarray
    end: np.ndarray
    variant_index: np.ndarray
    offset: np.ndarray
    report: dict[str, Any] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(self.name)

    def __getitem__(self, block: int) -> np.ndarray:
        """Indices of the variants of one block, int64."""
        if not -len(self) <= block < len(self):
            raise IndexError(f"block {block} of {len(self)}")
        block %= len(self)
        return self.variant_index[self.offset[block] : self.offset[block + 1]]

    @property
    def sizes(self) -> np.ndarray:
        """Number of variants of each block, int64, shape (block,)."""
        return np.diff(self.offset)

    def split(self, max_variants: int, variants: pd.DataFrame) -> "Blocks":
        """Split bigger blocks into the fewest parts, whose sizes differ by at most one variant.

        Parameters
        ----------
        max_variants
            The most variants that a block may have.
        variants
            The table that ``variant_index`` points into; gives each part its start and end.
        """
        if max_variants < 1:
            raise UserError(f"max_variants must be at least 1, found {max_variants}")
        n_parts = -(-self.sizes // max_variants)
        parent = np.repeat(np.arange(len(self)), n_parts)
        part = np.arange(len(parent)) - np.repeat(np.cumsum(n_parts) - n_parts, n_parts)
        begin = self.offset[parent] + part * self.sizes[parent] // n_parts[parent]
        return self.cut(begin, variants)

    def cut(self, begin: np.ndarray, variants: pd.DataFrame) -> "Blocks":
        """Blocks of runs of these blocks' variants.

        Parameters
        ----------
        begin
            Where each part begins in ``variant_index``, ascending, int64 (part,); a part begins wherever a block does.
        variants
            See :meth:`split`.
        """
        parent = np.searchsorted(self.offset, begin, side="right") - 1
        n_parts = np.bincount(parent, minlength=len(self))
        part = np.arange(len(parent)) - np.repeat(np.cumsum(n_parts) - n_parts, n_parts)
        offset = np.append(begin, self.offset[-1]).astype(np.int64)
        position = variants["position"].to_numpy(np.int64)[self.variant_index]
        is_part = n_parts[parent] > 1
        return replace(
            self,
            name=np.array(
                [
                    f"{name}/{k + 1}" if cut else name
                    for name, k, cut in zip(self.name[parent], part, is_part, strict=True)
                ],
                dtype=object,
            ),
            chromosome=self.chromosome[parent],
            start=np.where(is_part, np.minimum.reduceat(position, offset[:-1]), self.start[parent]),
            end=np.where(is_part, np.maximum.reduceat(position, offset[:-1]), self.end[parent]),
            offset=offset,
            report=self.report | {"blocks": len(parent), "blocks_split": int((n_parts > 1).sum())},
        )


def assign_blocks(
    variants: pd.DataFrame,
    spec: str | os.PathLike[str],
    *,
    flank: int = 0,
    overlap: Literal["both", "first"] = "both",
    intergenic: Literal["drop", "nearest"] = "drop",
    max_variants: int | None = None,
    split_by: Literal["size", "ld"] = "size",
    source: "GenotypeSource | None" = None,
    samples: np.ndarray | None = None,
) -> Blocks:
    """Assign variants to genes or windows.

    All rows of a gene file with one name on one chromosome are one block, whose variants lie in the union of
    those intervals; a name found on several chromosomes becomes one block each, ``NAME@X`` and ``NAME@Y``.

    Parameters
    ----------
    variants
        Columns chromosome and position.
    spec
        A gene file (glist, GTF or BED), ``"window:64"`` (consecutive variants, never across chromosomes),
        ``"kb:100"`` (kilobases) or ``"ld:0.1"`` (cuts where linkage disequilibrium is weak; needs
        ``source``).
    flank
        Base pairs added on either side of every interval of a gene file.
    overlap
        A variant inside several genes belongs to ``"both"`` (all of them), or to the ``"first"``: the
        one that starts first on the chromosome, then ends first, then comes first by name.
    intergenic
        A variant inside no gene is dropped, or given to the nearest gene of its chromosome (the one before it
        if two are equally near).
    max_variants
        Blocks of more variants are split.
    split_by
        Into the fewest parts of equal ``"size"``, see :meth:`Blocks.split`, or between the parts that are least
        correlated, by their ``"ld"``: see :func:`gds.genotypes.ld_blocks.split_by_ld` (needs ``source``).
    source, samples
        Genotypes and the indices of the (training) people whose linkage disequilibrium cuts ``"ld:"`` blocks, or
        splits large ones.

    Raises
    ------
    UserError
        The specification or the gene file is malformed, or no variant lies in any block.
    """
    if flank < 0:
        raise UserError(f"flank must not be negative, found {flank}")
    for option, value, choices in (
        ("overlap", overlap, ("both", "first")),
        ("intergenic", intergenic, ("drop", "nearest")),
        ("split_by", split_by, ("size", "ld")),
    ):
        if value not in choices:
            raise UserError(f"{option} must be {' or '.join(choices)}, found {value!r}")
    if not len(variants):
        raise UserError("there are no variants to assign to blocks")
    kind, _, size = str(spec).partition(":")
    if kind in ("window", "kb", "ld"):
        if flank or overlap != "both" or intergenic != "drop":
            raise UserError(f"flank, overlap and intergenic are for gene files; {spec} needs none of them")
        if kind == "ld":
            from gds.genotypes.ld_blocks import ld_blocks

            if source is None:
                raise UserError(f"{spec} needs the genotypes themselves: give source (and training samples)")
            threshold = _number(size, str(spec), float)
            largest = {} if max_variants is None else {"max_variants": max_variants}
            blocks = ld_blocks(source, threshold, samples=samples, **largest)
        elif kind == "window":
            blocks = _windows(variants, _number(size, str(spec), int))
        else:
            blocks = _kilobases(variants, _number(size, str(spec), float))
    else:
        blocks = _genes(variants, spec, flank, overlap, intergenic)
    blocks.report["spec"] = os.fspath(spec)
    if max_variants is None:
        if split_by != "size":
            raise UserError("split_by='ld' needs max_variants: the size from which blocks are split")
        return blocks
    if split_by == "size":
        return blocks.split(max_variants, variants)
    from gds.genotypes.ld_blocks import split_by_ld

    if source is None:
        raise UserError("split_by='ld' needs the genotypes themselves: give source (and training samples)")
    return split_by_ld(blocks, source, max_variants, samples=samples)


def _number(text: str, spec: str, kind: type) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = 0
    if not value > 0:
        raise UserError(
            f"{spec!r}: expected a positive number after the colon, as in window:64, kb:100 or ld:0.1"
        )
    return value


def contiguous_blocks(
    variants: pd.DataFrame, order: np.ndarray, begins: np.ndarray, name: np.ndarray | None = None
) -> Blocks:
    """Blocks that partition the genome into consecutive runs of variants.

    Parameters
    ----------
    variants
        Columns chromosome and position.
    order
        Indices of variants in genomic order, shape (variant,): see :func:`genomic_order`.
    begins
        Whether a block begins at this variant of ``order``, bool, shape (variant,).
    name
        Names of the blocks; default ``CHROMOSOME:window1`` and so on.
    """
    offset = np.append(np.flatnonzero(begins), len(order)).astype(np.int64)
    label = np.cumsum(begins) - 1
    first, last = order[offset[:-1]], order[offset[1:] - 1]
    position = variants["position"].to_numpy(np.int64)
    chromosome = variants["chromosome"].to_numpy(object)[first]
    if name is None:
        within = pd.Series(chromosome).groupby(chromosome, sort=False).cumcount().to_numpy() + 1
        name = np.array([f"{c}:window{k}" for c, k in zip(chromosome, within, strict=True)], dtype=object)
    report = {
        "variants": len(variants),
        "variants_in_a_block": len(variants),
        "variants_in_several": 0,
        "variants_dropped": 0,
        "blocks": len(first),
    }
    # Ascending within each block even where the file is not sorted by position.
    index = order[np.lexsort((order, label))]
    return Blocks(name, chromosome, position[first], position[last], index.astype(np.int64), offset, report)


def genomic_order(variants: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Variants sorted by chromosome (in order of appearance) and position.

    Returns
    -------
    order
        Indices of variants, int64, shape (variant,).
    code
        Number of each variant's chromosome in that order, int64, shape (variant,).
    """
    code = pd.factorize(variants["chromosome"].to_numpy(object))[0]
    order = np.lexsort((variants["position"].to_numpy(np.int64), code))
    return order, code[order]


def _windows(variants: pd.DataFrame, size: int) -> Blocks:
    order, code = genomic_order(variants)
    rank = np.arange(len(code)) - np.searchsorted(code, code)
    return contiguous_blocks(variants, order, rank % size == 0)


def _kilobases(variants: pd.DataFrame, size: float) -> Blocks:
    width = round(size * 1000)
    if width < 1:
        raise UserError(f"kb:{size:g} is less than one base pair")
    order, code = genomic_order(variants)
    cell = (variants["position"].to_numpy(np.int64)[order] - 1) // width
    begins = np.r_[True, (np.diff(code) != 0) | (np.diff(cell) != 0)]
    chromosome = variants["chromosome"].to_numpy(object)[order[begins]]
    name = np.array(
        [
            f"{c}:{k * width + 1}-{(k + 1) * width}"
            for c, k in zip(chromosome, cell[begins], strict=True)
        ],
        dtype=object,
    )  # fmt: skip
    return contiguous_blocks(variants, order, begins, name)


def _genes(
    variants: pd.DataFrame, path: str | os.PathLike[str], flank: int, overlap: str, intergenic: str
) -> Blocks:
    genes, gene, variant, report = match_genes(
        variants, path, flank=flank, first_only=overlap == "first", nearest=intergenic == "nearest"
    )
    kept, begin = np.unique(gene, return_index=True)
    return Blocks(
        genes["name"].to_numpy(object)[kept],
        genes["chromosome"].to_numpy(object)[kept],
        genes["start"].to_numpy(np.int64)[kept],
        genes["end"].to_numpy(np.int64)[kept],
        variant,
        np.append(begin, len(variant)).astype(np.int64),
        report | {"blocks": len(kept), "flank": flank, "overlap": overlap, "intergenic": intergenic},
    )
