"""Membership by the model's loss: a model that remembers is caught, one that has learned nothing is not."""

from dataclasses import asdict

import numpy as np
import pytest
import torch

from gds.errors import UserError
from gds.features.dataset import arrow_dataset
from gds.files import RUN_RECORD, write_json
from gds.models import GdsConfig, GdsForDiffusion
from gds.studies.attacks import shadows
from gds.studies.attacks.attacked_people import AttackedPeople
from gds.studies.attacks.loss_attack import loss_attack, loss_attack_rows
from gds.studies.pretraining.config import PretrainConfig
from gds.training import FeatureDataset, GdsTrainer
from gds.training.arguments import training_arguments

N, SHAPE = 30, (6, 4)
TRAINING = {"num_train_epochs": 80, "per_device_train_batch_size": 30, "learning_rate": 1e-2, "report_to": []}


@pytest.fixture(scope="module")
def people():
    """Pure noise: nothing can be learned about one person from another. Two haplotypes a person."""
    features = np.random.default_rng(0).normal(size=(4 * N, *SHAPE)).astype(np.float32)
    return AttackedPeople(features, rows_a_person=2, n_members=N, lines=[])


@pytest.fixture
def save(people, tmp_path, monkeypatch):
    """Save a model that was trained for some epochs, as ``gds pretrain`` would."""
    # The attack needs no featurizer: the features are here already.
    monkeypatch.setattr(
        "gds.generation.generator.Featurizer.from_pretrained", classmethod(lambda cls, folder: None)
    )

    def make(epochs):
        torch.manual_seed(0)
        config = GdsConfig(n_blocks=SHAPE[0], n_channels=SHAPE[1], backbone="mlp", mlp_sizes=[96, 96],
                           use_timestep=True, num_train_timesteps=20)  # fmt: skip
        model = GdsForDiffusion(config)
        if epochs:
            rows = people.features[: 2 * N]
            arguments = training_arguments(
                tmp_path / "training", seed=0, disable_tqdm=True, logging_strategy="no", save_strategy="no",
                **{**TRAINING, "num_train_epochs": epochs},
            )  # fmt: skip
            data = FeatureDataset(arrow_dataset(rows, np.full(len(rows), -100)), *SHAPE)
            GdsTrainer(model=model, args=arguments, train_dataset=data).train()
        model.save_pretrained(tmp_path / "model")
        write_json(
            tmp_path / "model" / RUN_RECORD,
            {"config": asdict(PretrainConfig("diffusion", training=TRAINING))},
        )
        return tmp_path / "model"

    return make


def test_a_model_that_remembers_is_caught(save, people, tmp_path, capsys):
    table = loss_attack(save(200), people, tmp_path, n_shadows=2)
    assert table.loc[("loss", "auc"), "value"] > 0.95
    assert table.loc[("calibrated_loss", "auc"), "value"] > 0.95
    # Announced before the work, with an estimate.
    assert "2 shadow models of 80 steps, about" in capsys.readouterr().out
    rows = {row.name: row for row in loss_attack_rows(table)}
    assert rows["calibrated_loss_attack_auc"].verdict == "bad"
    assert rows["loss_attack_auc"].ideal == "0.5"


def test_a_model_that_has_learned_nothing_gives_nothing_away(save, people, tmp_path):
    table = loss_attack(save(0), people, tmp_path, n_shadows=2)
    for attack in ("loss", "calibrated_loss"):
        row = table.loc[(attack, "auc")]
        assert row["lower"] < 0.5 < row["upper"]


def test_shadows_are_kept_and_are_not_trained_twice(save, people, tmp_path, monkeypatch):
    model = save(0)
    first = loss_attack(model, people, tmp_path, n_shadows=2)
    kept = sorted(path.name for path in (tmp_path / "shadow-models").iterdir())
    assert kept == ["0", "1"]
    monkeypatch.setattr(shadows, "_trainer", None)  # training anew would fail
    assert loss_attack(model, people, tmp_path, n_shadows=2).equals(first)


def test_everyone_is_unknown_to_one_shadow_of_each_pair(save, people, tmp_path):
    recipe = shadows.ShadowRecipe.of(save(0))
    _, is_out = shadows.shadow_losses(recipe, people, tmp_path, n_models=2, n_draws=2)
    assert (is_out.sum(axis=0) == 1).all()
    assert is_out[:, people.is_member].any(axis=1).all()


def test_bad_requests(save, people, tmp_path):
    model = save(0)
    with pytest.raises(UserError, match="even number"):
        loss_attack(model, people, tmp_path, n_shadows=3)
    (model / RUN_RECORD).unlink()
    with pytest.raises(UserError, match="does not say how it was trained"):
        loss_attack(model, people, tmp_path, n_shadows=2)
    # Without shadows no record is needed.
    table = loss_attack(model, people, tmp_path, n_shadows=0)
    assert table.index.get_level_values("attack").unique().tolist() == ["loss"]
