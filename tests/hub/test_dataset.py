"""Synthetic people travel to the hub and back; real ones do not."""

import numpy as np
import pytest
from datasets import load_dataset

from gds.cli import run_command
from gds.files import write_json
from gds.genotypes import read_genotypes, write_genotypes

METRICS = {
    "figures": [
        {"name": "allele_frequency_r", "section": "fidelity", "value": 0.98, "lower": 0.97, "upper": 0.99,
         "references": {"real_half": 0.997}},
        {"name": "privacy_loss", "section": "privacy", "value": 0.01, "lower": None, "upper": None, "references": {}},
    ]
}  # fmt: skip


@pytest.fixture
def synthetic(denoiser, tmp_path):
    """Seven synthetic people and their evaluation."""
    out = tmp_path / "synthetic.pgen"
    arguments = ["--model", denoiser, "--n", 7, "--steps", 4, "--out", out]
    assert run_command("generate", [str(each) for each in arguments]) == 0
    write_json(tmp_path / "metrics.json", METRICS)
    return out


def push(file, *options):
    return run_command(
        "push", ["--dataset", str(file), "alice/synthetic", "--token", "alice-token", *map(str, options)]
    )


def test_load_dataset_reads_back_what_was_pushed(hub, synthetic, tmp_path, monkeypatch):
    assert push(synthetic, "--metrics", tmp_path / "metrics.json") == 0
    repository = hub.state.repositories["dataset", "alice/synthetic"]
    assert repository.private
    monkeypatch.setenv("HF_TOKEN", "alice-token")
    people = load_dataset("alice/synthetic", split="train")
    variants = load_dataset("alice/synthetic", "variants", split="train")
    expected = read_genotypes(synthetic)
    assert people["id"][:] == expected.samples["id"].tolist()
    np.testing.assert_array_equal(np.array(people["dosage"][:]), expected.dosage)
    assert variants["effect_allele"][:] == expected.variants["effect_allele"].tolist()
    for ending in (".pgen", ".pvar", ".psam"):
        (tmp_path / f"again{ending}").write_bytes(repository.files[f"genotypes/synthetic{ending}"].content)
    np.testing.assert_array_equal(read_genotypes(tmp_path / "again.pgen").dosage, expected.dosage)
    card = repository.files["README.md"].content.decode()
    assert "| fidelity | allele_frequency_r | 0.98 | 0.97 to 0.99 | real half 0.997 |" in card
    assert "Nobody in this data set exists" in card


def test_real_people_are_refused(hub, genotypes, synthetic, tmp_path, capsys):
    metrics = ("--metrics", tmp_path / "metrics.json")
    write_genotypes(genotypes, tmp_path / "real.pgen")
    assert push(tmp_path / "real.pgen", *metrics) == 2
    assert "does not say that gds generate wrote it" in capsys.readouterr().err
    # Real people behind a header that claims otherwise.
    write_genotypes(genotypes, tmp_path / "claimed.pgen", provenance="gds generate --n 60")
    assert push(tmp_path / "claimed.pgen", *metrics) == 2
    assert "60 of its sample ids are not those of synthetic people" in capsys.readouterr().err
    (tmp_path / "synthetic.run.json").unlink()
    assert push(synthetic, *metrics) == 2
    assert "real people are never pushed" in capsys.readouterr().err
    assert not hub.state.repositories


def test_synthetic_people_are_evaluated_first(hub, synthetic, capsys):
    assert push(synthetic) == 2
    assert "gds evaluate first" in capsys.readouterr().err
