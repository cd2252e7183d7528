"""The main job by the commands that a user types, on a cohort small enough for a test."""

import json

import numpy as np
import pandas as pd
import pytest

from gds import cli
from gds.features.dataset import PreparedCohort
from gds.genotypes import read_genotypes
from tests.studies.test_pretraining import SMALL


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("commands")


def run(*arguments: object) -> None:
    assert cli.main([str(argument) for argument in arguments]) == 0


@pytest.fixture(scope="module")
def encoder(folder):
    cohort = folder / "cohort"
    run("simulate", "--out", cohort, "--n-cases", 60, "--n-controls", 60, "--n-genes", 20, "--pool-size", 100)
    run("prepare", "--data", cohort, "--out", folder / "data", "--fractions", 0.6, 0.1, 0.3)
    run("pretrain", "--data", folder / "data", "--out", folder / "encoder", *SMALL)
    return folder / "encoder"


def test_generating_twice_gives_the_same_file(encoder, folder):
    for name in ("first.pgen", "second.pgen"):
        run(
            "generate",
            "--model",
            encoder,
            "--n",
            30,
            "--steps",
            5,
            "--batch-size",
            7,
            "--features",
            "--out",
            folder / name,
        )
    assert (folder / "first.pgen").read_bytes() == (folder / "second.pgen").read_bytes()
    synthetic = read_genotypes(folder / "first.pgen")
    assert synthetic.samples["id"].tolist()[:2] == ["SYN000001", "SYN000002"]
    real = read_genotypes(folder / "cohort" / "cohort.bed")
    key = ["chromosome", "position", "effect_allele", "other_allele"]
    kept = PreparedCohort(folder / "data").kept_variants()
    expected = real.variants[key].iloc[kept].reset_index(drop=True)
    pd.testing.assert_frame_equal(synthetic.variants[key], expected)
    assert np.load(folder / "first.features.npy").shape[0] == 30


def test_finetuning_reports_beside_the_ceiling_of_the_simulated_disease(encoder, folder, capsys):
    run(
        "finetune",
        "--data",
        folder / "data",
        "--encoder",
        encoder,
        "--n-labels",
        30,
        "--out",
        folder / "report",
    )
    printed = capsys.readouterr().out
    assert "ceiling: 0.741" in printed
    assert str(folder / "report" / "report.html") in printed
    metrics = json.loads((folder / "report" / "metrics.json").read_text())
    assert metrics["people"]["labelled few"]["people"] == 30
    assert metrics["ceiling"]["auroc"] == pytest.approx(0.741, abs=5e-4)


def test_genotypes_and_an_encoder_are_enough(encoder, folder):
    """A cohort that is not prepared is split so that nobody the encoder has seen is tested."""
    seen = set(pd.read_csv(encoder / "people.tsv", sep="\t")["id"])
    out = folder / "from_files"
    run(
        "finetune", "--genotypes", folder / "cohort" / "cohort.bed", "--phenotypes",
        folder / "cohort" / "phenotypes.tsv", "--label-column", "ALS", "--encoder", encoder, "--n-labels", 20,
        "--fractions", 0.3, 0.1, 0.6, "--out", out,
    )  # fmt: skip
    tested = set(pd.read_csv(out / "predictions.tsv", sep="\t")["id"])
    assert tested
    assert not tested & seen


def test_flags_that_a_prepared_cohort_would_ignore_are_refused(encoder, folder, capsys):
    arguments = [
        "finetune",
        "--data",
        str(folder / "data"),
        "--encoder",
        str(encoder),
        "--label-column",
        "sex",
    ]
    assert cli.main(arguments) == 2
    assert "--label-column would change nothing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prepare", "--genotypes", "no.bed", "--out", "x"], "no.bed does not exist"),
        (["prepare", "--data", "nowhere", "--out", "x"], "no simulated cohort"),
        (["generate", "--model", "nowhere", "--out", "x.txt"], "expected a name that ends in"),
        (["finetune", "--encoder", "nowhere"], "nowhere holds no model"),
        (["pretrain", "--config", "missing.yaml"], "does not exist"),
        (["pretrain", "model.hiden_size=3"], "did you mean 'hidden_size'"),
    ],
)
def test_mistakes_exit_with_2_and_say_what_to_do(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
