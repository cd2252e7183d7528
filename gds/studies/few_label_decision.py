"""Calibration and net benefit of a few-label run, for everyone and by sex and ancestry."""

import numpy as np
import pandas as pd

from gds.evaluation.calibration import calibration_table
from gds.evaluation.classification import classification_metrics
from gds.evaluation.decision import net_benefit
from gds.evaluation.prevalence import population_probability
from gds.provenance import NOT_CLINICAL
from gds.report.page import Page, format_interval
from gds.studies.few_label_task import FewLabelTask
from gds.studies.few_labels import FewLabelResult

GROUP_NAMES = ("sex", "population", "superpopulation", "ancestry", "ethnicity")
MIN_PEOPLE = 20  # of each class, for figures of a group


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
        Columns ``group``, ``people``, ``cases``, and ``slope``, ``intercept``, ``auroc`` as text with intervals. Groups
        with fewer than 20 people of a class show counts only.
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
        if np.bincount(labels, minlength=2).min() >= MIN_PEOPLE:
            table = calibration_table(labels, probability[chosen])
            auroc = classification_metrics(labels, probability[chosen]).loc["auroc"]
            row |= {what: format_interval(*table.loc[what]) for what in ("slope", "intercept")}
            row["auroc"] = format_interval(*auroc[["value", "lower", "upper"]])
        rows.append(row)
    return pd.DataFrame(rows).reindex(columns=["group", "people", "cases", "slope", "intercept", "auroc"])


def add_decisions(page: Page, task: FewLabelTask, result: FewLabelResult, names: list[str]) -> None:
    """Calibration by group, and decision curves, of the methods named."""
    from gds.report.figures import decision_curves

    page.add_section(
        "Do probabilities mean what they say, and is acting on them of use?",
        "Calibration slope 1 and intercept 0 are right; a slope below 1 means predictions that are too extreme. Net "
        "benefit counts cases found less controls called cases, weighted by the odds of the threshold (Vickers and "
        "Elkin 2006); a classifier is of use where it lies above calling everyone and calling nobody. Both are at the "
        f"case fraction of this sample, not of the population. {NOT_CLINICAL}",
    )
    curves = {name: net_benefit(task.labels_test, result.probabilities[name][:, 1]) for name in names}
    page.add_figure(
        decision_curves(curves),
        "Net benefit by threshold; dotted: nobody is called a case, dashed: everybody is.",
        "Decision curves",
    )
    for name in names[:2]:
        page.add_table(
            calibration_by_group(task, result.probabilities[name][:, 1]), f"{name}, with 95 % intervals."
        )


def with_population_probability(task: FewLabelTask, table: pd.DataFrame) -> pd.DataFrame:
    """Add ``p_<case>_in_population``, where the prevalence is stated and there are two classes."""
    K = task.cohort.description.prevalence
    if K is None or len(task.class_names) != 2:
        return table
    case = f"p_{task.class_names[1]}"
    corrected = population_probability(table[case].to_numpy(), K, float(np.mean(task.labels_few)))
    return table.assign(**{f"{case}_in_population": corrected})
