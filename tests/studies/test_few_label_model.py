"""The model a few-label run leaves: the same probabilities as on its page, and no individual's data."""

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch

from gds.cli import run_command
from gds.errors import UserError
from gds.features import Featurizer
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.models import GdsForClassification
from gds.studies.few_labels.model import model_folder, save_few_label_model
from gds.studies.few_labels.result import FewLabelOptions, FewLabelResult
from gds.studies.few_labels.run import run_few_labels
from gds.studies.few_labels.task import few_label_task
from tests.cohorts import write_tiny_cohort
from tests.untrained_models import save_untrained

FILES = {
    "label_provenance.json",
    "config.json", "model.safetensors", "preprocessor_config.json", "preprocessor.safetensors", "run.json",
    "people.tsv",
}  # fmt: skip


@pytest.fixture(scope="module")
def prepare(tmp_path_factory):
    """A prepared cohort and the folder of an untrained encoder of it, for a kind of features."""
    return cache(lambda kind: prepare_kind(kind, tmp_path_factory.mktemp(kind)))


def prepare_kind(kind, folder):
    bed, table = write_tiny_cohort(folder, n_samples=60, n_variants=48)
    cohort = prepare_cohort(
        PrepareOptions(
            genotypes=(str(bed),), phenotypes=str(table), label_column="status", blocks="window:12",
            features=kind, n_components=3, max_slots=12,
        ),
        folder / "data",
    )  # fmt: skip
    head = "diffusion" if kind == "pca" else "masked"
    return cohort, save_untrained(cohort.featurizer(), folder / "encoder", head, seen=("P0000", "ELSEWHERE"))


@pytest.mark.parametrize(("kind", "mode"), [("pca", "probe"), ("tokens", "full")])
def test_the_saved_model_predicts_what_the_run_reports(prepare, tmp_path, kind, mode, monkeypatch):
    monkeypatch.setattr("gds.classifiers.networks.fine_tuning.FineTunedEncoder.choose_length", one_epoch)
    cohort, encoder = prepare(kind)
    task = few_label_task(cohort, 16)
    options = FewLabelOptions(mode=mode, allow_transductive=True)
    result = run_few_labels(task, [encoder], options)
    folder = save_few_label_model(task, result, options, [encoder], tmp_path / "model")
    assert {path.name for path in folder.iterdir()} == FILES

    model, featurizer = (
        GdsForClassification.from_pretrained(folder).eval(),
        Featurizer.from_pretrained(folder),
    )
    with torch.inference_mode():
        features = torch.from_numpy(task.features(task.test, featurizer))
        probabilities = model(features).logits.softmax(dim=1).numpy()
    name = "encoder, probe" if mode == "probe" else "encoder, fine-tuned"
    np.testing.assert_allclose(probabilities, result.probabilities[name], atol=1e-5)
    assert model.config.id2label == dict(enumerate(cohort.description.label_names))

    record = json.loads((folder / "run.json").read_text())
    assert record["method"] == name
    assert sum(record["labelled_few"].values()) == 16
    assert not any(person in (folder / "run.json").read_text() for person in cohort.people.index)
    people = pd.read_csv(folder / "people.tsv", sep="\t").set_index("id")["used_for"]
    assert set(people.index) == {*task.few, "P0000", "ELSEWHERE"}
    assert (people[list(task.few)] == "label").all()


def one_epoch(self, X, y, groups=None):
    self.n_epochs_ = 1
    return 1


def test_the_command_leaves_a_model_and_says_so(prepare, tmp_path, capsys):
    cohort, encoder = prepare("pca")
    options = ["--data", str(cohort.folder), "--encoder", str(encoder), "--n-labels", "16"]
    assert run_command("finetune", [*options, "--allow-transductive", "--out", str(tmp_path / "run")]) == 0
    assert f"gds predict --model {tmp_path / 'run' / 'model'}" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "run" / "model").iterdir()} == FILES


def test_without_an_encoder_no_model_is_left(prepare, tmp_path):
    task = few_label_task(prepare("pca")[0], 16)
    assert save_few_label_model(task, FewLabelResult(), FewLabelOptions(), [], tmp_path / "model") is None
    assert not (tmp_path / "model").exists()


def test_an_encoder_is_not_overwritten_by_its_own_fine_tuning(tmp_path):
    with pytest.raises(UserError, match="would be replaced"):
        model_folder(tmp_path, [tmp_path / "model"])
