"""Cases and controls in equal proportions within every level of a column, so that it says nothing of the label."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from gds.errors import UserError, did_you_mean
from gds.evaluation.auroc import combined_strata, rows_of_strata
from gds.studies.audit.cohort import AuditCohort

N_BINS = 5
MAX_LEVELS = 10  # numbers with more are cut into fifths


def matched_cohort(cohort: AuditCohort, columns: Sequence[str], seed: int = 0) -> AuditCohort:
    """The people that frequency matching keeps; those left out are counted in ``notes``.

    Parameters
    ----------
    cohort
        Labelled people.
    columns
        Of the table; text and codes level by level, numbers by fifths, missing ones a level of their own.
    seed
        Of the choice among people who are alike.

    Raises
    ------
    UserError
        No such column, or no level holds both classes.
    """
    strata = matching_strata(cohort.table, columns)
    rows = matched_rows(cohort.labels, strata, seed)
    kept = cohort.take(rows)
    note = f"{len(rows):,} of {len(strata):,} people were kept by matching on {', '.join(columns)}"
    return replace(kept, notes=[*cohort.notes, note])


def matched_rows(labels: np.ndarray, strata: np.ndarray, seed: int = 0) -> np.ndarray:
    """Rows of people such that every stratum has the same number of controls to a case.

    The number is that which keeps most people, to whole people a stratum.

    Parameters
    ----------
    labels
        0 or 1, (sample,).
    strata
        (sample,).
    seed
        Of the choice.

    Returns
    -------
    numpy.ndarray
        Ascending indices.
    """
    rng = np.random.default_rng(seed)
    parts = [
        (rows[labels[rows] == 1], rows[labels[rows] == 0]) for rows in rows_of_strata(strata, len(labels))
    ]
    parts = [(cases, controls) for cases, controls in parts if len(cases) and len(controls)]
    if not parts:
        raise UserError("nobody can be matched: no level of the columns holds people of both classes")

    def kept(ratio: float) -> list[tuple[int, int]]:
        n_cases = [int(min(len(cases), np.floor(len(controls) / ratio))) for cases, controls in parts]
        return [(n, int(np.floor(n * ratio))) for n in n_cases]

    ratios = {len(controls) / len(cases) for cases, controls in parts}
    best = max(sorted(ratios), key=lambda ratio: sum(map(sum, kept(ratio))))
    chosen = [
        rng.choice(group, n, replace=False)
        for pair, numbers in zip(parts, kept(best), strict=True)
        for group, n in zip(pair, numbers, strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def matching_strata(table: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Codes of people alike in the columns: text and codes level by level, numbers by fifths; (sample,).

    Raises
    ------
    UserError
        No such column.
    """
    for name in columns:
        if name not in table:
            raise UserError(f"--match {name}: no such column; {did_you_mean(name, table.columns)}")
    return combined_strata(*(_levels(table[name]) for name in columns))


def _levels(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > MAX_LEVELS:
        return pd.qcut(column, N_BINS, labels=False, duplicates="drop").fillna(-1).to_numpy()
    return column.astype(str).to_numpy(dtype=str)
