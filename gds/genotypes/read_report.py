"""What was read from genotype files and what was left out, in counts: nothing is dropped in silence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# What the keys of the counts mean, in the order in which they are printed.
DROPPED = {
    "other_chromosome": "on a chromosome that was not asked for",
    "negative_position": "with a negative position, which switches a variant off",
    "multi_allelic": "with several alternative alleles",
    "symbolic": "whose alleles are not sequences (<DEL>, *, breakends)",
    "no_alleles": "without any allele",
    "duplicate": "repeated with the same position and alleles; the first was kept",
}
NOTED = {
    "indels": "insertions or deletions",
    "no_alternative_allele": "without an alternative allele: everyone has the other one",
    "unplaced": "at unknown places with alleles 0 and 1, since there is no legend",
}
CALLS = {
    "haploid": "haploid, counted as homozygous",
    "half_missing": "with one of two alleles missing, taken as missing",
    "unphased": "heterozygous without phase, among haplotypes",
    "without_genotypes": "in records without genotypes, taken as missing",
    "rounded": "expected dosages rounded to the nearest whole number",
    "rounded_far": "of these, moved by more than 0.1",
}


@dataclass
class ReadReport:
    """Counts of one reading; :func:`dataclasses.asdict` gives a record for JSON.

    Attributes
    ----------
    files
        The files that were read.
    samples
        Number of people.
    variants_found, variants_kept
        Number of variants in the files, and of those that can be read.
    dropped
        Number of variants left out by reason: the keys of ``DROPPED``. A variant counts once, for the first
        reason that applies.
    noted
        Number of kept variants that are worth a word: the keys of ``NOTED``.
    calls
        Number of calls (person times variant) that needed a rule: the keys of ``CALLS``. Each is counted when
        it is first read for everyone.
    """

    files: list[str]
    samples: int
    variants_found: int
    variants_kept: int
    dropped: dict[str, int] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    def add_calls(self, counts: Mapping[str, int]) -> None:
        """Count more calls; the keys are those of ``CALLS``."""
        self.calls = _sum([self.calls, counts])

    def lines(self) -> list[str]:
        """The report in words, a line for each count that is not zero."""
        named = self.files[0] if len(self.files) == 1 else f"{len(self.files)} files"
        lines = [f"{named}: {self.samples} people, {self.variants_kept} of {self.variants_found} variants"]
        for counts, meanings, phrase in (
            (self.dropped, DROPPED, "left out {} variants {}"),
            (self.noted, NOTED, "kept {} variants: {}"),
            (self.calls, CALLS, "{} calls: {}"),
        ):
            lines += ["  " + phrase.format(counts[key], meanings[key]) for key in meanings if counts.get(key)]
        return lines


def join_reports(reports: Sequence[ReadReport]) -> ReadReport:
    """The report of several files of the same people."""
    return ReadReport(
        files=[name for report in reports for name in report.files],
        samples=reports[0].samples,
        variants_found=sum(report.variants_found for report in reports),
        variants_kept=sum(report.variants_kept for report in reports),
        dropped=_sum([report.dropped for report in reports]),
        noted=_sum([report.noted for report in reports]),
        calls=_sum([report.calls for report in reports]),
    )


def _sum(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Counts added up key by key; zeros are left out."""
    keys = dict.fromkeys(key for each in counts for key in each)
    totals = {key: sum(each.get(key, 0) for each in counts) for key in keys}
    return {key: total for key, total in totals.items() if total}
