"""``gds qc`` from a file to a report, as a user runs it."""

import json

import numpy as np
import pandas as pd
import pytest

from gds.cli import run_command
from gds.genotypes import Genotypes, write_genotypes


@pytest.fixture
def cohort(tmp_path):
    rng = np.random.default_rng(0)
    n, m = 60, 800
    frequency = rng.uniform(0.1, 0.9, m)
    dosage = rng.binomial(2, frequency, (n, m)).astype(np.int8)
    dosage[4, :200] = -1
    dosage[:, 7] = 0
    dosage[30:, 9] = 1
    variants = pd.DataFrame(
        {
            "chromosome": np.repeat(["1", "2"], m // 2), "position": np.tile(np.arange(m // 2) * 500_000 + 1, 2),
            "id": [f"v{i}" for i in range(m)], "effect_allele": "A", "other_allele": "C",
        }
    )  # fmt: skip
    samples = pd.DataFrame({"id": [f"s{i}" for i in range(n)], "family": "", "sex": np.int8(0)})
    write_genotypes(Genotypes(dosage, samples, variants, None), tmp_path / "c.bed")
    return tmp_path


def test_report_and_lists(cohort, capsys):
    (cohort / "training").write_text("".join(f"s{i}\n" for i in range(30)))
    out = cohort / "qc"
    options = ["--genotypes", str(cohort / "c.bed"), "--training", str(cohort / "training"), "--pcs", "3"]
    assert run_command("qc", [*options, "--out", str(out)]) == 0
    report = json.loads((out / "qc.json").read_text())
    assert report["people"]["kept"] == 59
    assert report["relatives"]["method"] == "skipped"
    kept = (out / "kept_variants.txt").read_text().split()
    assert "v7" not in kept
    assert "v9" in kept, "the fault is in people who do not train"
    components = pd.read_csv(out / "pcs.tsv", sep="\t")
    assert components.shape == (59, 4)
    assert pd.read_csv(out / "people.tsv", sep="\t").query("~passed")["id"].tolist() == ["s4"]
    assert "kinship was skipped" in capsys.readouterr().out


def test_sex_is_checked_where_there_is_an_x(tmp_path, capsys):
    rng = np.random.default_rng(3)
    n, m = 40, 400
    sex = np.resize([1, 2], n).astype(np.int8)
    dosage = rng.binomial(2, 0.5, (n, 2 * m)).astype(np.int8)
    dosage[sex == 1, m:] = 2 * rng.binomial(1, 0.5, (n // 2, m))
    sex[6] = 2
    variants = pd.DataFrame(
        {
            "chromosome": np.repeat(["1", "X"], m), "position": np.tile(np.arange(m) * 200_000 + 5_000_000, 2),
            "id": [f"v{i}" for i in range(2 * m)], "effect_allele": "A", "other_allele": "C",
        }
    )  # fmt: skip
    samples = pd.DataFrame({"id": [f"s{i}" for i in range(n)], "family": "", "sex": sex})
    write_genotypes(Genotypes(dosage, samples, variants, None), tmp_path / "c.bed")
    assert run_command("qc", ["--genotypes", str(tmp_path / "c.bed"), "--out", str(tmp_path / "qc")]) == 0
    removed = pd.read_csv(tmp_path / "qc" / "qc_removed_people.tsv", sep="\t")
    assert removed[["id", "filter"]].to_numpy().tolist() == [["s6", "sex"]]


def test_unknown_people_are_an_error(cohort, capsys):
    (cohort / "training").write_text("nobody\n")
    options = ["--genotypes", str(cohort / "c.bed"), "--training", str(cohort / "training")]
    assert run_command("qc", [*options, "--out", str(cohort / "qc")]) == 2
    assert "have no genotypes, e.g. nobody" in capsys.readouterr().err
