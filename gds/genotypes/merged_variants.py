"""The table of variants of several cohorts as it grows, and where each cohort has them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.alignment import Palindromic, align_genotypes
from gds.genotypes.alignment_report import AlignmentReport
from gds.genotypes.allele_match import (
    FLIPPED,
    FLIPPED_AND_SWAPPED,
    INCOMPATIBLE,
    SAME,
    SWAPPED,
    complements,
    is_palindromic,
)
from gds.genotypes.concatenate import chromosome_rank
from gds.genotypes.counts import allele_frequencies, genotype_counts
from gds.genotypes.matrix import VARIANT_COLUMNS, GenotypeSource
from gds.genotypes.variant_pairs import pair_variants
from gds.genotypes.variant_rules import NO_ALLELE


class MergedVariants:
    """Variants of the cohorts added so far, with the alleles of the first one that has each.

    Attributes
    ----------
    table
        Columns as of :class:`gds.genotypes.GenotypeSource`, in the order in which they were met.
    columns
        For each cohort the place of each variant in it, int64 (variant,); -1 where it lacks it.
    is_reversed
        For each cohort whether it counts the other allele, bool (variant,).
    alignments
        For each cohort but the first how it was brought to the alleles of the earlier ones.
    n_own
        For each cohort the number of its variants that no earlier one has.
    n_alternatives
        Variants whose missing alternative allele a later cohort named.
    """

    def __init__(self, first: GenotypeSource) -> None:
        """Parameters
        ----------
        first
            The cohort whose alleles come first.
        """
        self.table = first.variants[list(VARIANT_COLUMNS)].reset_index(drop=True)
        self.columns = [np.arange(len(self.table), dtype=np.int64)]
        self.is_reversed = [np.zeros(len(self.table), dtype=bool)]
        self.alignments: list[AlignmentReport] = []
        self.n_own = [len(self.table)]
        self.n_alternatives = 0
        self._sources = [first]

    def add(
        self, source: GenotypeSource, *, extend: bool, palindromic: Palindromic, min_overlap: float, name: str
    ) -> None:
        """Find a further cohort's variants among those so far.

        Parameters
        ----------
        source
            The cohort.
        extend
            Whether variants that only it has are added.
        palindromic, min_overlap
            As of :func:`gds.genotypes.merge.merge_cohorts`.
        name
            Of the cohort, for messages.

        Raises
        ------
        UserError
            It shares too few variants with the earlier cohorts.
        """
        self._take_alternatives(source.variants)
        self._check_overlap(source.variants, min_overlap, name)
        aligned = align_genotypes(
            source, self.table, match_by="position", palindromic=palindromic, min_overlap=0.0
        )
        if aligned.report.palindromic_dropped and palindromic != "drop":
            # Counting people takes a while: only where strands are in doubt.
            frequency = self._palindromic_frequencies(source.variants)
            aligned = align_genotypes(
                source, self.table, frequency, match_by="position", palindromic=palindromic, min_overlap=0.0
            )
        # A variant whose strand is unknown is not taken, but it is none of the cohort's own either.
        is_own = pair_variants(self.table, source.variants, "position")[0] < 0
        is_own[aligned.columns[aligned.columns >= 0]] = False
        own = np.flatnonzero(is_own)
        self.columns.append(aligned.columns)
        self.is_reversed.append(aligned.is_reversed)
        self.alignments.append(aligned.report)
        self.n_own.append(len(own))
        self._sources.append(source)
        if extend and len(own):
            self._append(source.variants.iloc[own], own)

    def placed(self, rows: np.ndarray) -> tuple[pd.DataFrame, list[np.ndarray], list[np.ndarray]]:
        """Table, ``columns`` and ``is_reversed`` of some variants, by chromosome and position.

        Parameters
        ----------
        rows
            Indices into the table, shape (variant,).
        """
        names = self.table["chromosome"].iloc[rows]
        ranks = {name: rank for rank, name in enumerate(sorted(names.unique(), key=chromosome_rank))}
        position = self.table["position"].to_numpy()[rows]
        order = rows[np.lexsort((position, names.map(ranks).to_numpy()))]
        table = self.table.iloc[order].reset_index(drop=True)
        return table, [column[order] for column in self.columns], [each[order] for each in self.is_reversed]

    def _append(self, variants: pd.DataFrame, rows: np.ndarray) -> None:
        """Add variants that only the last cohort has, at these rows of it."""
        self.table = pd.concat([self.table, variants[list(VARIANT_COLUMNS)]], ignore_index=True)
        nowhere = np.full(len(rows), -1, dtype=np.int64)
        places = [nowhere] * (len(self.columns) - 1) + [rows]
        self.columns = [np.concatenate(pair) for pair in zip(self.columns, places, strict=True)]
        as_counted = np.zeros(len(rows), dtype=bool)
        self.is_reversed = [np.concatenate([each, as_counted]) for each in self.is_reversed]

    def _take_alternatives(self, cohort: pd.DataFrame) -> None:
        """Name the alternative allele of variants that have none so far but one in this cohort.

        Nobody so far has that allele, so no dosage changes.
        """
        lacks = (self.table["effect_allele"] == NO_ALLELE).to_numpy()
        # With several variants at one position it is not clear whose allele it would be.
        is_alone = ~self.table.duplicated(["chromosome", "position"], keep=False).to_numpy()
        rows = np.flatnonzero(lacks & is_alone)
        if not len(rows):
            return
        cohort = cohort[cohort["effect_allele"] != NO_ALLELE]
        place, kind, _ = pair_variants(self.table.iloc[rows], cohort, "position")
        effect, other = (cohort[name].to_numpy(object) for name in ("effect_allele", "other_allele"))
        found = np.full(len(cohort), None, dtype=object)
        for which, alleles in (
            (SAME, effect),
            (SWAPPED, other),
            (FLIPPED, complements(effect)),
            (FLIPPED_AND_SWAPPED, complements(other)),
        ):
            found[kind == which] = alleles[kind == which]
        # The first of several in this cohort.
        has = np.flatnonzero(kind != INCOMPATIBLE)
        named, first = np.unique(place[has], return_index=True)
        alleles = self.table["effect_allele"].to_numpy(object).copy()
        alleles[rows[named]] = found[has[first]]
        self.table = self.table.assign(effect_allele=alleles)
        self.n_alternatives += len(named)

    def _check_overlap(self, cohort: pd.DataFrame, min_overlap: float, name: str) -> None:
        fewer = min(len(self.table), len(cohort))
        n_shared = int((pair_variants(cohort, self.table, "position")[0] >= 0).sum())
        if n_shared and n_shared >= min_overlap * fewer:
            return
        message = (
            f"cohort {name!r} shares {n_shared} of its {len(cohort)} variants with the {len(self.table)} of the "
            f"cohorts before it, by position and alleles: {n_shared / max(fewer, 1):.1%} of the fewer, at least "
            f"{min_overlap:.0%} are needed"
        )
        n_by_id = int((pair_variants(cohort, self.table, "id")[0] >= 0).sum())
        if n_by_id > n_shared and n_by_id >= min_overlap * fewer:
            raise UserError(
                f"{message}. By id they share {n_by_id}: is it on another genome build? Lift it over first "
                "(bcftools +liftover, or UCSC liftOver)"
            )
        raise UserError(
            f"{message}. Are they of one array? Impute them to the same panel, or ask for less overlap"
        )

    def _palindromic_frequencies(self, cohort: pd.DataFrame) -> np.ndarray:
        """Frequency in all cohorts so far of palindromic variants that this cohort has too; NaN elsewhere."""
        is_asked = is_palindromic(self.table["effect_allele"], self.table["other_allele"])
        is_asked &= pair_variants(cohort, self.table, "position")[0] >= 0
        counts = np.zeros((len(self.table), 3), dtype=np.int64)
        for source, columns, is_reversed in zip(self._sources, self.columns, self.is_reversed, strict=True):
            rows = np.flatnonzero(is_asked & (columns >= 0))
            # Files are read fastest in their own order.
            rows = rows[np.argsort(columns[rows])]
            found = genotype_counts(source, variants=columns[rows])
            counts[rows] += np.where(is_reversed[rows, None], found[:, ::-1], found)
        return allele_frequencies(counts)


def shared_by_all(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Whether every cohort has each variant, bool (variant,)."""
    return np.all([column >= 0 for column in columns], axis=0)
