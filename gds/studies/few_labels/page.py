"""The page of a few-label run: conclusions first, then every method, then how it was done."""

from typing import Any

import numpy as np
import pandas as pd

from gds.evaluation.calibration import reliability_curve
from gds.evaluation.comparison import paired_difference
from gds.report import figures
from gds.report.page import Page, format_interval
from gds.studies.als.page import add_als_biology
from gds.studies.few_labels.adjusted import add_adjustment
from gds.studies.few_labels.confounding import (
    RULE,
    confounder_table,
    shown_confounders,
    unchecked_confounders,
)
from gds.studies.few_labels.decision import add_decisions
from gds.studies.few_labels.result import FewLabelOptions, FewLabelResult
from gds.studies.few_labels.scores import Scores
from gds.studies.few_labels.task import FewLabelTask, people_counts
from gds.studies.outliers import RULE as OUTLIER_RULE
from gds.studies.polygenic.page import add_polygenic_scores

METRIC_NAMES = {
    "auroc": "AUROC", "auprc": "AUPRC", "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy",
    "log_loss": "log-loss", "brier": "Brier score",
}  # fmt: skip


def build_page(
    task: FewLabelTask,
    result: FewLabelResult,
    scores: Scores,
    record: dict[str, Any],
    options: FewLabelOptions,
) -> Page:
    """The page: conclusions and key figures first, then every method, then how it was done."""
    description = task.cohort.description
    page = Page(
        f"{description.label_column} from {len(task.few)} labels",
        f"Cohort {description.name}: {len(task.cohort.people):,} people; tested once on {len(task.test):,}",
    )
    _add_top(page, task, result, scores)
    _add_methods(page, scores)
    _add_auto(page, result)
    add_polygenic_scores(page, task, result)
    add_adjustment(page, task, result, options)
    _add_confounders(page, task, result, scores)
    if len(task.class_names) == 2:
        _add_curves(page, task, result, scores)
        add_decisions(page, task, result, scores.best_of_each_kind())
    else:
        _add_confusion(page, task, result, scores)
    _add_embeddings(page, task, result)
    add_als_biology(page, task, result)
    _add_people(page, task, result)
    page.add_record(record)
    return page


def _add_top(page: Page, task: FewLabelTask, result: FewLabelResult, scores: Scores) -> None:
    labels = {
        "encoder": "AUROC, encoder",
        "augmented": "AUROC, with synthetic people",
        "baseline": "AUROC, baseline",
    }
    for role, label in labels.items():
        row = scores.best(role)
        if row is not None:
            interval = f"95 % interval {row['lower']:.3f} to {row['upper']:.3f}"
            page.add_number(f"{row['value']:.3f}", label, f"{row.name}; {interval}")
    if "auroc" in scores.ceiling:
        note = f"prevalence {task.cohort.description.prevalence:.3g}, SNP heritability "
        page.add_number(
            f"{scores.ceiling['auroc']:.3f}",
            "AUROC, ceiling",
            note + f"{task.cohort.description.heritability:.3g}",
        )
    page.add_verdict(*_verdict(task, result, scores))
    _add_controls(page, task, result, scores)
    for text in scores.warnings:
        page.add_verdict(text[0].upper() + text[1:] + ".", "caution")


def _add_controls(page: Page, task: FewLabelTask, result: FewLabelResult, scores: Scores) -> None:
    """Does the generator add anything to what synthetic people without a generator do?"""
    augmented, control = scores.best("augmented"), scores.best("control")
    if augmented is None or control is None:
        return
    difference = paired_difference(
        task.labels_test,
        result.probabilities[str(augmented.name)],
        result.probabilities[str(control.name)],
        groups=task.families(task.test),
    ).loc["auroc"]
    better = "better" if difference["lower"] > 0 else "not shown to be better"
    page.add_verdict(
        f"Synthetic people of the generator are {better} than the best control that needs none (AUROC, "
        f"{augmented.name} minus {control.name}: {format_interval(*difference[['value', 'lower', 'upper']])}).",
        "good" if difference["lower"] > 0 else "neutral",
    )


