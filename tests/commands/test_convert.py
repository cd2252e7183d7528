"""``gds convert`` between all formats, as a user runs it."""

from dataclasses import replace

import numpy as np
import pytest

from gds.cli import run_command
from gds.files import read_json
from gds.genotypes import Genotypes, read_genotypes, write_genotypes
from tests.cohorts import tiny_genotypes

ENDINGS = ("bed", "pgen", "vcf.gz", "bcf")


@pytest.fixture
def cohort() -> Genotypes:
    plain = tiny_genotypes(n_samples=20, n_variants=40)
    dosage = np.where(plain.dosage == 1, 2, plain.dosage)
    haplotypes = np.repeat(np.where(dosage < 0, -1, dosage // 2)[..., None], 2, axis=-1).astype(np.int8)
    haplotypes[3, 5] = (1, 0)
    dosage[3, 5] = 1
    variants = plain.variants.assign(chromosome=np.repeat(["1", "X"], 20))
    return replace(plain, dosage=dosage, variants=variants, haplotypes=haplotypes)


@pytest.mark.parametrize("before", ENDINGS)
@pytest.mark.parametrize("after", ENDINGS)
def test_every_format_into_every_other(cohort, tmp_path, capsys, before, after):
    write_genotypes(cohort, tmp_path / f"a.{before}")
    phased = before != "bed" and after != "bed"
    arguments = [
        "--genotypes",
        tmp_path / f"a.{before}",
        "--out",
        tmp_path / f"b.{after}",
        "--chromosomes",
        "all",
    ]
    arguments += ["--phased"] if phased else []
    assert run_command("convert", list(map(str, arguments))) == 0
    found = read_genotypes(tmp_path / f"b.{after}", chromosomes="all", phased=phased)
    np.testing.assert_array_equal(found.dosage, cohort.dosage)
    assert found.variants.equals(read_genotypes(tmp_path / f"a.{before}", chromosomes="all").variants)
    if phased:
        np.testing.assert_array_equal(found.haplotypes, cohort.haplotypes)
    assert "20 people, 40 of 40 variants" in capsys.readouterr().out


def test_files_of_chromosomes_become_one_and_what_is_left_out_is_recorded(cohort, tmp_path, capsys):
    paths = []
    for name in ("2", "1"):
        variants = cohort.variants.assign(chromosome=np.repeat([name, "X" + name], 20))
        paths.append(str(tmp_path / f"chr{name}.vcf.gz"))
        write_genotypes(replace(cohort, variants=variants), paths[-1])
    assert run_command("convert", ["--genotypes", *paths, "--out", str(tmp_path / "all.pgen")]) == 0
    found = read_genotypes(tmp_path / "all.pgen")
    assert found.variants["chromosome"].tolist() == ["1"] * 20 + ["2"] * 20
    record = read_json(tmp_path / "all.convert.json")
    assert record["read"]["dropped"] == {"other_chromosome": 40}
    assert record["read"]["variants_kept"] == 40
    assert sorted(record["inputs"]) == sorted(paths)
    assert "left out 40 variants on a chromosome that was not asked for" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "{folder}/a.bed"], "is also an input"),
        (["--out", "{folder}/b.bed", "--phased"], "a .bed file cannot hold phase"),
        (["--out", "{folder}/b.pgen", "--phased"], "a.bed holds no phase"),
        (["--out", "{folder}/b.txt"], "expected a name that ends in .bed, .pgen, .vcf.gz, .bcf"),
        (["--out", "{folder}/b.bed", "--chromosomes", "7"], "none of its 40 variants can be taken"),
    ],
)
def test_mistakes_end_with_code_2_and_no_output(cohort, tmp_path, capsys, arguments, message):
    write_genotypes(cohort, tmp_path / "a.bed")
    before = sorted(tmp_path.iterdir())
    given = [argument.format(folder=tmp_path) for argument in arguments]
    assert run_command("convert", ["--genotypes", str(tmp_path / "a.bed"), *given]) == 2
    assert message in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before
