"""Labels from a column of the phenotype table: classes, or a measurement cut at a threshold."""

from typing import Literal

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.features.splits import UNLABELLED

POSITIVE_NAMES = ("case", "cases", "affected", "yes", "true", "als")
THRESHOLD_NAMES = ["low", "high"]


def encode_labels(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Class indices and names of a label column.

    Missing values and PLINK's -9 are unlabelled (-100). Classes are sorted, numbers as numbers; of two
    classes the second is the positive one, so ``case``, ``affected``, ``yes``, ``true`` and ``ALS`` are
    put second.

    Raises
    ------
    UserError
        Fewer than two classes, or so many that the column is a measurement rather than a label.
    """
    missing = values.isna() | values.astype(str).isin(["-9", "-9.0", "NA", ""])
    present = values[~missing]
    if pd.api.types.is_float_dtype(present) and (present % 1 == 0).all():
        present = present.astype(int)
    classes = sorted(present.unique().tolist())
    if len(classes) < 2:
        found = f"only {classes[0]!r}" if classes else "no value at all"
        raise UserError(f"label column {values.name!r} holds {found}: at least two classes are needed")
    people_a_class = len(present) / len(classes)
    if len(classes) > 10 and people_a_class < (10 if pd.api.types.is_numeric_dtype(present) else 2):
        raise UserError(
            f"label column {values.name!r} holds {len(classes)} different values for {len(present)} people: "
            "this looks like a measurement; give classes, or cut it in two with --label-threshold median"
        )
    if len(classes) == 2 and str(classes[0]).lower() in POSITIVE_NAMES:
        classes.reverse()
    codes = pd.Series(UNLABELLED, index=values.index, dtype=np.int64)
    codes[~missing] = present.map({label: index for index, label in enumerate(classes)})
    return codes.to_numpy(), [str(label) for label in classes]


def measured_values(values: pd.Series) -> np.ndarray:
    """A measurement as float64, NaN where missing; shape (sample,).

    Raises
    ------
    UserError
        The column holds text.
    """
    try:
        return pd.to_numeric(values).to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise UserError(
            f"--label-threshold needs numbers, but label column {values.name!r} holds text: {error}"
        ) from error


def terciles(values: np.ndarray) -> np.ndarray:
    """Strata of a measurement: ``0``, ``1``, ``2`` by its terciles, ``unlabelled`` where it is missing.

    Parameters
    ----------
    values
        Shape (sample,), NaN missing.
    """
    measured = np.isfinite(values)
    stratum = np.full(len(values), "unlabelled", dtype=object)
    if measured.any():
        cuts = np.quantile(values[measured], [1 / 3, 2 / 3])
        stratum[measured] = np.searchsorted(cuts, values[measured]).astype(str)
    return stratum.astype(str)


def cut_at_threshold(
    values: np.ndarray, training: np.ndarray, threshold: float | Literal["median"]
) -> tuple[np.ndarray, float]:
    """Classes of a measurement: 0 (low) up to the threshold, 1 (high) above it, -100 where it is missing.

    Parameters
    ----------
    values
        Shape (sample,), NaN missing.
    training
        Whether each person trains, bool, shape (sample,): the median is theirs alone.
    threshold
        A number, or ``"median"``.

    Returns
    -------
    labels
        int64, shape (sample,).
    threshold
        The number that was used.

    Raises
    ------
    UserError
        Training people without a value, or all on one side.
    """
    known = values[training & np.isfinite(values)]
    if not len(known):
        raise UserError("no training person has a value to cut at --label-threshold")
    limit = float(np.median(known)) if threshold == "median" else float(threshold)
    if not (known > limit).any() or not (known <= limit).any():
        raise UserError(
            f"--label-threshold {threshold} puts all {len(known)} training people with a value "
            f"({known.min():g} to {known.max():g}) on one side of {limit:g}: two classes are needed"
        )
    labels = np.where(values > limit, 1, 0)
    return np.where(np.isfinite(values), labels, UNLABELLED).astype(np.int64), limit
