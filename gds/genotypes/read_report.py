"""What was read from genotype files and what was left out, in counts: nothing is dropped in silence."""

from collections import Counter
from collections.abc import Sequence
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
    """Counts of one reading; :class:`dict` by :func:`dataclasses.asdict` for a record in JSON.

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
    dropped: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """The report in words, a line for each count that is not zero."""
        named = self.files[0] if len(self.files) == 1 else f"{len(self.files)} files"
        lines = [f"{named}: {self.samples} people, {self.variants_kept} of {self.variants_found} variants"]
        lines += [
            f"  left out {self.dropped[key]} variants {what}"
            for key, what in DROPPED.items()
            if self.dropped[key]
        ]
        lines += [
            f"  kept {self.noted[key]} variants: {what}" for key, what in NOTED.items() if self.noted[key]
        ]
        lines += [f"  {self.calls[key]} calls: {what}" for key, what in CALLS.items() if self.calls[key]]
        return lines


def join_reports(reports: Sequence[ReadReport]) -> ReadReport:
    """The report of several files of the same people."""
    return ReadReport(
        files=[name for report in reports for name in report.files],
        samples=reports[0].samples,
        variants_found=sum(report.variants_found for report in reports),
        variants_kept=sum(report.variants_kept for report in reports),
        dropped=sum((report.dropped for report in reports), Counter()),
        noted=sum((report.noted for report in reports), Counter()),
        calls=sum((report.calls for report in reports), Counter()),
    )
