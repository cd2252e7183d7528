"""Pre-training that goes on from a model of the hub."""

import numpy as np
import pandas as pd
import pytest
import torch

from gds.cli import run_command
from gds.errors import UserError
from gds.features import Featurizer, GenePCA
from gds.files import read_json
from gds.genotypes import write_genotypes
from gds.hub.push import push_folder
from gds.models import GdsForDiffusion
from gds.studies.pretraining.config import load_config
from gds.studies.pretraining.initial_weights import InitialWeights
from gds.studies.pretraining.run import new_model


def test_a_run_starts_from_the_weights_of_the_hub(hub, denoiser, genotypes, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "alice-token")
    push_folder(denoiser, "alice/denoiser", min_allele_count=0)
    write_genotypes(genotypes, tmp_path / "cohort.bed")
    steps = ["training.max_steps=1", "training.learning_rate=0", "training.weight_decay=0",
             "training.per_device_train_batch_size=8", "training.report_to=[]"]  # fmt: skip
    arguments = ["--init-from", "alice/denoiser", "--genotypes", tmp_path / "cohort.bed", "--no-qc", "--relatives",
                 "none", "--out", tmp_path / "out", *steps]  # fmt: skip
    assert run_command("pretrain", [str(each) for each in arguments]) == 0
    before, after = (GdsForDiffusion.from_pretrained(folder) for folder in (denoiser, tmp_path / "out"))
    for (name, expected), found in zip(before.state_dict().items(), after.state_dict().values(), strict=True):
        assert torch.equal(expected, found), name
    assert read_json(tmp_path / "out" / "run.json")["init_from"]["name"] == "alice/denoiser"
    fingerprints = {
        Featurizer.from_pretrained(folder).fingerprint() for folder in (denoiser, tmp_path / "out")
    }
    assert len(fingerprints) == 1


def test_people_whom_it_saw_before_stay_known(denoiser):
    initial = InitialWeights.open(str(denoiser))
    seen = pd.read_csv(denoiser / "people.tsv", sep="\t")["id"]
    np.testing.assert_array_equal(initial.people(), seen)
    assert initial.objective == "diffusion"


def test_another_featurizer_or_network_is_refused(denoiser, genotypes, featurizer):
    initial = InitialWeights.open(str(denoiser))
    config = load_config(None, objective="diffusion", network=initial.options())
    other = GenePCA(n_components=3).fit(genotypes, featurizer.blocks_, np.arange(30))
    with pytest.raises(UserError, match="its weights belong to its own featurizer"):
        new_model(config, other, 0, initial)
    config.model["hidden_size"] = 64
    with pytest.raises(UserError, match="leave those out"):
        new_model(config, featurizer, 0, initial)


def test_weights_that_saw_labels_are_refused(classifier, capsys):
    assert run_command("pretrain", ["--init-from", str(classifier)]) == 2
    assert "it was trained with labels" in capsys.readouterr().err
