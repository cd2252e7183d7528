"""A disk that fills up while a model is trained: told as one, and the same command goes on once there is space."""

import json
from pathlib import Path

import pytest

from gds.cli import run_command
from gds.studies.pretraining.run import last_checkpoint
from tests.cohorts import write_tiny_cohort
from tests.commands.test_bad_input import files_no_larger_than
from tests.studies.test_pretraining import SMALL


@pytest.fixture
def command(tmp_path) -> list[str]:
    bed, _ = write_tiny_cohort(tmp_path / "cohort")
    data = ["--genotypes", str(bed), "--no-qc", "--out", str(tmp_path / "data"), "--blocks", "window:16"]
    assert run_command("prepare", data) == 0
    return ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "model"), *SMALL]


def test_training_goes_on_from_the_newest_complete_checkpoint(command, tmp_path, capsys):
    with files_no_larger_than(20_000):
        assert run_command("pretrain", command) == 2
    assert "no space left on the disk" in capsys.readouterr().err
    checkpoints = tmp_path / "model" / "checkpoints"
    assert list(checkpoints.glob("checkpoint-*")), "the test needs an incomplete checkpoint"
    assert last_checkpoint(checkpoints) is None
    assert not (tmp_path / "model" / "config.json").exists()
    assert run_command("pretrain", command) == 0
    assert (tmp_path / "model" / "model.safetensors").is_file()
    assert last_checkpoint(checkpoints) == str(max(checkpoints.glob("checkpoint-*")))


def test_incomplete_checkpoints_are_passed_over(tmp_path):
    def checkpoint(step: int, *names: str) -> Path:
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        for name in names:
            (folder / name).write_text(json.dumps({}))
        return folder

    assert last_checkpoint(tmp_path / "absent") is None
    whole = checkpoint(9, "trainer_state.json", "ema.safetensors")
    plain = checkpoint(10, "trainer_state.json")
    cut = checkpoint(11)
    (cut / "trainer_state.json").write_text('{"epoch": 1')
    checkpoint(12, "model.safetensors")
    assert last_checkpoint(tmp_path) == str(plain)
    assert last_checkpoint(tmp_path, averaged=True) == str(whole)


def test_fewer_training_people_than_a_batch(command, capsys):
    assert run_command("pretrain", [*command, "training.per_device_train_batch_size=500"]) == 2
    assert "84 training people do not fill a batch of 500" in capsys.readouterr().err
