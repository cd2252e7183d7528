"""Pre-training: configuration, a folder that loads, resuming, no labels read, no pickles left."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file

from gds.errors import UserError
from gds.features import Featurizer
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.models import GdsForContrastive, GdsForDiffusion, GdsForMaskedModeling, GdsModel
from gds.models.presets import preset_options
from gds.studies.pretraining.config import DEFAULTS, TRAINING, load_config
from gds.studies.pretraining.run import pretrain
from tests.cohorts import write_tiny_cohort

CONFIGS = Path(__file__).resolve().parents[2] / "pretrain" / "configs"
SMALL = [
    "model.hidden_size=16", "model.num_hidden_layers=1", "model.num_attention_heads=2", "model.intermediate_size=16",
    "model.blocks_per_token=2", "training.num_train_epochs=2", "training.per_device_train_batch_size=32",
    "training.logging_steps=1", "training.report_to=[]", "training.disable_tqdm=true",
]  # fmt: skip
OBJECTIVES = {
    "diffusion": ("pca", GdsForDiffusion),
    "masked": ("tokens", GdsForMaskedModeling),
    "contrastive": ("tokens", GdsForContrastive),
}


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    bed, table = write_tiny_cohort(folder)
    options = PrepareOptions(
        genotypes=(str(bed),),
        phenotypes=str(table),
        label_column="status",
        blocks="window:16",
        n_components=3,
    )
    return {
        kind: prepare_cohort(replace(options, features=kind, max_slots=16), folder / kind)
        for kind in ("pca", "tokens")
    }


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_shipped_configs_are_the_defaults(objective):
    shipped = yaml.safe_load((CONFIGS / f"{objective}.yaml").read_text())
    assert shipped.pop("objective") == objective
    assert shipped.pop("preset") == DEFAULTS[objective]["preset"]
    config = load_config(CONFIGS / f"{objective}.yaml")
    assert config == load_config(None, objective=objective)
    assert shipped.keys() == {"features", "model", "training"}
    for section in shipped:
        expected = DEFAULTS[objective].get(section, {})
        if section == "training":
            expected = TRAINING | expected
        assert set(shipped[section]) == set(expected)
        if section == "model":
            expected = preset_options(config.preset) | expected
        assert getattr(config, section) == expected


def test_a_preset_is_one_word(tmp_path):
    config = load_config(CONFIGS / "diffusion.yaml", ["model.hidden_size=48"], preset="unet1d-tiny")
    expected = {**preset_options("unet1d-tiny"), **DEFAULTS["diffusion"]["model"], "hidden_size": 48}
    assert (config.preset, config.model) == ("unet1d-tiny", expected)
    # In a file, its own options go over its preset; on the command line a preset replaces both.
    (tmp_path / "own.yaml").write_text("preset: mlp-tiny\nmodel: {mlp_sizes: [64, 32], film: false}\n")
    assert load_config(tmp_path / "own.yaml").model["mlp_sizes"] == [64, 32]
    replaced = load_config(tmp_path / "own.yaml", preset="transformer-tiny").model
    assert replaced == {**preset_options("transformer-tiny"), **DEFAULTS["diffusion"]["model"], "film": False}
    with pytest.raises(UserError, match="did you mean 'mlp-tiny'"):
        load_config(None, preset="mlp-tinny")
    (tmp_path / "own.yaml").write_text("preset: [mlp, hybrid]\n")
    with pytest.raises(UserError, match="expected one word"):
        load_config(tmp_path / "own.yaml")


@pytest.mark.parametrize(
    ("objective", "preset"),
    [("diffusion", "unet1d-tiny"), ("diffusion", "hybrid-tiny"), ("masked", "mlp-tiny")],
)
def test_any_preset_trains_by_its_name(objective, preset, cohorts, tmp_path):
    """Six blocks: the U-Net's third level has a length that no halving gives."""
    cohort = cohorts[OBJECTIVES[objective][0]]
    config = load_config(None, [item for item in SMALL if item.startswith("training.")], objective, preset)
    pretrain(config, cohort, tmp_path / "run")
    assert GdsModel.from_pretrained(tmp_path / "run").config.backbone == preset.split("-")[0]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["config"]["preset"] == preset


def test_a_preset_that_does_not_fit_the_data(cohorts, tmp_path):
    with pytest.raises(
        UserError, match=r"preset 'unet1d' .* does not fit 6 blocks of 3 channels: .* halved 7"
    ):
        pretrain(load_config(None, SMALL[6:], preset="unet1d"), cohorts["pca"], tmp_path / "run")


