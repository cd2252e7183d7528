"""How the alleles of one variant in two cohorts go together: same, swapped, on the other strand."""

import numpy as np
import pandas as pd

from gds.genotypes.variant_rules import NO_ALLELE

# Kinds of agreement, the more direct one first.
SAME, SWAPPED, FLIPPED, FLIPPED_AND_SWAPPED, INCOMPATIBLE = range(5)

# Only single nucleotides are looked for on the other strand: a deletion there also has another position.
_COMPLEMENT = {"A": "T", "T": "A", "C": "G", "G": "C", NO_ALLELE: NO_ALLELE}


def is_palindromic(effect: pd.Series | np.ndarray, other: pd.Series | np.ndarray) -> np.ndarray:
    """Whether the two alleles are each other's complement (A/T, C/G), so that strands look alike.

    Parameters
    ----------
    effect, other
        Alleles, shape (variant,).

    Returns
    -------
    numpy.ndarray
        bool, shape (variant,).
    """
    return complements(np.asarray(effect, dtype=object)) == np.asarray(other, dtype=object)


def compare_alleles(
    effect: np.ndarray, other: np.ndarray, wanted_effect: np.ndarray, wanted_other: np.ndarray
) -> np.ndarray:
    """Kind of agreement of each pair of variants.

    A variant without an alternative allele (everyone has the other one) agrees if that one is among the two
    wanted: its dosage is then 0 or 2 for everyone.

    Parameters
    ----------
    effect, other
        Alleles of the new cohort, strings, shape (pair,).
    wanted_effect, wanted_other
        Alleles that are wanted, shape (pair,).

    Returns
    -------
    numpy.ndarray
        int8, shape (pair,): SAME, SWAPPED, FLIPPED, FLIPPED_AND_SWAPPED or INCOMPATIBLE; for palindromic
        variants SAME or SWAPPED, as they are labelled.
    """
    kind = np.full(len(effect), INCOMPATIBLE, dtype=np.int8)
    one_strand = ~is_palindromic(wanted_effect, wanted_other)
    # The more direct agreement is written last.
    for a, b, direct, crossed, allowed in (
        (complements(effect), complements(other), FLIPPED, FLIPPED_AND_SWAPPED, one_strand),
        (effect, other, SAME, SWAPPED, np.ones(len(kind), dtype=bool)),
    ):
        # Without an alternative allele only the other one has to agree.
        nothing = a == NO_ALLELE
        kind[allowed & ((a == wanted_other) | nothing) & (b == wanted_effect)] = crossed
        kind[allowed & ((a == wanted_effect) | nothing) & (b == wanted_other)] = direct
    return kind


def complements(alleles: np.ndarray) -> np.ndarray:
    """The alleles as the other strand spells them; None for all that is not a single nucleotide."""
    codes, distinct = pd.factorize(alleles)
    answers = np.array([_COMPLEMENT.get(allele) for allele in distinct], dtype=object)
    return answers[codes] if len(distinct) else np.empty(0, dtype=object)
