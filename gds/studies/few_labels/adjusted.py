"""What adjusting and stratifying leave of a few-label run: tables, lines, a section of the page."""

from typing import Any

import numpy as np
import pandas as pd

from gds.evaluation.auroc import stratified_auroc
from gds.evaluation.comparison import paired_difference
from gds.report.page import Page, format_interval
from gds.studies.few_labels.adjustment import COVARIATES
from gds.studies.few_labels.result import FewLabelOptions, FewLabelResult
from gds.studies.few_labels.task import FewLabelTask

RULE = (
    "Covariates alone are a logistic regression on the labelled few. Genotypes lose what the covariates explain of "
    "them, by a regression on training people without labels, and enter beside the covariates as an offset. The "
    "genetic part is compared with chance and with the ceiling; genotypes are of use where genotypes and covariates "
    "together are better than covariates alone, with the whole interval of the paired bootstrap. HWE-EM, components "
    "and fine-tuned encoders have no adjusted form, and the saved model is the one without covariates."
)
FIGURES = ["value", "lower", "upper"]


def gain_table(task: FewLabelTask, result: FewLabelResult) -> pd.DataFrame:
    """Difference of AUROC, genotypes and covariates less covariates alone, over the same test people.

    Returns
    -------
    pandas.DataFrame
        Index ``method``; columns ``value``, ``lower``, ``upper``; empty without adjustment.
    """
    groups, labels = task.families(task.test), task.labels_test
    rows = {
        name: paired_difference(
            labels, result.probabilities[name], result.probabilities[COVARIATES], groups=groups
        ).loc["auroc", FIGURES]
        for name, role in result.roles.items()
        if role == "combined"
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=FIGURES).rename_axis("method")


def strata_table(task: FewLabelTask, result: FewLabelResult, column: str) -> pd.DataFrame:
    """AUROC of every method over pairs of a case and a control of one level, and within each level.

    Returns
    -------
    pandas.DataFrame
        Columns ``method``, ``level`` (``all``: the pairs of all levels), ``people``, ``cases``, ``value``, ``lower``,
        ``upper``; NaN, not estimable, where a level has one class.
    """
    level = task.table(task.test, [column])[column].astype(str).to_numpy(dtype=str)
    families, labels = task.families(task.test), task.labels_test
    groups = np.arange(len(labels)) if families is None else families
    rows = []
    for method, probabilities in result.probabilities.items():
        for name in ["all", *np.unique(level)]:
            chosen = np.full(len(level), True) if name == "all" else level == name
            found = stratified_auroc(labels[chosen], probabilities[chosen, 1], level[chosen], groups[chosen])
            lower, upper = found.interval()
            rows.append(
                {
                    "method": method, "level": name, "people": int(chosen.sum()), "cases": int(labels[chosen].sum()),
                    "value": found.value, "lower": lower, "upper": upper,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def adjusted_figures(task: FewLabelTask, result: FewLabelResult, options: FewLabelOptions) -> dict[str, Any]:
    """For ``metrics.json``: the gain over covariates, and figures within strata; nothing where not asked for."""
    found: dict[str, Any] = {}
    if (gain := gain_table(task, result)).size:
        found["gain_over_covariates"] = _records(gain.reset_index())
    if options.stratify:
        found["within_strata"] = _records(strata_table(task, result, options.stratify))
    return found


def adjusted_lines(task: FewLabelTask, result: FewLabelResult) -> list[str]:
    """For the screen: what genotypes add to covariates, a line a method."""
    return [
        f"{name}: AUROC minus that of covariates alone {format_interval(*row)}"
        for name, *row in gain_table(task, result).itertuples()
    ]


def add_adjustment(page: Page, task: FewLabelTask, result: FewLabelResult, options: FewLabelOptions) -> None:
    """The section of the page; none where nothing was adjusted."""
    gain = gain_table(task, result)
    if gain.empty:
        return
    columns = ", ".join(result.details[COVARIATES]["columns"])
    page.add_section(f"Genotypes beside {columns}", RULE)
    cells = [format_interval(*row) for row in gain.to_numpy(float)]
    page.add_table(
        pd.DataFrame({"AUROC minus that of covariates alone": cells}, index=gain.index),
        "Value and 95 % interval, over the same test people.",
    )
    if options.stratify:
        table = strata_table(task, result, options.stratify)
        shown = [
            "not estimable" if np.isnan(row.value) else format_interval(row.value, row.lower, row.upper)
            for row in table.itertuples()
        ]
        page.add_table(
            table[["method", "level", "people", "cases"]].assign(AUROC=shown),
            f"Cases and controls of the same {options.stratify} only; all: the pairs of all levels together.",
        )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    plain = table.astype(object)
    return plain.where(plain.notna(), None).to_dict("records")