def test_every_key_can_be_overridden_and_unknown_ones_are_refused():
    config = load_config(None, ["training.learning_rate=3e-4", "model.mask_ratio=[0.2, 0.9]"], "masked")
    assert config.training["learning_rate"] == 3e-4
    assert config.model["mask_ratio"] == [0.2, 0.9]
    assert load_config(None, ["training.save_strategy=no"]).training["save_strategy"] == "no"
    for override, message in {
        "training.learning_rat=1": "did you mean 'learning_rate'",
        "model.n_blocks=5": "model.n_blocks does not exist",
        "modell.hidden_size=5": "no section 'modell'",
        "hidden_size=5": "expected section.key=value",
    }.items():
        with pytest.raises(UserError, match=message):
            load_config(None, [override])


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_pretraining_leaves_a_complete_folder_without_pickles(cohorts, tmp_path, objective):
    kind, model_class = OBJECTIVES[objective]
    pretrain(load_config(None, SMALL, objective), cohorts[kind], tmp_path / "run")
    expected = {"config.json", "model.safetensors", "preprocessor_config.json", "preprocessor.safetensors",
                "people.tsv", "run.json", "label_provenance.json", "curves.csv", "curves.png",
                "checkpoints"}  # fmt: skip
    found = {path.name for path in (tmp_path / "run").iterdir()}
    assert found == expected | (
        {"scheduler_config.json", "noise_levels.csv"} if objective == "diffusion" else set()
    )
    assert isinstance(model_class.from_pretrained(tmp_path / "run"), model_class)
    encoder = GdsModel.from_pretrained(tmp_path / "run")
    featurizer = Featurizer.from_pretrained(tmp_path / "run")
    np.testing.assert_array_equal(encoder.is_padding.numpy(), featurizer.is_padding_)
    curves = pd.read_csv(tmp_path / "run" / "curves.csv")
    assert {"train", "validation"} <= set(curves.loc[curves["metric"] == "loss", "split"])
    people = pd.read_csv(tmp_path / "run" / "people.tsv", sep="\t")
    assert not set(people["id"]) & set(cohorts[kind].ids("test"))
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert not any(identifier in json.dumps(record) for identifier in people["id"])


def test_tensorboard_gets_every_curve_while_training(cohorts, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = load_config(None, [*SMALL, "training.report_to=[tensorboard]"], "diffusion")
    pretrain(config, cohorts["pca"], tmp_path / "run")
    (events,) = (tmp_path / "run" / "checkpoints").rglob("events.out.tfevents.*")
    log = EventAccumulator(str(events)).Reload()
    curves = {"loss", "grad_norm", "samples_per_second", "noise_quarter_1_loss", "noise_quarter_4_loss"}
    found = set(log.Tags()["scalars"])
    assert {f"train/{name}" for name in curves} <= found
    assert {"eval/loss", "eval/shrinkage_loss"} <= found
    assert [point.step for point in log.Scalars("eval/loss")] == [2, 4]


def test_labels_and_test_people_do_not_reach_the_weights(cohorts, tmp_path):
    config = load_config(None, SMALL, "diffusion")
    cohort = cohorts["pca"]
    pretrain(config, cohort, tmp_path / "a")
    shuffled = cohort.people["label"].to_numpy()[::-1]
    table = pd.DataFrame({"id": cohort.people.index, "status": np.where(shuffled == 1, "case", "control")})
    table["split"] = cohort.people["split"].to_numpy()
    table.to_csv(tmp_path / "other.tsv", sep="\t", index=False)
    other = prepare_cohort(
        PrepareOptions(
            genotypes=cohort.description.genotype_files, phenotypes=str(tmp_path / "other.tsv"), split_column="split",
            label_column="status", blocks="window:16", n_components=3,
        ),
        tmp_path / "data",
    )  # fmt: skip
    pretrain(config, other, tmp_path / "b")
    weights = [load_file(tmp_path / name / "model.safetensors") for name in "ab"]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_an_interrupted_run_is_continued_to_the_same_weights(cohorts, tmp_path):
    config = load_config(None, [*SMALL, "training.save_strategy=epoch"], "masked")
    pretrain(config, cohorts["tokens"], tmp_path / "whole")
    pretrain(config, cohorts["tokens"], tmp_path / "cut")
    # As if it had been killed after its first epoch.
    (tmp_path / "cut" / "model.safetensors").unlink()
    checkpoints = sorted(
        (tmp_path / "cut" / "checkpoints").glob("checkpoint-*"), key=lambda p: int(p.name[11:])
    )
    for path in sorted(checkpoints[-1].iterdir()):
        path.unlink()
    checkpoints[-1].rmdir()
    pretrain(config, cohorts["tokens"], tmp_path / "cut")
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("whole", "cut")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_folder_of_another_run_is_not_overwritten(cohorts, tmp_path):
    pretrain(load_config(None, SMALL, "diffusion"), cohorts["pca"], tmp_path / "run")
    other = load_config(None, [*SMALL, "training.learning_rate=0.5"], "diffusion")
    with pytest.raises(UserError, match="holds a run with other training"):
        pretrain(other, cohorts["pca"], tmp_path / "run")


def test_diffusion_refuses_tokens(cohorts, tmp_path):
    with pytest.raises(UserError, match="needs component scores"):
        pretrain(load_config(None, SMALL, "diffusion"), cohorts["tokens"], tmp_path / "run")
