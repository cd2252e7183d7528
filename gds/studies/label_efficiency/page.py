"""The picture of a study of label efficiency, and its page."""

from pathlib import Path

import numpy as np
import pandas as pd

from gds.evaluation.ceiling import accuracy_ceiling, auroc_ceiling
from gds.features.dataset import PreparedCohort
from gds.files import atomic_path
from gds.provenance import run_record
from gds.report.label_figures import accuracy_by_labels
from gds.report.page import Page, format_interval
from gds.studies.label_efficiency.run import summarise

LABELS = {"accuracy": "accuracy", "auroc": "AUROC"}


def write_page(cohort: PreparedCohort, table: pd.DataFrame, metric: str, folder: Path) -> pd.DataFrame:
    """Write ``label_efficiency.png`` and ``report.html``.

    Parameters
    ----------
    cohort, table
        Of :func:`~gds.studies.label_efficiency.run.run_label_efficiency`.
    metric
        ``accuracy`` or ``auroc``.
    folder
        Where they go.

    Returns
    -------
    pandas.DataFrame
        The summary as text: a row a method, a column a number of labels.
    """
    summary = summarise(table, metric)
    chance = summary.loc[summary["role"] == "chance", "value"]
    figure = accuracy_by_labels(
        summary[summary["role"] != "chance"], LABELS[metric],
        chance=float(chance.mean()) if len(chance) else None, ceiling=_ceiling(cohort, metric),
    )  # fmt: skip
    with atomic_path(folder / "label_efficiency.png") as temporary:
        figure.savefig(temporary, dpi=150)
    cells = [format_interval(*row) for row in summary[["value", "lower", "upper"]].to_numpy()]
    shown = summary.assign(cell=cells).pivot_table(
        index="method", columns="n_labels", values="cell", aggfunc="first", sort=False
    )
    seeds = int(table["seed"].nunique())
    description = cohort.description
    page = Page(f"{description.label_column} by number of labels", f"Cohort {description.name}")
    page.add_section(
        f"{LABELS[metric]} against labels",
        f"Mean over {seeds} choices of the labelled people, nested over the numbers, with the 95 % t interval of "
        "that mean; the test people are the same throughout, so that it is no interval over other people.",
    )
    page.add_figure(figure, "One line a method.", f"{LABELS[metric]} against number of labels")
    page.add_table(shown.rename(columns=str), "Mean and interval.")
    page.add_record(run_record(None, [cohort.folder / "cohort.json"]))
    page.write(folder / "report.html")
    return shown


def _ceiling(cohort: PreparedCohort, metric: str) -> float | None:
    """What no function of the genotypes can exceed, where prevalence and heritability are stated."""
    K, h2 = cohort.description.prevalence, cohort.description.heritability
    if K is None or h2 is None or cohort.n_classes != 2:
        return None
    if metric == "auroc":
        return auroc_ceiling(K, h2)
    test = cohort.people.loc[cohort.people["split"] == "test", "label"]
    return accuracy_ceiling(K, h2, float(np.mean(test[test >= 0])))
