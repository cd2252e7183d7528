"""Is a genetic result a detour to the batch, to sex and age, or to ancestry?"""

import numpy as np
import pandas as pd

from gds.evaluation.comparison import paired_difference
from gds.report.page import format_interval
from gds.studies.few_labels.result import FewLabelResult
from gds.studies.few_labels.task import FewLabelTask

RULE = (
    "A confounder that stays at chance (its interval holds .5) explains nothing. One above chance explains "
    "the result unless the best genetic method beats it: its AUROC on the same people must be higher with the "
    "whole interval of the paired bootstrap. One that is above chance and beaten may still be part of the result. "
    "Where ancestry is itself the label, its components explain the result by definition."
)


def confounder_table(task: FewLabelTask, result: FewLabelResult, auroc: pd.DataFrame) -> pd.DataFrame:
    """Each method that knows no genotype, or ancestry alone, against the best genetic one.

    Parameters
    ----------
    task, result
        People, and what every method predicts for those tested.
    auroc
        Index method; columns ``value``, ``lower``, ``upper``, ``role``.

    Returns
    -------
    pandas.DataFrame
        Index ``confounder``; columns ``auroc``, ``lower``, ``upper``, ``genetic`` (name of the best genetic
        method), ``difference`` (genetic minus confounder), ``difference_lower``, ``difference_upper`` and
        ``reading``: ``at chance``, ``explains the result`` or ``may be part of the result``.
    """
    genetic = auroc[auroc["role"].isin(["baseline", "encoder", "augmented"])]
    best = str(genetic["value"].idxmax())
    rows = {}
    for name, row in auroc[auroc["role"] == "confounder"].iterrows():
        difference = paired_difference(
            task.labels_test,
            result.probabilities[best],
            result.probabilities[str(name)],
            groups=task.families(task.test),
        ).loc["auroc"]
        # Without an interval (a class of one) nothing is shown to be above anything.
        if not row["lower"] > 0.5:
            reading = "at chance"
        elif difference["lower"] > 0:
            reading = "may be part of the result"
        else:
            reading = "explains the result"
        rows[name] = {
            "auroc": row["value"], "lower": row["lower"], "upper": row["upper"], "genetic": best,
            "difference": difference["value"], "difference_lower": difference["lower"],
            "difference_upper": difference["upper"], "reading": reading,
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("confounder")


def confounder_warnings(table: pd.DataFrame) -> list[str]:
    """A sentence for each confounder above chance, with the figures that make it one."""
    sentences = []
    for name, row in table.iterrows():
        if row["reading"] == "at chance":
            continue
        alone = format_interval(row["auroc"], row["lower"], row["upper"])
        gain = format_interval(row["difference"], row["difference_lower"], row["difference_upper"])
        if row["reading"] == "explains the result":
            verdict = f"it explains the result: the best genetic method, {row['genetic']}, is not shown to be better"
        else:
            verdict = f"it may be part of the result, though {row['genetic']} is better"
        sentences.append(
            f"{name} predicts the label, AUROC {alone}, and {verdict} (difference {gain}, paired bootstrap "
            "over test people)"
        )
    return sentences


def unchecked_confounders(task: FewLabelTask) -> list[str]:
    """What a confounder could hide behind, because the cohort names no such columns."""
    description = task.cohort.description
    options = {
        "batch": (description.batch_columns, "--batch-columns"),
        "sex and age": (description.covariates, "--covariates"),
        "ancestry": (description.pc_columns, "--pcs"),
    }
    return [f"{what} ({option})" for what, (columns, option) in options.items() if not columns]


def shown_confounders(table: pd.DataFrame) -> pd.DataFrame:
    """The table as the page shows it."""
    return pd.DataFrame(
        {
            "AUROC": [format_interval(*row) for row in table[["auroc", "lower", "upper"]].to_numpy(float)],
            "best genetic method minus this": [
                format_interval(*row)
                for row in table[["difference", "difference_lower", "difference_upper"]].to_numpy(float)
            ],
            "reading": table["reading"].to_numpy(),
        },
        index=pd.Index(np.asarray(table.index, dtype=object), name="known alone"),
    )