def _verdict(task: FewLabelTask, result: FewLabelResult, scores: Scores) -> tuple[str, Any]:
    """Does pre-training help here? By the paired bootstrap against the best simple baseline."""
    encoder, baseline = scores.best("encoder", "augmented"), scores.best("baseline")
    if encoder is None or baseline is None:
        return "No pre-trained encoder was given: the page shows what simple methods reach.", "neutral"
    difference = paired_difference(
        task.labels_test,
        result.probabilities[str(encoder.name)],
        result.probabilities[str(baseline.name)],
        groups=task.families(task.test),
    ).loc["auroc"]
    shown = format_interval(difference["value"], difference["lower"], difference["upper"])
    rule = (
        f"(AUROC, {encoder.name} minus {baseline.name}: {shown}; paired bootstrap over test people; each is "
        "the best of its kind on these people, which flatters both)"
    )
    if difference["lower"] > 0:
        return f"The pre-trained encoder is better than the best simple baseline {rule}.", "good"
    if difference["upper"] < 0:
        return (
            f"The pre-trained encoder is worse than the best simple baseline: use the latter {rule}.",
            "bad",
        )
    return (
        f"The pre-trained encoder is not shown to be better than the best simple baseline {rule}.",
        "neutral",
    )


def _add_methods(page: Page, scores: Scores) -> None:
    page.add_section(
        "Every method on the same test people",
        "All methods had the same few labels. Whatever they tune was tuned by folds inside those labels, and synthetic "
        "people entered only after that. Intervals are 95 % bootstrap intervals over test people.",
    )
    auroc = scores.metric("auroc")
    page.add_figure(
        figures.metric_by_method(
            auroc, "AUROC", chance=0.5, ceiling=scores.ceiling.get("auroc"), roles=auroc["role"].to_dict()
        ),
        "A method has shown nothing while its interval holds chance. A genetic method matters only above what batch, "
        "covariates and ancestry (PCs) predict alone; above the ceiling it would be too good to be true.",
        "AUROC with interval of every method",
    )
    shown = scores.table.assign(
        cell=[format_interval(*row) for row in scores.table[["value", "lower", "upper"]].to_numpy()]
    ).pivot(index="method", columns="metric", values="cell")
    page.add_table(
        shown.loc[auroc.index, list(METRIC_NAMES)].rename(columns=METRIC_NAMES).rename_axis(None, axis=1),
        "Value and 95 % interval. Log-loss and Brier score: lower is better.",
    )


def _add_auto(page: Page, result: FewLabelResult) -> None:
    """Every candidate that auto compared, and what it chose."""
    if "auto" not in result.details:
        return
    details = result.details["auto"]
    undecided = "" if details["candidates"] else " No folds were possible, as classes have a single member."
    page.add_section(
        "What auto chose",
        f"{details['chosen']}, by the held-out {details['criterion']} in folds of the labelled few. Of two classes the "
        "first candidate is kept unless another is better by more than one standard error of the difference; of more, "
        f"the lowest log-loss is used.{undecided}",
    )
    if details["candidates"]:
        rows = [
            {
                "method": row["method"],
                details["criterion"]: f"{row['criterion']:.3f}",
                "difference to the first": _number(row["difference"]),
                "standard error": _number(row["standard_error"]),
                "chosen": "yes" if row["chosen"] else "",
            }
            for row in details["candidates"]
        ]
        page.add_table(
            pd.DataFrame(rows).set_index("method"),
            "Each candidate tuned itself inside the training part of every fold. Test people had no say.",
        )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}"


def _add_confounders(page: Page, task: FewLabelTask, result: FewLabelResult, scores: Scores) -> None:
    unchecked = unchecked_confounders(task)
    absent = (
        f"\n\nNot checked, for the cohort was prepared without such columns: {', '.join(unchecked)}."
        if unchecked
        else ""
    )
    page.add_section("What batch, covariates and ancestry explain", RULE + absent)
    table = confounder_table(task, result, scores.metric("auroc"))
    if len(table):
        page.add_table(
            shown_confounders(table),
            f"Fitted on the same few labels. The best genetic method is {table['genetic'].iloc[0]}.",
        )


