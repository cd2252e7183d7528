"""Adjusting, stratifying and matching a few-label run."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from gds.errors import UserError
from gds.evaluation.auroc import stratified_auroc
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.studies.few_labels.adjusted import strata_table
from gds.studies.few_labels.adjustment import COVARIATES, adjustment_columns, residual_kernel
from gds.studies.few_labels.matching import matched_task
from gds.studies.few_labels.report import write_few_label_report
from gds.studies.few_labels.result import FewLabelOptions
from gds.studies.few_labels.run import run_few_labels
from gds.studies.few_labels.task import few_label_task
from tests.cohorts import write_tiny_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adjusted")
    bed, table = write_tiny_cohort(folder, n_samples=240)
    options = PrepareOptions(
        genotypes=(str(bed),), phenotypes=str(table), label_column="status", blocks="window:16", n_components=3,
        pcs=2, relatives="none",
    )  # fmt: skip
    return prepare_cohort(options, folder / "data")


@pytest.fixture(scope="module")
def task(cohort):
    return few_label_task(cohort, 60, seed=0)


@pytest.fixture(scope="module")
def run(task):
    options = FewLabelOptions(adjust=("sex", "age", "pcs:2"), stratify="batch")
    return run_few_labels(task, [], options), options


def test_residual_kernel_is_that_of_regression_residuals():
    rng = np.random.default_rng(0)
    features, covariates, reference = rng.normal(size=(30, 7)), rng.normal(size=(30, 2)), np.arange(18)
    line = LinearRegression().fit(covariates[reference], features[reference])
    residual = features - line.predict(covariates)
    found = residual_kernel(features @ features.T, covariates, reference)
    np.testing.assert_allclose(found, residual @ residual.T, atol=1e-9)


def test_a_label_that_is_ancestry_has_no_genetic_part_beside_components(run, task):
    """The label of the tiny cohort is its population, which genotypes tell apart, and components alone do too."""
    result, _ = run
    auroc = {
        name: stratified_auroc(task.labels_test, p[:, 1]).value for name, p in result.probabilities.items()
    }
    assert auroc["ridge on dosages"] > 0.95
    assert auroc[COVARIATES] > 0.9
    assert auroc["ridge on dosages, adjusted"] < 0.8
    assert result.roles["ridge on dosages + covariates"] == "combined"


def test_adjustment_sees_no_label_of_the_tested(run, task):
    from dataclasses import replace

    result, options = run
    flipped = run_few_labels(replace(task, labels_test=1 - task.labels_test), [], options)
    for name, probabilities in result.probabilities.items():
        np.testing.assert_array_equal(probabilities, flipped.probabilities[name], err_msg=name)


def test_strata_compare_people_of_one_level(run, task):
    result, _ = run
    table = strata_table(task, result, "batch").set_index(["method", "level"])
    batch = task.table(task.test, ["batch"])["batch"].to_numpy()
    p = result.probabilities["ridge on dosages"][:, 1]
    one = batch == "A"
    expected = stratified_auroc(task.labels_test[one], p[one]).value
    assert table.loc[("ridge on dosages", "A"), "value"] == pytest.approx(expected)
    both = stratified_auroc(task.labels_test, p, batch).value
    assert table.loc[("ridge on dosages", "all"), "value"] == pytest.approx(both)


def test_the_report_says_what_genotypes_add(run, task, tmp_path):
    result, options = run
    lines = write_few_label_report(task, result, options, [], tmp_path)
    assert any("minus that of covariates alone" in line for line in lines)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert [row["method"] for row in metrics["gain_over_covariates"]] == ["ridge on dosages + covariates"]
    assert {row["level"] for row in metrics["within_strata"]} == {"all", "A", "B"}
    assert "Genotypes beside sex, age, PC1, PC2, batch" in (tmp_path / "report.html").read_text()


def test_matching_leaves_one_proportion_in_every_level(task):
    matched = matched_task(task, ["batch", "sex"])
    table = matched.table(matched.few, ["batch", "sex"]).assign(label=matched.labels_few)
    counts = pd.crosstab([table["batch"], table["sex"]], table["label"])
    assert (counts[0] * counts[1].iloc[0] == counts[1] * counts[0].iloc[0]).all()
    assert set(matched.few) | set(matched.unlabelled) == set(task.few) | set(task.unlabelled)
    assert not set(matched.few) & set(matched.unlabelled)
    assert f"{len(matched.few)} of 60 labelled" in matched.notes[0]


def test_what_cannot_be_adjusted_for_is_refused(task):
    with pytest.raises(UserError, match="2 principal components"):
        adjustment_columns(task, ["pcs:5"])
    with pytest.raises(UserError, match="no such column"):
        adjustment_columns(task, ["aeg"])
    with pytest.raises(UserError, match="that is the label"):
        adjustment_columns(task, ["status"])
