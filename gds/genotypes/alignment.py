"""A new cohort seen through the variants of a saved featurizer.

Variants are matched by position within a genome build, or by id across builds, and then by alleles:
swapped alleles turn a dosage x into 2 - x, single nucleotides on the other strand are recognised by their
complement. What a palindromic variant (A/T, C/G) on the other strand looks like is a swap; it is resolved by
the rule of :func:`align_genotypes`. A variant that is absent is missing for everyone, which every featurizer
fills with its training mean.
"""

from typing import Literal

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.alignment_report import AlignmentReport
from gds.genotypes.allele_match import FLIPPED, FLIPPED_AND_SWAPPED, SAME, SWAPPED, is_palindromic
from gds.genotypes.counts import allele_frequencies, genotype_counts
from gds.genotypes.matrix import MISSING, GenotypeSource, as_indices
from gds.genotypes.variant_pairs import pair_variants

MatchBy = Literal["auto", "position", "id"]
Palindromic = Literal["auto", "frequency", "drop", "keep"]

# With this many other nucleotides matched and none on the other strand, palindromic ones are not either.
_STRAND_EVIDENCE = 100
# Frequencies nearer to 1/2 than this do not tell the strand.
_AMBIGUOUS = 0.1
# Nor does the frequency in fewer people.
_FEWEST_PEOPLE = 20


