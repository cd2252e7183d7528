"""What became of every cohort's variants when cohorts were merged."""

from dataclasses import dataclass


@dataclass
class MergedCohort:
    """Counts of one cohort; a cohort is compared with those before it.

    Attributes
    ----------
    name
        Name of the cohort.
    people, variants
        What it holds.
    used
        Its variants among the merged ones.
    unused
        Its other variants: those that some cohort lacks (intersection), and those of ``palindromic_dropped``.
    absent
        Merged variants that it lacks: missing for all its people (union).
    own
        Its variants that no earlier cohort has; for the first cohort all.
    same, swapped, flipped, flipped_and_swapped
        Variants shared with an earlier cohort: as they are, with effect and other allele exchanged, on the
        other strand, both.
    palindromic_as_labelled, palindromic_by_frequency, palindromic_dropped
        Palindromic variants shared with an earlier cohort: taken as labelled, decided by allele frequency,
        or not taken from this cohort because their strand could not be told.
    other_alleles
        Variants of earlier cohorts at whose position this one has only other alleles.
    """

    name: str
    people: int
    variants: int
    used: int
    unused: int
    absent: int
    own: int
    same: int = 0
    swapped: int = 0
    flipped: int = 0
    flipped_and_swapped: int = 0
    palindromic_as_labelled: int = 0
    palindromic_by_frequency: int = 0
    palindromic_dropped: int = 0
    other_alleles: int = 0


_WORDS = {
    "same": "shared with an earlier cohort as they are",
    "swapped": "with swapped alleles, corrected",
    "flipped": "on the other strand, corrected",
    "flipped_and_swapped": "on the other strand with swapped alleles, corrected",
    "palindromic_as_labelled": "palindromic, taken as labelled",
    "palindromic_by_frequency": "palindromic, decided by allele frequency",
    "palindromic_dropped": "palindromic of unknown strand, not taken",
    "other_alleles": "where an earlier cohort has other alleles",
    "absent": "of other cohorts, missing for these people",
}


@dataclass
class MergeReport:
    """Counts of one merge; :func:`dataclasses.asdict` gives a record for JSON.

    Attributes
    ----------
    how
        ``"intersection"`` or ``"union"``.
    people, variants
        What the merged cohorts hold.
    in_every_cohort
        Merged variants that every cohort has.
    alternatives_found
        Variants without an alternative allele in one cohort that another one named.
    shared_families
        Family names that occur in several cohorts; such families are taken as one.
    cohorts
        Each cohort, in the order of merging.
    """

    how: str
    people: int
    variants: int
    in_every_cohort: int
    alternatives_found: int
    shared_families: int
    cohorts: list[MergedCohort]

    def lines(self) -> list[str]:
        """The report in words, a line for each count that is not zero."""
        lines = [
            f"{len(self.cohorts)} cohorts merged ({self.how}): {self.people} people, {self.variants} variants, "
            f"{self.in_every_cohort} of them in every cohort"
        ]
        if self.alternatives_found:
            lines.append(
                f"  {self.alternatives_found} variants got their alternative allele from another cohort"
            )
        if self.shared_families:
            lines.append(
                f"  {self.shared_families} family names occur in several cohorts: taken as one family each"
            )
        for cohort in self.cohorts:
            lines.append(
                f"  {cohort.name}: {cohort.people} people, {cohort.used} of its {cohort.variants} variants used"
            )
            lines += [
                f"    {getattr(cohort, key)} {what}" for key, what in _WORDS.items() if getattr(cohort, key)
            ]
        return lines
