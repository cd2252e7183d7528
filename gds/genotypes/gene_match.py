"""Which variant lies in which gene, by interval; no loop over variants."""

import os
from typing import Any

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.gene_file import chromosome_keys, read_gene_file


def match_genes(
    variants: pd.DataFrame, path: str | os.PathLike[str], *, flank: int, first_only: bool, nearest: bool
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, dict[str, Any]]:
    """Match variants to the genes of a file.

    Parameters
    ----------
    variants
        Columns chromosome and position.
    path
        A gene file, see :func:`gds.genotypes.gene_file.read_gene_file`.
    flank
        Base pairs added on either side of every interval.
    first_only
        Give a variant that lies in several genes to the first of them only.
    nearest
        Give a variant that lies in no gene to the nearest one of its chromosome.

    Returns
    -------
    genes
        Columns chromosome, start, end, name, n_intervals; genes in genomic order.
    gene, variant
        Pairs of rows of ``genes`` and ``variants``, int64, shape (pair,), sorted by gene, then variant.
    report
        Counts of what was matched and what was not.

    Raises
    ------
    UserError
        The file is malformed, or no variant lies in any gene.
    """
    intervals, genes = _name_genes(read_gene_file(path))
    chromosome = chromosome_keys(variants["chromosome"])
    position = variants["position"].to_numpy(np.int64)
    gene, variant = _inside(intervals, chromosome, position, flank)
    n_genes_of = np.bincount(variant, minlength=len(variants))
    if first_only:
        # Pairs are sorted by gene, so a variant's first occurrence is its first gene.
        first = np.unique(variant, return_index=True)[1]
        gene, variant = gene[first], variant[first]
    if nearest:
        outside = np.flatnonzero(n_genes_of == 0)
        near = _nearest(intervals, chromosome[outside], position[outside])
        gene = np.append(gene, near[near >= 0])
        variant = np.append(variant, outside[near >= 0])
    if not len(gene):
        raise UserError(_no_variant_in_a_gene(path, genes, chromosome, position))
    order = np.lexsort((variant, gene))
    n_assigned = len(np.unique(variant))
    report = {
        "variants": len(variants),
        "variants_in_a_gene": int((n_genes_of > 0).sum()),
        "variants_in_several": int((n_genes_of > 1).sum()),
        "variants_in_a_block": n_assigned,
        "variants_dropped": len(variants) - n_assigned,
        "genes": len(genes),
        "genes_without_variants": len(genes) - len(np.unique(gene)),
        "genes_with_several_intervals": int((genes["n_intervals"] > 1).sum()),
    }
    return genes, gene[order], variant[order], report


def _name_genes(intervals: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Intervals with the number of their gene, and the genes in genomic order."""
    n_chromosomes = intervals.groupby("name")["chromosome"].transform("nunique")
    name = intervals["name"].where(n_chromosomes == 1, intervals["name"] + "@" + intervals["chromosome"])
    grouped = intervals.assign(name=name).groupby(["chromosome", "name"], sort=False)
    genes = grouped.agg(
        start=("start", "min"), end=("end", "max"), n_intervals=("start", "size")
    ).reset_index()
    by_number = genes["chromosome"].map(lambda c: (0, int(c), "") if c.isdigit() else (1, 0, c))
    genes = genes.assign(rank=by_number).sort_values(["rank", "start", "end", "name"], kind="stable")
    genes = genes.drop(columns="rank").reset_index(drop=True)
    number = pd.Series(genes.index, index=pd.MultiIndex.from_frame(genes[["chromosome", "name"]]))
    keys = pd.MultiIndex.from_arrays([intervals["chromosome"], name])
    return intervals.assign(gene=number.reindex(keys).to_numpy()), genes


def _inside(
    intervals: pd.DataFrame, chromosome: np.ndarray, position: np.ndarray, flank: int
) -> tuple[np.ndarray, np.ndarray]:
    """All pairs (gene, variant) with the variant in an interval of the gene; unique, sorted."""
    pairs: list[np.ndarray] = []
    for name, rows in intervals.groupby("chromosome", sort=False):
        here = np.flatnonzero(chromosome == name)
        here = here[np.argsort(position[here], kind="stable")]
        low = np.searchsorted(position[here], rows["start"].to_numpy() - flank, side="left")
        high = np.searchsorted(position[here], rows["end"].to_numpy() + flank, side="right")
        count = high - low
        # The concatenation of range(low[i], high[i]) over all intervals i.
        rank = np.arange(count.sum()) + np.repeat(low - (np.cumsum(count) - count), count)
        # One int64 a pair: unique() sorts by gene, then variant, and joins a gene's overlapping intervals.
        pairs.append(np.repeat(rows["gene"].to_numpy(np.int64), count) * len(position) + here[rank])
    pair = np.unique(np.concatenate(pairs))
    return pair // len(position), pair % len(position)


def _nearest(intervals: pd.DataFrame, chromosome: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Nearest gene of variants that lie in none, -1 on a chromosome without genes; shape (variant,)."""
    nearest = np.full(len(position), -1, dtype=np.int64)
    for name, rows in intervals.groupby("chromosome", sort=False):
        here = np.flatnonzero(chromosome == name)
        at = position[here]
        rows = rows.sort_values(["end", "gene"])
        end, gene_before = rows["end"].to_numpy(), rows["gene"].to_numpy()
        before = np.searchsorted(end, at, side="left") - 1
        # Of several genes that end at the same place, the first one.
        before = np.where(before >= 0, np.searchsorted(end, end[np.maximum(before, 0)], side="left"), -1)
        rows = rows.sort_values(["start", "gene"])
        start, gene_after = rows["start"].to_numpy(), rows["gene"].to_numpy()
        after = np.searchsorted(start, at, side="right")
        far = np.iinfo(np.int64).max
        to_before = np.where(before >= 0, at - end[np.maximum(before, 0)], far)
        last = len(rows) - 1
        to_after = np.where(after <= last, start[np.minimum(after, last)] - at, far)
        choose_before = to_before <= to_after
        nearest[here] = np.where(choose_before, gene_before[before], gene_after[np.minimum(after, last)])
    return nearest


def _no_variant_in_a_gene(
    path: str | os.PathLike[str], genes: pd.DataFrame, chromosome: np.ndarray, position: np.ndarray
) -> str:
    ours = pd.DataFrame({"chromosome": chromosome, "start": position, "end": position})
    shared = [name for name in pd.unique(chromosome) if name in set(genes["chromosome"])]
    if not shared:
        return (
            f"no variant lies in any gene of {path}: chromosomes are named "
            f"{', '.join(map(str, pd.unique(chromosome)[:6]))} in the genotypes and "
            f"{', '.join(map(str, pd.unique(genes['chromosome'])[:6]))} in the gene file"
        )

    def ranges(table: pd.DataFrame) -> str:
        spans = (
            f"{name}:{rows['start'].min():,}-{rows['end'].max():,}"
            for name, rows in table[table["chromosome"].isin(shared[:3])].groupby("chromosome", sort=False)
        )
        return ", ".join(spans)

    return (
        f"no variant lies in any gene of {path}: variants span {ranges(ours)}, genes span {ranges(genes)}. "
        "Are both of the same genome build (hg19 or hg38)? A flank or intergenic='nearest' reaches further"
    )