def _add_curves(page: Page, task: FewLabelTask, result: FewLabelResult, scores: Scores) -> None:
    positive = {name: result.probabilities[name][:, 1] for name in scores.best_of_each_kind()}
    page.add_section("Ranking and calibration", "The best method of each kind.")
    page.add_figure(
        figures.roc_curves(task.labels_test, positive),
        "Share of cases found against share of controls called cases, over all thresholds.",
        "ROC curves",
    )
    page.add_figure(
        figures.precision_recall_curves(task.labels_test, positive),
        "Precision depends on the share of cases among the test people, which is not that of the population.",
        "Precision-recall curves",
    )
    curves = {name: reliability_curve(task.labels_test, values) for name, values in positive.items()}
    page.add_figure(
        figures.reliability(curves),
        "Predicted against observed share of cases; on the diagonal probabilities mean what they say, at the case "
        "fraction of this sample.",
        "Reliability curves",
    )


def _add_confusion(page: Page, task: FewLabelTask, result: FewLabelResult, scores: Scores) -> None:
    page.add_section("Who is taken for whom")
    for name in scores.best_of_each_kind()[:2]:
        page.add_figure(
            figures.confusion_matrix(
                task.labels_test, result.probabilities[name].argmax(axis=1), task.class_names
            ),
            f"{name}: true class by row, predicted class by column.",
            "Confusion matrix",
        )


def _add_embeddings(page: Page, task: FewLabelTask, result: FewLabelResult) -> None:
    """The first two principal components of each embedding, by label and by what might confound it."""
    if not result.embeddings:
        return
    page.add_section(
        "What the encoder sees",
        "Principal components of the embeddings of the test people. If batches part here, so may labels that go with "
        "them; if only ancestry does, the encoder has learned population structure.",
    )
    label = pd.Series(np.array(task.class_names)[task.labels_test], index=task.test)
    colours = {str(task.cohort.description.label_column): label}
    for name in task.cohort.description.batch_columns[:1]:
        colours[name] = task.table(task.test, [name])[name]
    if "population" in task.cohort.people:
        colours["population"] = task.table(task.test, ["population"])["population"]
    for name, embedding in result.embeddings.items():
        points = _two_components(embedding)
        for what, colour in colours.items():
            page.add_figure(
                figures.embedding_scatter(points, colour, what, axes_label="component"),
                f"{name}, coloured by {what}.",
                f"Scatter of two components of the {name} embedding, coloured by {what}",
            )


def _two_components(embedding: np.ndarray) -> np.ndarray:
    centred = embedding - embedding.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    return left[:, :2] * singular[:2]


def _add_people(page: Page, task: FewLabelTask, result: FewLabelResult) -> None:
    page.add_section(
        "Who was used for what",
        "The featurizer was fitted and the encoder pre-trained on the training people without labels. Test people were "
        "predicted once."
        + (
            " This run is transductive: test people were among those pre-trained on."
            if result.transductive
            else ""
        )
        + "".join(f" {note}." for note in task.notes),
    )
    if result.outliers is not None:
        said = result.outliers.text("test people")
        page.add_verdict(
            f"{said[0].upper()}{said[1:]}. {OUTLIER_RULE}",
            "caution" if result.outliers.is_warning else "neutral",
        )
    counts = pd.DataFrame(people_counts(task)).T.rename_axis("role")
    page.add_table(counts.fillna(0).astype(int), "People by role and class; hidden labels are not counted.")
    removed = {name.replace("_", " "): n for name, n in task.cohort.description.removed.items()}
    if removed:
        page.add_table(
            pd.Series(removed, name="number").to_frame(),
            "Left out when the cohort was prepared, or without a counterpart. Quality of people was judged without "
            "labels before the split, that of variants by the training people: see the cohort's qc.json.",
        )
