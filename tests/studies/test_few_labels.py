"""Few labels, honestly: what a run may see, what it reports, and that hidden labels change nothing."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from gds.errors import UserError
from gds.features import Featurizer
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.models import GdsForDiffusion
from gds.studies.few_labels.augmentation import conditional_copy
from gds.studies.few_labels.report import write_few_label_report
from gds.studies.few_labels.result import FewLabelOptions
from gds.studies.few_labels.run import run_few_labels
from gds.studies.few_labels.task import few_label_task
from gds.studies.pretraining.config import load_config
from gds.studies.pretraining.run import pretrain
from tests.cohorts import write_tiny_cohort
from tests.studies.test_pretraining import SMALL


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    folder = tmp_path_factory.mktemp("few_labels")
    bed, table = write_tiny_cohort(folder, n_samples=160)
    return PrepareOptions(
        genotypes=(str(bed),), phenotypes=str(table), label_column="status", blocks="window:16", n_components=3,
        prevalence=1 / 350, heritability=0.085,
    )  # fmt: skip


@pytest.fixture(scope="module")
def cohort(options, tmp_path_factory):
    return prepare_cohort(options, tmp_path_factory.mktemp("prepared") / "data")


@pytest.fixture(scope="module")
def encoder(cohort, tmp_path_factory):
    return pretrain(load_config(None, SMALL, "diffusion"), cohort, tmp_path_factory.mktemp("encoder") / "run")


def test_a_task_divides_people_by_role(cohort):
    task = few_label_task(cohort, 20, seed=1)
    roles = [set(ids) for ids in (task.few, task.unlabelled, task.validation, task.test)]
    assert [len(ids) for ids in roles] == [20, 92, 16, 32]
    assert len(set.union(*roles)) == 160
    assert set(few_label_task(cohort, 10, seed=1).few) < roles[0]
    featurizer = cohort.featurizer()
    expected = featurizer.transform(cohort.source(), task.rows(task.few))
    np.testing.assert_array_equal(task.features(task.few, featurizer), expected)


def test_hidden_labels_change_no_prediction(options, cohort, encoder, tmp_path):
    """The other training people's labels are flipped: every method must predict exactly the same."""
    task = few_label_task(cohort, 20, seed=1)
    table = pd.read_csv(options.phenotypes, sep="\t").set_index("id")
    table["split"] = cohort.people["split"]
    hidden = [*task.unlabelled, *task.validation]
    table.loc[hidden, "status"] = np.where(table.loc[hidden, "status"] == "case", "control", "case")
    table.reset_index().to_csv(tmp_path / "flipped.tsv", sep="\t", index=False)
    flipped = prepare_cohort(
        replace(options, phenotypes=str(tmp_path / "flipped.tsv"), split_column="split"), tmp_path / "data"
    )
    other = replace(task, cohort=flipped)
    chosen = FewLabelOptions(augment=1.0, encoder_prior=True)
    results = [run_few_labels(each, [encoder], chosen) for each in (task, other)]
    assert len(results[0].probabilities) == 13
    assert results[0].roles["HWE-EM, diffusion prior, LD-pruned"] == "encoder"
    assert results[0].roles["HWE-EM, component prior, LD-pruned"] == "baseline"
    for name, probabilities in results[0].probabilities.items():
        np.testing.assert_array_equal(probabilities, results[1].probabilities[name], err_msg=name)


