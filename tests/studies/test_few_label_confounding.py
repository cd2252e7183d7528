"""Batch, covariates and ancestry beside the result, and the rule by which they explain it."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.studies.few_labels.confounding import RULE, confounder_table, confounder_warnings
from gds.studies.few_labels.report import write_few_label_report
from gds.studies.few_labels.result import FewLabelOptions, FewLabelResult
from gds.studies.few_labels.run import run_few_labels
from gds.studies.few_labels.scores import score
from gds.studies.few_labels.task import few_label_task
from tests.cohorts import write_tiny_cohort

LABELS = np.repeat([0, 1], 100)


def informative(strength: float, seed: int) -> np.ndarray:
    """Probabilities of two classes that tell them apart the better the stronger."""
    logit = strength * (2 * LABELS - 1) + np.random.default_rng(seed).normal(size=len(LABELS))
    positive = 1 / (1 + np.exp(-logit))
    return np.column_stack([1 - positive, positive])


@pytest.mark.parametrize(
    ("confounder", "genetic", "reading"),
    [
        (0.0, 1.0, "at chance"),
        (1.0, 1.0, "explains the result"),
        (0.5, 2.0, "may be part of the result"),
        (2.0, 0.5, "explains the result"),
    ],
)
def test_a_confounder_explains_what_does_not_beat_it(confounder, genetic, reading):
    result = FewLabelResult()
    result.add("batch only", "confounder", informative(confounder, 1))
    result.add("ridge", "baseline", informative(genetic, 2))
    task = SimpleNamespace(
        labels_test=LABELS,
        test=np.arange(len(LABELS)).astype(str),
        families=lambda ids: None,
        class_names=["control", "case"],
        cohort=SimpleNamespace(description=SimpleNamespace(prevalence=None, heritability=None)),
    )
    scores = score(task, result, seed=0)
    table = confounder_table(task, result, scores.metric("auroc"))
    assert table.loc["batch only", "reading"] == reading
    warnings = confounder_warnings(table)
    assert len(warnings) == (reading != "at chance")
    assert scores.warnings == warnings


def test_ancestry_components_are_drawn_beside_the_result(tmp_path):
    """The label is the population, so components of ancestry predict it: the page must say so."""
    bed, table = write_tiny_cohort(tmp_path, n_samples=160)
    cohort = prepare_cohort(
        PrepareOptions(
            genotypes=(str(bed),), phenotypes=str(table), label_column="status", blocks="window:16", pcs=2
        ),
        tmp_path / "data",
    )
    task, options = few_label_task(cohort, 40), FewLabelOptions()
    result = run_few_labels(task, [], options)
    assert result.roles["PCs only"] == "confounder"
    lines = write_few_label_report(task, result, options, [], tmp_path / "report")
    assert any(line.startswith("warning: PCs only predicts the label, AUROC 0.9") for line in lines)
    page = (tmp_path / "report" / "report.html").read_text()
    for expected in (
        RULE[:60],
        "PCs only",
        "covariates only",
        "batch only",
        "best genetic method minus this",
    ):
        assert expected in page
    metrics = pd.read_csv(tmp_path / "report" / "metrics.csv")
    assert "PCs only" in set(metrics["method"])


def test_what_was_not_checked_is_said(tmp_path):
    bed, table = write_tiny_cohort(tmp_path, n_samples=160)
    options = PrepareOptions(
        genotypes=(str(bed),),
        phenotypes=str(table),
        label_column="status",
        blocks="window:16",
        batch_columns=[],
    )
    task = few_label_task(prepare_cohort(options, tmp_path / "data"), 20)
    result = run_few_labels(task, [], FewLabelOptions())
    write_few_label_report(task, result, FewLabelOptions(), [], tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text()
    assert "batch (--batch-columns), ancestry (--pcs)" in page


def test_a_measurement_has_a_baseline_of_its_own(tmp_path):
    bed, table = write_tiny_cohort(tmp_path, n_samples=160)
    phenotypes = pd.read_csv(table, sep="\t")
    noise = np.random.default_rng(0).normal(size=len(phenotypes))
    phenotypes["height"] = 2.0 * (phenotypes["status"] == "case") + noise
    phenotypes.to_csv(table, sep="\t", index=False)
    options = PrepareOptions(
        genotypes=(str(bed),), phenotypes=str(table), label_column="height", label_threshold="median",
        blocks="window:16",
    )  # fmt: skip
    task = few_label_task(prepare_cohort(options, tmp_path / "data"), 40)
    assert task.class_names == ["low", "high"]
    result = run_few_labels(task, [], FewLabelOptions())
    auroc = score(task, result, seed=0).metric("auroc")
    assert auroc.loc["ridge on the measurement", "value"] > 0.8
