"""Finding the variants of a saved featurizer in a new cohort."""

import numpy as np
import pandas as pd

from gds.errors import UserError

KEY = ["chromosome", "position", "effect_allele", "other_allele"]


def match_variants(variants: pd.DataFrame, wanted: pd.DataFrame) -> np.ndarray:
    """Row of each wanted variant in a cohort, by chromosome, position and both alleles.

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
    if repeated.any():
        # Only a repetition among the wanted ones is ambiguous.
        clash = present[repeated].isin(asked)
        if clash.any():
            key = present[repeated][clash][0]
            raise UserError(f"variant {':'.join(map(str, key))} occurs more than once in the genotype files")
        present = present[~repeated]
    rows = present.get_indexer(asked)
    absent = np.flatnonzero(rows < 0)
    if len(absent):
        examples = ", ".join(
            f"{row.id} ({row.chromosome}:{row.position} {row.effect_allele}/{row.other_allele})"
            for row in wanted.iloc[absent[:3]].itertuples()
        )
        raise UserError(
            f"{len(absent)} of {len(wanted)} variants of the featurizer are not in the genotype files with the same "
            f"position and alleles, e.g. {examples}"
        )
    return np.flatnonzero(~repeated)[rows] if repeated.any() else rows.astype(np.int64)
