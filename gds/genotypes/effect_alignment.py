"""Published effects brought to the variants, alleles and strands of a cohort.

The work is that of :func:`gds.genotypes.alignment.align_genotypes`, with the published variants as the ones wanted:
where the cohort counts the other allele, an effect changes its sign.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.alignment import MatchBy, Palindromic, align_genotypes
from gds.genotypes.alignment_report import AlignmentReport
from gds.genotypes.counts import allele_frequencies, count_genotypes
from gds.genotypes.genome_builds import build_name
from gds.genotypes.matrix import Genotypes
from gds.genotypes.summary_statistics import SummaryStatistics
from gds.genotypes.variant_pairs import pair_variants

# Frequencies of the study and of the cohort that differ by more are counted: another ancestry, or a wrong allele.
_FREQUENCIES_DIFFER = 0.2


@dataclass(frozen=True)
class AlignedEffects:
    """Effects of the allele that the cohort counts; the matched variants in the cohort's order.

    Attributes
    ----------
    columns
        Index of each matched variant among those of the cohort, ascending, int64 (matched,).
    effect, z, neg_log10_p, n
        As of :class:`~gds.genotypes.summary_statistics.SummaryStatistics`, (matched,).
    counts
        What became of the published variants, for a record in JSON.
    """

    columns: np.ndarray
    effect: np.ndarray
    z: np.ndarray
    neg_log10_p: np.ndarray
    n: np.ndarray
    counts: dict[str, Any]

    def lines(self) -> list[str]:
        """The counts in words."""
        counts = self.counts
        lines = [
            f"{counts['found']:,} of the {counts['cohort']:,} variants of the cohort have a published effect, found by "
            f"{counts['matched_by']} ({counts['published']:,} published)"
        ]
        words = {
            "same": "as they are",
            "swapped": "with swapped alleles: sign of the effect changed",
            "flipped": "on the other strand",
            "flipped_and_swapped": "on the other strand with swapped alleles: sign of the effect changed",
            "palindromic_as_labelled": "palindromic, taken as labelled",
            "palindromic_by_frequency": "palindromic, decided by allele frequency",
            "palindromic_dropped": "palindromic of unknown strand, left out",
            "incompatible": "with other alleles, left out",
            "repeated": "of a variant that has one already, left out",
            "constant": "of a variant that does not vary among the training people, left out",
            "frequency_differs": f"kept, though frequencies differ by more than {_FREQUENCIES_DIFFER}",
        }
        return lines + [f"  {counts[key]:,} {what}" for key, what in words.items() if counts[key]]


def align_effects(
    statistics: SummaryStatistics,
    cohort: Genotypes,
    *,
    genome_build: str | None = None,
    match_by: MatchBy = "auto",
    palindromic: Palindromic = "auto",
) -> AlignedEffects:
    """Find the published variants in a cohort.

    Parameters
    ----------
    statistics
        What was published.
    cohort
        Training people: their allele frequencies may decide the strand of palindromic variants.
    genome_build
        Of the cohort.
    match_by, palindromic
        As of :func:`~gds.genotypes.alignment.align_genotypes`.

    Raises
    ------
    UserError
        No variant is found; the message says how many another way of matching would find.
    """
    build = build_name(genome_build)
    by = match_by
    if by == "auto":
        differ = build and statistics.genome_build and build != statistics.genome_build
        by = "id" if differ else "position"
    elif by == "position" and build and statistics.genome_build and build != statistics.genome_build:
        raise UserError(
            f"{statistics.report.file} is on {statistics.genome_build} and the cohort on {build}: their "
            "positions do not correspond; match by id"
        )
    there = _at_its_place(statistics.variants, cohort.variants, by)
    if not len(there):
        raise UserError(_nothing_found(statistics, cohort.variants, by))
    wanted = statistics.variants.iloc[there].reset_index(drop=True)
    frequency = statistics.frequency[there]
    aligned = align_genotypes(
        cohort,
        wanted,
        np.where(np.isfinite(frequency), frequency, 0.5),  # 1/2 decides no strand
        match_by=by,
        palindromic=palindromic,
        min_overlap=0.0,
    )
    found_frequency = allele_frequencies(count_genotypes(cohort.dosage))
    found = np.flatnonzero(aligned.columns >= 0)
    order = found[np.argsort(aligned.columns[found], kind="stable")]
    columns, first = np.unique(aligned.columns[order], return_index=True)
    varies = (found_frequency[columns] > 0) & (found_frequency[columns] < 1)
    columns, rows = columns[varies], order[first][varies]
    sign = np.where(aligned.is_reversed[rows], -1.0, 1.0)
    published = np.where(aligned.is_reversed[rows], 1 - frequency[rows], frequency[rows])
    if not len(columns):
        raise UserError(
            f"{statistics.report.file}: no variant with a published effect varies among these people"
        )
    return AlignedEffects(
        columns=columns,
        effect=sign * statistics.effect[there][rows],
        z=sign * statistics.z[there][rows],
        neg_log10_p=statistics.neg_log10_p[there][rows],
        n=statistics.n[there][rows],
        counts=_counts(statistics, cohort, aligned.report)
        | {
            "found": len(columns),
            "repeated": len(found) - len(varies),
            "constant": int((~varies).sum()),
            "frequency_differs": int(
                (np.abs(published - found_frequency[columns]) > _FREQUENCIES_DIFFER).sum()
            ),
        },
    )


def _counts(statistics: SummaryStatistics, cohort: Genotypes, report: AlignmentReport) -> dict[str, Any]:
    kinds = (
        "matched_by", "same", "swapped", "flipped", "flipped_and_swapped", "palindromic_as_labelled",
        "palindromic_by_frequency", "palindromic_dropped", "incompatible",
    )  # fmt: skip
    return {
        "published": len(statistics.variants),
        "cohort": len(cohort.variants),
        "genome_build": statistics.genome_build,
        **{name: getattr(report, name) for name in kinds},
    }


def _at_its_place(published: pd.DataFrame, cohort: pd.DataFrame, by: str) -> np.ndarray:
    """Rows of the published variants at whose position, or with whose id, the cohort has one."""
    if by == "id":
        ids = cohort["id"].astype(str).str.split(";").explode()
        return np.flatnonzero(published["id"].isin(set(ids) - {"."}))
    places = pd.MultiIndex.from_frame(cohort[["chromosome", "position"]])
    return np.flatnonzero(pd.MultiIndex.from_frame(published[["chromosome", "position"]]).isin(places))


def _nothing_found(statistics: SummaryStatistics, cohort: pd.DataFrame, by: str) -> str:
    other = "id" if by == "position" else "position"
    there = _at_its_place(statistics.variants, cohort, other)
    columns, _, _ = pair_variants(cohort, statistics.variants.iloc[there].reset_index(drop=True), other)
    n_other = int((columns >= 0).sum())
    message = (
        f"none of the {len(statistics.variants):,} variants of {statistics.report.file} is among the {len(cohort):,} "
        f"of the cohort by {by}"
    )
    if n_other:
        return (
            f"{message}; by {other} {n_other:,} are: is the genome build another one? Then state both builds, or match "
            f"by {other}"
        )
    return (
        f"{message}, nor by {other}: is it the same genome build, and are these the variants of this cohort?"
    )
