"""How well every method of a few-label run did, and what that is to be held against."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gds.evaluation.ceiling import accuracy_ceiling, auroc_ceiling, balanced_accuracy_ceiling
from gds.evaluation.classification import classification_metrics
from gds.report.page import format_interval
from gds.studies.few_labels.confounding import confounder_table, confounder_warnings
from gds.studies.few_labels.result import FewLabelResult
from gds.studies.few_labels.task import FewLabelTask


@dataclass(frozen=True)
class Scores:
    """Metrics of every method on the same test people, and what they are to be held against.

    Attributes
    ----------
    table
        Columns ``method``, ``role``, ``metric``, ``value``, ``lower``, ``upper``.
    ceiling
        Metric to its theoretical ceiling; empty where prevalence or heritability is not stated.
    warnings
        Sentences about what spoils or explains the result.
    """

    table: pd.DataFrame
    ceiling: dict[str, float]
    warnings: list[str]

    def metric(self, name: str) -> pd.DataFrame:
        """Value and interval of one metric by method."""
        rows = self.table[self.table["metric"] == name]
        return rows.set_index("method")[["value", "lower", "upper", "role"]]

    def best(self, *roles: str) -> pd.Series | None:
        """The method of these roles with the highest AUROC; its name is the series' name."""
        rows = self.metric("auroc")
        rows = rows[rows["role"].isin(roles)]
        return None if rows.empty else rows.loc[rows["value"].idxmax()]

    def best_of_each_kind(self) -> list[str]:
        """Names of the best encoder, augmented method, baseline and confounder: more cannot be told apart."""
        best = [self.best(role) for role in ("encoder", "augmented", "baseline", "confounder")]
        return [str(row.name) for row in best if row is not None]


def score(task: FewLabelTask, result: FewLabelResult, seed: int) -> Scores:
    """Metrics with bootstrap intervals over test people (families), the ceiling, and the warnings."""
    parts = []
    for name, probabilities in result.probabilities.items():
        table = classification_metrics(
            task.labels_test, probabilities, seed=seed, groups=task.families(task.test)
        )
        parts.append(table.reset_index().assign(method=name, role=result.roles[name]))
    columns = ["method", "role", "metric", "value", "lower", "upper"]
    table = pd.concat(parts, ignore_index=True)[columns]
    return Scores(table, _ceiling(task), _warnings(task, result, table))


def _ceiling(task: FewLabelTask) -> dict[str, float]:
    """What no function of the genotypes can exceed, for a disease whose prevalence and heritability are stated."""
    description = task.cohort.description
    K, h2 = description.prevalence, description.heritability
    if K is None or h2 is None or len(task.class_names) != 2:
        return {}
    return {
        "auroc": auroc_ceiling(K, h2),
        "balanced_accuracy": balanced_accuracy_ceiling(K, h2),
        "accuracy": accuracy_ceiling(K, h2, float(np.mean(task.labels_test))),
    }


def _warnings(task: FewLabelTask, result: FewLabelResult, table: pd.DataFrame) -> list[str]:
    """Sentences about confounders, transduction and results above the ceiling, each with its rule."""
    scores = Scores(table, _ceiling(task), [])
    genetic = scores.best("baseline", "encoder", "augmented")
    found = confounder_warnings(confounder_table(task, result, scores.metric("auroc")))
    above = scores.ceiling.get("auroc")
    if above is not None and genetic is not None and genetic["lower"] > above:
        found.append(
            f"{genetic.name} lies above the ceiling of AUROC {above:.3f} with its whole interval: look for leakage"
        )
    found += result.warnings
    for name in result.transductive:
        found.append(
            f"transductive: the encoder {name} has seen test people (not their labels) in pre-training"
        )
    return found


def headline(task: FewLabelTask, scores: Scores) -> list[str]:
    """The three figures that matter: the encoder, the same with synthetic people, and what to hold them against."""
    lines = []
    for role, text in (("encoder", "pre-trained encoder"), ("augmented", "with synthetic people")):
        row = scores.best(role)
        if row is not None:
            lines.append(f"{text}: AUROC {format_interval(*row[['value', 'lower', 'upper']])} ({row.name})")
    row, confounder = scores.best("baseline", "chance"), scores.best("confounder")
    assert row is not None  # chance is always there
    against = f"best simple baseline: AUROC {format_interval(*row[['value', 'lower', 'upper']])} ({row.name})"
    if confounder is not None:
        against += f"; best confounder alone: {confounder['value']:.3f} ({confounder.name})"
    if "auroc" in scores.ceiling:
        against += f"; ceiling: {scores.ceiling['auroc']:.3f}"
    return [f"{len(task.few)} labels, {len(task.test)} test people", *lines, against]
