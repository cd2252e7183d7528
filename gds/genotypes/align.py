"""Finding the variants of a saved featurizer in a new cohort, with exactly the same alleles."""

import numpy as np
import pandas as pd

from gds.errors import UserError

KEY = ["chromosome", "position", "effect_allele", "other_allele"]


def match_variants(variants: pd.DataFrame, wanted: pd.DataFrame) -> np.ndarray:
    """Row of each wanted variant in a cohort, by chromosome, position and both alleles.

    For a cohort whose alleles, strands or build may differ see
    :func:`gds.genotypes.alignment.align_genotypes`.

    Parameters
    ----------
    variants
        Variants of the cohort.
    wanted
        Variants to find.

    Returns
    -------
    numpy.ndarray
        int64 (wanted,), indices into ``variants``.

    Raises
    ------
    UserError
        A variant is absent or, with its alleles, occurs more than once.
    """
    if len(variants) == len(wanted) and all(
        np.array_equal(variants[name].to_numpy(), wanted[name].to_numpy()) for name in KEY
    ):
        return np.arange(len(wanted))
    present = pd.MultiIndex.from_frame(variants[KEY])
    asked = pd.MultiIndex.from_frame(wanted[KEY])
    repeated = present.duplicated()
    # Only a repetition among the wanted ones is ambiguous.
    clash = repeated & present.isin(asked) if repeated.any() else repeated
    if clash.any():
        chromosome, position, effect, other = present[clash][0]
        raise UserError(
            f"variant {chromosome}:{position} {effect}/{other} occurs more than once in the genotypes; "
            "keep one of them (plink2 --rm-dup, bcftools norm -d exact)"
        )
    rows = np.flatnonzero(~repeated)
    found = present[rows].get_indexer(asked)
    absent = np.flatnonzero(found < 0)
    if len(absent):
        examples = ", ".join(
            f"{row.id} ({row.chromosome}:{row.position} {row.effect_allele}/{row.other_allele})"
            for row in wanted.iloc[absent[:3]].itertuples()
        )
        raise UserError(
            f"{len(absent)} of {len(wanted)} variants of the featurizer are not among the {len(variants)} of these "
            f"genotypes with the same position and alleles, e.g. {examples}: align the cohort to the featurizer "
            "first (gds.genotypes.align_genotypes corrects swapped alleles, strands and builds)"
        )
    return rows[found].astype(np.int64)
