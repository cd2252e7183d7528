"""Which variants of two cohorts are the same: by position or by id, and then by alleles."""

import numpy as np
import pandas as pd

from gds.genotypes.allele_match import INCOMPATIBLE, compare_alleles
from gds.genotypes.variant_rules import NO_ALLELE


def pair_variants(cohort: pd.DataFrame, wanted: pd.DataFrame, by: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Best partner of each wanted variant: the most direct agreement of alleles, then the order of the file.

    Parameters
    ----------
    cohort
        Variants of the cohort, columns as of :class:`gds.genotypes.GenotypeSource`.
    wanted
        Variants to find in it.
    by
        ``"position"`` or ``"id"``.

    Returns
    -------
    columns
        Row of each wanted variant in the cohort, int64, shape (wanted,); -1 where there is none.
    kind
        How the alleles agree, as of :func:`gds.genotypes.allele_match.compare_alleles`; shape (wanted,).
    n_incompatible
        Number of wanted variants at whose place there are only other alleles.
    """
    left, right = _keys(wanted, by), _keys(cohort, by)
    pairs = left.merge(right, on=[name for name in left if name != "row"], suffixes=("_wanted", ""))
    asked, rows = pairs["row_wanted"].to_numpy(np.int64), pairs["row"].to_numpy(np.int64)

    def alleles(table: pd.DataFrame, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return table["effect_allele"].to_numpy(object)[chosen], table["other_allele"].to_numpy(object)[chosen]

    kind_of_pair = compare_alleles(*alleles(cohort, rows), *alleles(wanted, asked))
    # The most direct agreement first, then the order of the file.
    order = np.lexsort((rows, kind_of_pair, asked))
    first = order[np.unique(asked[order], return_index=True)[1]]
    good = first[kind_of_pair[first] != INCOMPATIBLE]
    columns = np.full(len(wanted), -1, dtype=np.int64)
    kind = np.full(len(wanted), INCOMPATIBLE, dtype=np.int8)
    columns[asked[good]], kind[asked[good]] = rows[good], kind_of_pair[good]
    return columns, kind, len(first) - len(good)


def _keys(variants: pd.DataFrame, by: str) -> pd.DataFrame:
    """What variants are matched by, with their row; a variant with several ids has a line for each."""
    row = np.arange(len(variants))
    if by == "position":
        return variants[["chromosome", "position"]].assign(row=row)
    table = pd.DataFrame({"id": variants["id"].astype(object).to_numpy(), "row": row})
    several = table["id"].str.contains(";", regex=False)
    if several.any():
        table = table.assign(id=table["id"].str.split(";")).explode("id", ignore_index=True)
    return table[~table["id"].isin([NO_ALLELE, ""])]