class AlignedSource:
    """A cohort with the variants, alleles and order of another one.

    Attributes
    ----------
    samples, variants
        As in :class:`gds.genotypes.GenotypeSource`: the cohort's people, the variants wanted.
    columns, is_reversed
        Where each variant stands in the cohort (-1 absent), and whether the cohort counts its other allele.
    report
        :class:`AlignmentReport`.
    """

    def __init__(
        self,
        source: GenotypeSource,
        variants: pd.DataFrame,
        columns: np.ndarray,
        is_reversed: np.ndarray,
        report: AlignmentReport,
        genome_build: str | None = None,
    ) -> None:
        """Parameters
        ----------
        source
            The cohort.
        variants
            The variants wanted.
        columns
            Where each stands in the cohort, int64 (variant,); -1 absent.
        is_reversed
            Whether the cohort counts its other allele, bool (variant,).
        report
            How they were matched.
        genome_build
            That of the variants wanted.
        """
        self.samples = source.samples
        self.variants = variants.reset_index(drop=True)
        self.report = report
        self.genome_build = genome_build
        self._source = source
        self.columns = columns
        self.is_reversed = is_reversed

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`gds.genotypes.GenotypeSource.read`; absent variants are missing for everyone."""
        wanted = as_indices(variants, len(self.variants))
        return read_aligned(self._source, self.columns[wanted], self.is_reversed[wanted], samples)


def read_aligned(
    source: GenotypeSource, columns: np.ndarray, is_reversed: np.ndarray, samples: np.ndarray | None = None
) -> np.ndarray:
    """Dosages of variants that a cohort may lack, or of which it may count the other allele.

    Parameters
    ----------
    source
        The cohort.
    columns
        Where each variant stands in it, int64 (variant,); -1 absent.
    is_reversed
        Whether the cohort counts its other allele, bool (variant,).
    samples
        Indices or boolean mask of the people; None for everyone.

    Returns
    -------
    numpy.ndarray
        int8 (sample, variant), -1 missing; absent variants are missing for everyone.
    """
    present = np.flatnonzero(columns >= 0)
    found = source.read(columns[present], samples).T
    dosage = np.full((len(columns), found.shape[1]), MISSING, dtype=np.int8)
    dosage[present] = found
    crossed = present[is_reversed[present]]
    # 0, 1, 2 and, at the end, -1.
    dosage[crossed] = np.array([2, 1, 0, MISSING], dtype=np.int8)[dosage[crossed]]
    return dosage.T


def align_genotypes(
    source: GenotypeSource,
    variants: pd.DataFrame,
    allele_frequency: np.ndarray | None = None,
    *,
    genome_build: str | None = None,
    match_by: MatchBy = "auto",
    palindromic: Palindromic = "auto",
    min_overlap: float = 0.5,
) -> AlignedSource:
    """Look at a cohort through the variants of a saved featurizer.

    Palindromic variants, by default (``"auto"``): if at least 100 other nucleotides matched and none of them
    was on the other strand, they are taken as labelled; otherwise as with ``"frequency"``. There the frequency
    of the effect allele must differ from 1/2 by at least 0.1 both in training and in the cohort (of at least
    20 people with a genotype): on the same side of 1/2 the labels are right, on opposite sides the strand is
    the other one; nearer to 1/2 the variant is dropped. ``"drop"`` drops all, ``"keep"`` takes all as labelled.

    Parameters
    ----------
    source
        The new cohort.
    variants
        The variants wanted, columns as of :class:`gds.genotypes.GenotypeSource`: ``featurizer.variants_``.
    allele_frequency
        Frequency of their effect alleles in training, shape (variant,); without it the frequency decides
        nothing, and palindromic variants whose strand is in doubt are dropped.
    genome_build
        Build of the variants wanted, e.g. ``"hg19"``.
    match_by
        ``"position"`` (chromosome and position), ``"id"`` (rs numbers; across builds), or ``"auto"``: by id if
        the builds of both are known and differ, otherwise by position.
    palindromic
        ``"auto"``, ``"frequency"``, ``"drop"`` or ``"keep"``.
    min_overlap
        Share of the wanted variants that must be found.

    Returns
    -------
    AlignedSource
        With its ``report``.

    Raises
    ------
    UserError
        Fewer variants are found than that; the message says how many another way of matching would find.
    """
    if palindromic not in ("auto", "frequency", "drop", "keep"):
        raise UserError(f"palindromic must be auto, frequency, drop or keep, found {palindromic!r}")
    by = _how(match_by, getattr(source, "genome_build", None), genome_build)
    columns, kind, n_incompatible = pair_variants(source.variants, variants, by)
    is_reversed = np.isin(kind, (SWAPPED, FLIPPED_AND_SWAPPED))
    is_plain = columns >= 0
    # One allele is enough to tell the strand of a variant that does not vary, unless it is palindromic.
    ambiguous = np.flatnonzero(is_plain & is_palindromic(variants["effect_allele"], variants["other_allele"]))
    is_plain[ambiguous] = False
    by_frequency = np.zeros(0, dtype=np.int64)
    dropped = np.zeros(0, dtype=np.int64)
    if len(ambiguous) and not _as_labelled(palindromic, kind[is_plain]):
        decided, other_strand = _strand_by_frequency(
            source, columns[ambiguous], is_reversed[ambiguous], ambiguous, allele_frequency, palindromic
        )
        dropped, by_frequency = ambiguous[~decided], ambiguous[decided]
        is_reversed[ambiguous[other_strand]] ^= True
        columns[dropped] = -1
    n_found = int((columns >= 0).sum())
    report = AlignmentReport(
        matched_by=by,
        wanted=len(variants),
        found=n_found,
        overlap=n_found / max(len(variants), 1),
        same=int((kind[is_plain] == SAME).sum()),
        swapped=int((kind[is_plain] == SWAPPED).sum()),
        flipped=int((kind[is_plain] == FLIPPED).sum()),
        flipped_and_swapped=int((kind[is_plain] == FLIPPED_AND_SWAPPED).sum()),
        palindromic_as_labelled=len(ambiguous) - len(by_frequency) - len(dropped),
        palindromic_by_frequency=len(by_frequency),
        palindromic_dropped=len(dropped),
        incompatible=n_incompatible,
        absent=len(variants) - n_found - len(dropped) - n_incompatible,
        unused=len(source.variants) - len(np.unique(columns[columns >= 0])),
    )
    if report.overlap < min_overlap or not n_found:
        raise UserError(_too_few(source.variants, variants, report, min_overlap))
    return AlignedSource(source, variants, columns, is_reversed, report, genome_build)


def _how(match_by: str, found_build: str | None, wanted_build: str | None) -> str:
    if match_by not in ("auto", "position", "id"):
        raise UserError(f"match_by must be auto, position or id, found {match_by!r}")
    differ = found_build is not None and wanted_build is not None and found_build != wanted_build
    if match_by == "position" and differ:
        raise UserError(
            f"the cohort is on {found_build} and the model on {wanted_build}: their positions do not "
            "correspond; match by id"
        )
    if match_by != "auto":
        return match_by
    return "id" if differ else "position"


def _as_labelled(palindromic: str, kinds: np.ndarray) -> bool:
    """Whether palindromic variants are taken as they are labelled, by how the others agree."""
    if palindromic != "auto":
        return palindromic == "keep"
    return len(kinds) >= _STRAND_EVIDENCE and not np.isin(kinds, (FLIPPED, FLIPPED_AND_SWAPPED)).any()


def _strand_by_frequency(
    source: GenotypeSource,
    columns: np.ndarray,
    is_reversed: np.ndarray,
    rows: np.ndarray,
    allele_frequency: np.ndarray | None,
    palindromic: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Whether the strand of each palindromic variant can be told, and whether it is the other one."""
    nothing = np.zeros(len(rows), dtype=bool)
    if allele_frequency is None or palindromic == "drop":
        return nothing, nothing
    # Files are read fastest, and VCFs only, in their own order.
    order = np.argsort(columns)
    counts = np.empty((len(rows), 3), dtype=np.int64)
    counts[order] = genotype_counts(source, variants=columns[order])
    found = allele_frequencies(counts)
    found = np.where(is_reversed, 1 - found, found) - 0.5
    trained = np.asarray(allele_frequency, dtype=np.float64)[rows] - 0.5
    # A small tolerance, so that a frequency of exactly 0.4 counts as far enough.
    far = (np.abs(found) >= _AMBIGUOUS - 1e-9) & (np.abs(trained) >= _AMBIGUOUS - 1e-9)
    decided = far & (counts.sum(axis=1) >= _FEWEST_PEOPLE)
    return decided, decided & (np.sign(found) != np.sign(trained))


def _too_few(cohort: pd.DataFrame, wanted: pd.DataFrame, report: AlignmentReport, min_overlap: float) -> str:
    other = "id" if report.matched_by == "position" else "position"
    columns, _, _ = pair_variants(cohort, wanted, other)
    n_other = int((columns >= 0).sum())
    message = (
        f"only {report.found} of the {report.wanted} variants of the model are among the {len(cohort)} of these "
        f"genotypes by {report.matched_by} and alleles ({report.overlap:.1%}; at least {min_overlap:.0%} are needed; "
        f"{report.absent} absent, {report.incompatible} with other alleles, {report.palindromic_dropped} palindromic "
        f"of unknown strand)"
    )
    if n_other > max(report.found, min_overlap * report.wanted):
        why = "is the genome build another one" if other == "id" else "are the ids another naming"
        return f"{message}. By {other} {n_other} are: {why}? Then match by {other}"
    return f"{message}. Is it the same genome build and array? Impute the cohort, or train on the variants it shares"
