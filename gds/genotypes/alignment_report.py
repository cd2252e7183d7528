"""What became of the variants that a model wants of a cohort: counts, and the same in words."""

from dataclasses import dataclass


@dataclass
class AlignmentReport:
    """What became of the variants that were wanted; :func:`dataclasses.asdict` gives a record for JSON.

    Attributes
    ----------
    matched_by
        ``"position"`` or ``"id"``.
    wanted, found, overlap
        Number of variants wanted, of those that can be used, and their ratio.
    same, swapped, flipped, flipped_and_swapped
        Of the found ones: as they are, with effect and other allele exchanged, on the other strand, both.
    palindromic_as_labelled, palindromic_by_frequency
        Of the found ones: palindromic and taken as their alleles say, or decided by their frequency.
    palindromic_dropped
        Wanted ones that are there, but whose strand could not be told.
    incompatible
        Wanted ones at whose place the cohort has other alleles.
    absent
        Wanted ones that the cohort does not have.
    unused
        Variants of the cohort that are not wanted.
    """

    matched_by: str
    wanted: int
    found: int
    overlap: float
    same: int
    swapped: int
    flipped: int
    flipped_and_swapped: int
    palindromic_as_labelled: int
    palindromic_by_frequency: int
    palindromic_dropped: int
    incompatible: int
    absent: int
    unused: int

    def lines(self) -> list[str]:
        """The report in words."""
        first = f"{self.found} of {self.wanted} variants found by {self.matched_by} ({self.overlap:.1%})"
        words = {
            "same": "as they are",
            "swapped": "with swapped alleles, corrected",
            "flipped": "on the other strand, corrected",
            "flipped_and_swapped": "on the other strand with swapped alleles, corrected",
            "palindromic_as_labelled": "palindromic, taken as labelled",
            "palindromic_by_frequency": "palindromic, decided by allele frequency",
            "palindromic_dropped": "palindromic of unknown strand, filled with the training mean",
            "incompatible": "with other alleles, filled with the training mean",
            "absent": "absent, filled with the training mean",
            "unused": "of the cohort not used by the model",
        }
        return [first] + [
            f"  {getattr(self, key)} {what}" for key, what in words.items() if getattr(self, key)
        ]
