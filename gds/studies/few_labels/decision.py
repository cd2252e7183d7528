"""Calibration and net benefit of a few-label run, for everyone and by sex and ancestry."""

from typing import Any

import numpy as np
import pandas as pd

from gds.evaluation.calibration import calibration_table, reliability_curve
from gds.evaluation.classification import classification_metrics
from gds.evaluation.decision import net_benefit
from gds.evaluation.prevalence import population_probability
from gds.provenance import NOT_CLINICAL
from gds.report.page import Page, format_interval
from gds.studies.few_labels.result import FewLabelResult
from gds.studies.few_labels.task import FewLabelTask

GROUP_NAMES = ("sex", "population", "superpopulation", "ancestry", "ethnicity")
MIN_PEOPLE = 20  # of each class, for figures of a group
FIGURES = ("slope", "intercept", "auroc")
TIMES_PREVALENCE = (0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5)  # thresholds in the population


def calibration_by_group(task: FewLabelTask, probability: np.ndarray) -> pd.DataFrame:
    """Calibration slope, intercept and AUROC of one method, with intervals.

    Parameters
    ----------
    task
        With the test people.
    probability
        Of class 1, (sample,).

    Returns
    -------
    pandas.DataFrame
        Columns ``group``, ``people``, ``cases``, and ``slope``, ``intercept``, ``auroc``, each with ``_lower`` and
        ``_upper``; NaN, not estimable, for groups with fewer than 20 people of a class.
    """
    groups = {"everyone": np.ones(len(task.test), dtype=bool)}
    for column in task.cohort.people.columns:
        if str(column).lower() in GROUP_NAMES:
            level = task.table(task.test, [column])[column].astype(str).to_numpy()
            groups |= {f"{column} {name}": level == name for name in np.unique(level)}
    rows = []
    for name, chosen in groups.items():
        labels = task.labels_test[chosen]
        row = {"group": name, "people": int(chosen.sum()), "cases": int(labels.sum())}
        row |= dict.fromkeys([f"{what}{end}" for what in FIGURES for end in ("", "_lower", "_upper")], np.nan)
        if np.bincount(labels, minlength=2).min() >= MIN_PEOPLE:
            table = calibration_table(labels, probability[chosen])
            table.loc["auroc"] = classification_metrics(labels, probability[chosen]).loc["auroc"]
            for what in FIGURES:
                row |= {what: table.at[what, "value"]}
                row |= {f"{what}_{end}": table.at[what, end] for end in ("lower", "upper")}
        rows.append(row)
    return pd.DataFrame(rows)


def shown_calibration(table: pd.DataFrame) -> pd.DataFrame:
    """The table of :func:`calibration_by_group` in words."""

    def cell(row: dict[str, Any], what: str) -> str:
        if np.isnan(row[what]):
            return "not estimable"
        return format_interval(row[what], row[f"{what}_lower"], row[f"{what}_upper"])

    rows = table.to_dict("records")
    return table[["group", "people", "cases"]].assign(
        **{what: [cell(row, what) for row in rows] for what in FIGURES}
    )


def decision_figures(task: FewLabelTask, result: FewLabelResult, names: list[str]) -> dict[str, Any]:
    """For ``metrics.json``: reliability, calibration by group and net benefit of the methods named."""
    if len(task.class_names) != 2:
        return {}
    found: dict[str, list[dict[str, Any]]] = {"reliability": [], "calibration": [], "net_benefit": []}
    for name in names:
        probability = result.probabilities[name][:, 1]
        for what, table in (
            ("reliability", reliability_curve(task.labels_test, probability)),
            ("calibration", calibration_by_group(task, probability)),
            ("net_benefit", net_benefit(task.labels_test, probability).reset_index()),
        ):
            plain = table.astype(object).where(table.notna(), None)
            found[what] += [{"method": name, **row} for row in plain.to_dict("records")]
    return found


def add_decisions(page: Page, task: FewLabelTask, result: FewLabelResult, names: list[str]) -> None:
    """Calibration by group, and decision curves, of the methods named."""
    from gds.report.figures import decision_curves

    page.add_section(
        "Do probabilities mean what they say, and is acting on them of use?",
        "Calibration slope 1 and intercept 0 are right; a slope below 1 means predictions that are too extreme. Net "
        "benefit counts cases found less controls called cases, weighted by the odds of the threshold (Vickers and "
        "Elkin 2006); a classifier is of use where it lies above calling everyone and calling nobody. Both are at the "
        f"case fraction of this sample unless a figure speaks of the population. {NOT_CLINICAL}",
    )
    curves = {name: net_benefit(task.labels_test, result.probabilities[name][:, 1]) for name in names}
    page.add_figure(
        decision_curves(curves),
        "Net benefit by threshold; dotted: nobody is called a case, dashed: everybody is.",
        "Decision curves",
    )
    K = task.cohort.description.prevalence
    if K is not None and 5 * K < 1:
        thresholds = tuple(K * times for times in TIMES_PREVALENCE)
        share = float(np.mean(task.labels_few))
        in_population = {
            name: net_benefit(
                task.labels_test, population_probability(result.probabilities[name][:, 1], K, share), thresholds,
                prevalence=K,
            )
            for name in names
        }  # fmt: skip
        page.add_figure(
            decision_curves(in_population),
            f"The same in a population of prevalence {K:.3g}, for thresholds of half to five times that risk.",
            "Decision curves in the population",
        )
    for name in names[:2]:
        table = calibration_by_group(task, result.probabilities[name][:, 1])
        page.add_table(shown_calibration(table), f"{name}, with 95 % intervals.")


def with_population_probability(task: FewLabelTask, table: pd.DataFrame) -> pd.DataFrame:
    """Add ``p_<case>_in_population``, where the prevalence is stated and there are two classes."""
    K = task.cohort.description.prevalence
    if K is None or len(task.class_names) != 2:
        return table
    case = f"p_{task.class_names[1]}"
    corrected = population_probability(table[case].to_numpy(), K, float(np.mean(task.labels_few)))
    return table.assign(**{f"{case}_in_population": corrected})
