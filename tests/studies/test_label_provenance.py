"""A checkpoint that has seen other labels than the run's few takes no part in it."""

import json

import pytest

from gds.errors import UserError
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.studies.few_labels.label_provenance import (
    LabelProvenance,
    check_label_provenance,
    read_label_provenance,
)
from gds.studies.few_labels.model import save_few_label_model
from gds.studies.few_labels.result import FewLabelOptions
from gds.studies.few_labels.run import run_few_labels
from gds.studies.few_labels.task import few_label_task
from tests.cohorts import write_tiny_cohort
from tests.untrained_models import save_untrained


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("label_provenance")
    bed, table = write_tiny_cohort(folder)
    return prepare_cohort(
        PrepareOptions(genotypes=(str(bed),), phenotypes=str(table), label_column="status", blocks="window:16"),
        folder / "data",
    )  # fmt: skip


@pytest.fixture(scope="module")
def encoder(cohort, tmp_path_factory):
    return save_untrained(cohort.featurizer(), tmp_path_factory.mktemp("encoder") / "run")


def test_a_classifier_may_meet_its_own_few_again_and_no_others(cohort, encoder, tmp_path):
    task, options = few_label_task(cohort, 20, seed=1), FewLabelOptions()
    result = run_few_labels(task, [encoder], options)
    model = save_few_label_model(task, result, options, [encoder], tmp_path / "model")
    assert read_label_provenance(model) == LabelProvenance.of(task)
    check_label_provenance(task, model)
    for other in (few_label_task(cohort, 20, seed=2), few_label_task(cohort, 10, seed=1)):
        with pytest.raises(UserError, match="20 labels of other people than"):
            check_label_provenance(other, model)
        with pytest.raises(UserError, match="20 labels of other people than"):
            run_few_labels(other, [model], options)


def test_the_record_names_nobody(cohort, tmp_path):
    task = few_label_task(cohort, 20)
    LabelProvenance.of(task).write(tmp_path)
    text = (tmp_path / "label_provenance.json").read_text()
    assert not any(identifier in text for identifier in task.few)
    assert json.loads(text)["n_labels"] == 20


def test_without_a_record_only_models_that_take_no_labels_are_trusted(cohort, encoder, tmp_path):
    task = few_label_task(cohort, 20)
    assert read_label_provenance(encoder) == LabelProvenance()
    check_label_provenance(task, encoder)
    classifier = save_untrained(cohort.featurizer(), tmp_path / "classifier", "classification")
    with pytest.raises(UserError, match="does not say whose"):
        check_label_provenance(task, classifier)


def test_labels_of_another_column_are_other_labels(cohort, encoder, tmp_path):
    task = few_label_task(cohort, 20)
    (tmp_path / "config.json").write_text("{}")
    LabelProvenance(20, "sex", LabelProvenance.of(task).people).write(tmp_path)
    with pytest.raises(UserError, match=r"another column \(sex\)"):
        check_label_provenance(task, tmp_path)
    (tmp_path / "label_provenance.json").write_text('{"labels": 3}')
    with pytest.raises(UserError, match="no record of labels"):
        check_label_provenance(task, tmp_path)
