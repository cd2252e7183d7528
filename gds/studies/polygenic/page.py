"""What published effects add, on the page of a few-label run."""

import pandas as pd

from gds.evaluation.comparison import paired_difference
from gds.report.page import Page, format_interval
from gds.studies.few_labels.result import FewLabelResult
from gds.studies.few_labels.task import FewLabelTask
from gds.studies.polygenic.scores import OVERLAP

PRIOR, WITHOUT = "ridge towards the GWAS", "ridge on dosages"


def add_polygenic_scores(page: Page, task: FewLabelTask, result: FewLabelResult) -> None:
    """A section on the summary statistics and the methods that used them; nothing where there were none."""
    if result.published is None:
        return
    record = result.published.record
    page.add_section(
        "Polygenic scores: what other people's GWAS says",
        "Published effects were matched to the variants of this cohort, and LD was taken from its training people, "
        "labelled or not. The labelled few chose the p-value threshold, the penalty of lassosum, and how far ridge "
        f"regression shrinks towards the GWAS rather than towards zero. {_difference(task, result)}"
        f"\n\n{OVERLAP[0].upper()}{OVERLAP[1:]}. A GWAS of one ancestry predicts less, and differently, in another.",
    )
    names = {
        "file": record["reading"]["file"],
        "format": record["reading"]["file_format"],
        "effective people": f"{record['n_effective']:,.0f}",
        "variants with an effect": f"{record['alignment']['found']:,} of {record['alignment']['cohort']:,}",
        "mean chi-square": f"{record['mean_chi_square']:.3f}",
        "genomic inflation (median chi-square)": f"{record['genomic_inflation']:.3f}",
        "h2 of these variants in the study": f"{record['heritability']:.3g}",
    }
    page.add_table(
        pd.Series(names, name="value").rename_axis("summary statistics").to_frame(),
        "Mean chi-square above 1 is polygenic signal or population structure; neither figure shows shared people.",
    )
    page.add_table(
        pd.DataFrame({"what was done": result.published.lines}),
        "Every row and variant read, matched and left out.",
    )
    chosen = {
        name: ", ".join(f"{key} {value}" for key, value in result.details[name].items())
        for name in result.probabilities
        if name.startswith("PRS, ") or name == PRIOR
    }
    page.add_table(
        pd.Series(chosen, name="chosen by folds of the labelled few").rename_axis("method").to_frame(),
        "Amount: 0 is ridge regression without the GWAS, 1 takes its effects whole before the labels correct them.",
    )


def _difference(task: FewLabelTask, result: FewLabelResult) -> str:
    """Whether the prior helps ridge regression, by the paired bootstrap."""
    if not {PRIOR, WITHOUT} <= set(result.probabilities):
        return ""
    difference = paired_difference(
        task.labels_test,
        result.probabilities[PRIOR],
        result.probabilities[WITHOUT],
        groups=task.families(task.test),
    ).loc["auroc"]
    if difference["lower"] > 0:
        verdict = "The GWAS makes ridge regression better"
    elif difference["upper"] < 0:
        verdict = "The GWAS makes ridge regression worse"
    else:
        verdict = "The GWAS is not shown to make ridge regression better"
    return (
        f"{verdict} (AUROC: {format_interval(*difference[['value', 'lower', 'upper']])}, paired bootstrap)."
    )
