"""Expected dosages of imputation made into whole ones.

The rule, the same for DS of a VCF and the dosages of a .pgen: the nearest whole number; 0.5 and 1.5, which
are equally near to two, go to the homozygote. How many calls were moved, and how many of them by more than
0.1 (where plink2 would by default call the genotype missing), is counted in the report.
"""

import numpy as np

from gds.genotypes.matrix import MISSING

# plink2 stores dosages in steps of 2**-14; anything nearer than that to a whole number is one.
_WHOLE = 2.0**-14
_FAR = 0.1 + 1e-6  # float32 puts 0.9 a little further away


def round_dosages(
    expected: np.ndarray, missing: np.ndarray, count: np.ndarray | None = None
) -> tuple[np.ndarray, dict[str, int]]:
    """Round expected dosages.

    Parameters
    ----------
    expected
        float, shape (variant, sample), from 0 to 2.
    missing
        bool, shape (variant, sample).
    count
        bool, shape (variant,): the variants whose calls are counted; default all.

    Returns
    -------
    dosage
        int8, shape (variant, sample); -1 missing.
    counts
        ``rounded`` and ``rounded_far``, see :data:`gds.genotypes.read_report.CALLS`.
    """
    known = np.where(missing, 0, expected)
    # Ties go to the even number, which is a homozygote both times.
    whole = np.rint(known)
    moved = np.abs(known - whole)
    if count is not None:
        moved = moved[count]
    dosage = np.where(missing, MISSING, whole).astype(np.int8)
    return dosage, {"rounded": int((moved > _WHOLE).sum()), "rounded_far": int((moved > _FAR).sum())}
