"""Performance within each batch, and with a batch, plate, site or family held out whole."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gds.classifiers.inner_folds import inner_folds
from gds.evaluation.auroc import StratifiedAuroc, combined_strata, many_aurocs, stratified_auroc
from gds.report.page import format_interval
from gds.studies.audit.held_out import HatMatrix, fold_blocks
from gds.studies.audit.permutation import p_value

MAX_LEVELS_SHOWN = 12


def held_out_groups(
    hat: HatMatrix,
    labels: np.ndarray,
    score: np.ndarray,
    folds: np.ndarray,
    columns: dict[str, np.ndarray],
    groups: np.ndarray,
) -> pd.DataFrame:
    """The genetic classifier inside each level of a column, learned with and without that level.

    Parameters
    ----------
    hat
        Of the genotypes.
    labels, score, folds
        Label, cross-validated score and fold, (sample,).
    columns
        Name to levels, (sample,).
    groups
        Families, for standard errors.

    Returns
    -------
    pandas.DataFrame
        Columns ``column``, ``level``, ``people``, ``cases``, and ``within``, ``held_out`` with ``_lower`` and
        ``_upper``: AUROC among people of the level, learned from four fifths of everyone, and from the other levels
        alone. NaN, not estimable, where a level has one class (:func:`shown_groups` says so). The level ``all`` pools
        the pairs of all levels; of columns with more than 12 levels it stands alone.
    """
    rows = []
    for column, levels in columns.items():
        without = hat.held_out(labels.astype(np.float64), fold_blocks(levels))
        names = [str(name) for name in np.unique(levels)]
        for name in ["all", *(names if len(names) <= MAX_LEVELS_SHOWN else [])]:
            chosen = np.ones(len(labels), dtype=bool) if name == "all" else levels == name
            row: dict[str, object] = {
                "column": column, "level": name, "people": int(chosen.sum()), "cases": int(labels[chosen].sum()),
            }  # fmt: skip
            for what, values, strata in (
                ("within", score, combined_strata(folds, levels)),
                ("held_out", without, levels),
            ):
                found = stratified_auroc(labels[chosen], values[chosen], strata[chosen], groups[chosen])
                row[what] = found.value
                row[f"{what}_lower"], row[f"{what}_upper"] = found.interval()
            rows.append(row)
    return pd.DataFrame(rows)


def families_divided(
    hat: HatMatrix, labels: np.ndarray, whole: StratifiedAuroc, families: np.ndarray, n_folds: int, seed: int
) -> pd.DataFrame:
    """What folds that divide families would report, beside folds that hold them out whole.

    Parameters
    ----------
    hat, labels
        As in :func:`held_out_groups`.
    whole
        AUROC over folds with families whole.
    families
        Codes, (sample,).
    n_folds, seed
        Of the folds that ignore families.

    Returns
    -------
    pandas.DataFrame
        One row, as of :func:`held_out_groups`; none where nobody has a relative.
    """
    if len(np.unique(families)) == len(families):
        return pd.DataFrame()
    folds = np.zeros(len(labels), dtype=np.int64)
    for number, (_, held_out) in enumerate(inner_folds(labels, n_folds, seed=seed)):
        folds[held_out] = number
    divided = stratified_auroc(labels, hat.held_out(labels, fold_blocks(folds)), folds, families)
    row: dict[str, object] = {
        "column": "family", "level": "all", "people": len(labels), "cases": int(labels.sum())
    }  # fmt: skip
    for what, found in (("within", divided), ("held_out", whole)):
        row[what] = found.value
        row[f"{what}_lower"], row[f"{what}_upper"] = found.interval()
    return pd.DataFrame([row])


def shown_groups(table: pd.DataFrame) -> pd.DataFrame:
    """The table of :func:`held_out_groups` in words: intervals, or that a figure is not estimable."""

    def cell(row: pd.Series, what: str) -> str:
        if np.isnan(row[what]):
            return "not estimable"
        return format_interval(row[what], row[f"{what}_lower"], row[f"{what}_upper"])

    cells = {what: [cell(row, what) for _, row in table.iterrows()] for what in ("within", "held_out")}
    return table[["column", "level", "people", "cases"]].assign(**cells)


def permuted_within(
    hat: HatMatrix,
    labels: np.ndarray,
    observed: float,
    folds: np.ndarray,
    permutations: dict[str, np.ndarray],
) -> pd.DataFrame:
    """What the genetic classifier reaches when labels mean nothing, or nothing beyond the batch.

    Parameters
    ----------
    hat
        Of the genotypes.
    labels
        0 or 1, (sample,).
    observed
        Its AUROC over the folds.
    folds
        (sample,).
    permutations
        What labels were permuted within, to the permuted labels (sample, permutation).

    Returns
    -------
    pandas.DataFrame
        Index ``permuted``; columns ``observed``, ``mean``, ``upper`` (95 % of permutations lie below), ``p_value``.
    """
    blocks = fold_blocks(folds)
    rows = {}
    for name, permuted in permutations.items():
        chance = many_aurocs(permuted, hat.held_out(permuted, blocks), folds)
        rows[name] = {
            "observed": observed, "mean": chance.mean(), "upper": np.quantile(chance, 0.95),
            "p_value": p_value(observed, chance),
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("permuted")


def within_ancestry(
    labels: np.ndarray, score: np.ndarray, base: np.ndarray, ancestry: np.ndarray, groups: np.ndarray
) -> pd.DataFrame:
    """AUROC and accuracy inside each ancestry group.

    Parameters
    ----------
    labels, score, base, ancestry, groups
        Label, score, fold, group and family of each person, (sample,).

    Returns
    -------
    pandas.DataFrame
        Index ``ancestry``; columns ``people``, ``cases``, ``auroc``, ``lower``, ``upper``.
    """
    rows = {}
    levels: Sequence[str] = ["all, within groups", *np.unique(ancestry)]
    for name in levels:
        chosen = np.ones(len(labels), dtype=bool) if name == levels[0] else ancestry == name
        strata = combined_strata(base, ancestry)[chosen]
        found = stratified_auroc(labels[chosen], score[chosen], strata, groups[chosen])
        lower, upper = found.interval()
        rows[name] = {
            "people": int(chosen.sum()), "cases": int(labels[chosen].sum()), "auroc": found.value,
            "lower": lower, "upper": upper,
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("ancestry")