@pytest.mark.parametrize("mode", ["probe", "full"])
def test_a_run_leaves_predictions_metrics_and_a_page(cohort, encoder, tmp_path, mode):
    task, options = few_label_task(cohort, 20), FewLabelOptions(mode=mode, augment=0.5)
    result = run_few_labels(task, [encoder], options)
    lines = write_few_label_report(task, result, options, [encoder], tmp_path)
    assert any(line.startswith("pre-trained encoder: AUROC") for line in lines)
    assert "ceiling: 0.741" in lines[-1]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    methods = {row["method"] for row in metrics["metrics"]}
    assert {"chance", "batch only", "covariates only", "logistic on PCs", "ridge on dosages"} < methods
    assert {row["role"] for row in metrics["metrics"]} == {
        "chance", "confounder", "baseline", "encoder", "augmented", "control"
    }  # fmt: skip
    predictions = pd.read_csv(tmp_path / "predictions.tsv", sep="\t")
    assert set(predictions["id"]) == set(task.test)
    np.testing.assert_allclose(predictions["p_case"] + predictions["p_control"], 1, atol=1e-5)
    page = (tmp_path / "report.html").read_text()
    HTMLParser().feed(page)
    assert not any(identifier in page for identifier in task.test)


def test_test_people_seen_in_pretraining_are_refused_unless_asked_for(options, encoder, tmp_path):
    other = prepare_cohort(replace(options, seed=5), tmp_path / "other")
    task = few_label_task(other, 20)
    with pytest.raises(UserError, match="were seen by the encoder"):
        run_few_labels(task, [encoder], FewLabelOptions())
    result = run_few_labels(task, [encoder], FewLabelOptions(allow_transductive=True))
    lines = write_few_label_report(task, result, FewLabelOptions(), [encoder], tmp_path / "report")
    assert any("transductive" in line for line in lines)


def test_several_classes_are_reported_too(tmp_path):
    bed, table = write_tiny_cohort(tmp_path, n_classes=4, n_samples=160)
    cohort = prepare_cohort(
        PrepareOptions(
            genotypes=(str(bed),), phenotypes=str(table), label_column="status", blocks="window:16"
        ),
        tmp_path / "data",
    )
    task = few_label_task(cohort, 24)
    options = FewLabelOptions(method="auto")
    result = run_few_labels(task, [], options)
    write_few_label_report(task, result, options, [], tmp_path / "report")
    chosen = result.details["auto"]
    assert {row["method"] for row in chosen["candidates"]} == {
        "ridge on dosages", "logistic on PCs, LD-pruned", "HWE-EM, LD-pruned"
    }  # fmt: skip
    assert chosen["criterion"] == "log-loss"
    assert [row["chosen"] for row in chosen["candidates"]].count(True) == 1
    assert "What auto chose" in (tmp_path / "report" / "report.html").read_text()
    metrics = pd.read_csv(tmp_path / "report" / "metrics.csv").set_index(["method", "metric"])["value"]
    assert metrics["logistic on PCs", "accuracy"] > 0.9
    assert metrics["chance", "auroc"] == 0.5


def test_auto_compares_cases_with_controls_of_their_own_batch(options, tmp_path):
    cohort = prepare_cohort(replace(options, batch_columns=("batch",)), tmp_path / "data")
    result = run_few_labels(few_label_task(cohort, 30), [], FewLabelOptions(method="auto"))
    details = result.details["auto"]
    assert details["criterion"] == "AUROC within batches"
    assert [row["difference"] is None for row in details["candidates"]] == [True, False, False]
    with pytest.raises(UserError, match="expected listed or auto"):
        run_few_labels(few_label_task(cohort, 30), [], FewLabelOptions(method="best"))


def test_a_denoiser_made_conditional_keeps_its_weights(encoder):
    model = GdsForDiffusion.from_pretrained(encoder)
    conditional = conditional_copy(model, 2)
    trained = model.state_dict()
    for name, value in conditional.state_dict().items():
        if "class_embedding" not in name:
            assert value.equal(trained[name]), name
        else:
            assert (value[-1] == 0).all()  # people without a class are denoised as before
            assert value[:-1].std() > 0.8
    assert Featurizer.from_pretrained(encoder).kind == "pca"


def test_augmentation_without_a_diffusion_model_is_refused(cohort):
    with pytest.raises(UserError, match="pre-trained with the diffusion objective"):
        run_few_labels(few_label_task(cohort, 20), [], FewLabelOptions(augment=1.0))
