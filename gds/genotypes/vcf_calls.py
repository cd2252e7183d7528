"""What the GT of a biallelic VCF record means as a dosage and as two haplotypes.

=================== ======== ============ ============
GT                  dosage   haplotypes   counted as
=================== ======== ============ ============
``0/0`` ``1/1``     0, 2     0 0, 1 1
``0/1``             1        -1 -1        unphased
``0|1`` ``1|0``     1        0 1, 1 0
``./.`` ``.``       -1       -1 -1
``./1`` ``0|.``     -1       -1 -1        half_missing
``0`` ``1``         0, 2     0 0, 1 1     haploid
=================== ======== ============ ============

Haploid calls (X in males) become homozygous, as in every PLINK file. A half-missing one is missing, since its
dosage is not known; but on X, Y and MT, where some programs write the haploid ``1`` as ``1/.``, it is haploid.
Homozygotes need no phase.
"""

import numpy as np

from gds.genotypes.matrix import MISSING

_NO_SECOND_ALLELE = -2


def decode_calls(
    calls: np.ndarray, can_be_haploid: np.ndarray, haplotypes: bool
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Decode calls by the table at the head of this file.

    Parameters
    ----------
    calls
        int16, shape (variant, sample, 3), C order: first and second allele numbers, -1 missing, -2 no second
        allele; then 1 where the call is phased. As cyvcf2 gives them.
    can_be_haploid
        bool, shape (variant,): variants on X, Y and MT, where half of a call is a haploid one.
    haplotypes
        Whether the second result is wanted.

    Returns
    -------
    dosage
        int8, shape (variant, sample). Above 2 where an allele number is above 1.
    pairs
        int8, shape (variant, sample, 2); with no variants unless ``haplotypes``.
    counts
        Number of calls of each variant by key of :data:`gds.genotypes.read_report.CALLS`; int64 (variant,).
    """
    zeros = np.zeros(len(calls), dtype=np.int64)
    counts = {"haploid": zeros, "half_missing": zeros}
    pairs = np.empty((0, calls.shape[1], 2), dtype=np.int8)
    if not haplotypes and calls.min(initial=0) >= 0 and calls.max(initial=0) <= 1:
        # As most are; one sum where they lie is faster than planes of their own.
        return (calls[..., 0] + calls[..., 1]).astype(np.int8), pairs, counts
    first, second, phased = np.ascontiguousarray(np.moveaxis(calls, -1, 0))
    if first.min(initial=0) < 0 or second.min(initial=0) < 0:
        half = (first == MISSING) ^ (second == MISSING)
        one_allele = (second == _NO_SECOND_ALLELE) | (half & can_be_haploid[:, None])
        known = np.maximum(first, second)
        first, second = np.where(one_allele, known, first), np.where(one_allele, known, second)
        missing = (first < 0) | (second < 0)
        counts["haploid"] = (one_allele & (first >= 0)).sum(axis=1)
        counts["half_missing"] = (missing & ((first >= 0) | (second >= 0))).sum(axis=1)
        dosage = np.where(missing, MISSING, _sum_of_alleles(first, second))
    else:
        dosage = _sum_of_alleles(first, second)
    if haplotypes:
        pairs = np.stack([first, second], axis=-1).astype(np.int8)
        unphased = (dosage == 1) & (phased == 0)
        pairs[unphased | (dosage < 0)] = MISSING
        counts["unphased"] = unphased.sum(axis=1)
    return dosage.astype(np.int8), pairs, counts


def _sum_of_alleles(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Number of effect alleles; 3 where an allele number is neither 0 nor 1."""
    total = first + second
    if first.max(initial=0) > 1 or second.max(initial=0) > 1:
        total[(first > 1) | (second > 1)] = 3
    return total
