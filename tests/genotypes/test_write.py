"""Written files: read back, by ourselves and by plink2, plink 1.9 and bcftools; whole or not at all."""

import gzip
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

import gds.genotypes.write
from gds.errors import UserError
from gds.genotypes import Genotypes, read_genotypes, write_genotypes
from gds.genotypes.bgzf import BgzfWriter
from tests.cohorts import tiny_genotypes

ENDINGS = ("bed", "pgen", "vcf.gz", "bcf")


@pytest.fixture(scope="module")
def cohort() -> Genotypes:
    """Two autosomes, families, both sexes, an insertion, a variant that does not vary; partly phased."""
    plain = tiny_genotypes(n_samples=30, n_variants=48)
    variants = plain.variants.assign(chromosome=np.repeat(["1", "12"], 24))
    variants.loc[5, "effect_allele"] = "GTT"
    variants.loc[6, "effect_allele"] = "."
    dosage = plain.dosage.copy()
    dosage[:, 6] = np.minimum(dosage[:, 6], 0)
    samples = plain.samples.assign(family=np.repeat(["F1", ""], 15))
    rng = np.random.default_rng(0)
    first = np.where(dosage == 1, rng.integers(0, 2, dosage.shape), dosage // 2)
    haplotypes = np.stack([first, dosage - first], axis=-1).astype(np.int8)
    unphased = (dosage < 0) | ((dosage == 1) & (rng.random(dosage.shape) < 0.2))
    haplotypes[unphased] = -1
    return Genotypes(dosage, samples, variants, "hg19", haplotypes)


def program(name: str, *arguments: str | Path) -> str:
    """What a program says; skips where it is not installed, fails where it complains."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run([name, *map(str, arguments)], capture_output=True, text=True, check=True)
    said = done.stdout + done.stderr
    assert "arning" not in said, said
    return done.stdout


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_is_read_back(cohort, tmp_path, ending):
    path = tmp_path / f"c.{ending}"
    write_genotypes(cohort, path)
    found = read_genotypes(path, phased=ending != "bed")
    np.testing.assert_array_equal(found.dosage, cohort.dosage)
    pd.testing.assert_frame_equal(found.variants, cohort.variants, check_dtype=False)
    assert found.samples["id"].tolist() == cohort.samples["id"].tolist()
    if ending != "bed":
        np.testing.assert_array_equal(found.haplotypes, cohort.haplotypes)
    if ending in ("bed", "pgen"):
        pd.testing.assert_frame_equal(found.samples, cohort.samples, check_dtype=False)
    tables = {"bed": ["bim", "fam"], "pgen": ["psam", "pvar"]}.get(ending, [])
    assert {file.name for file in tmp_path.iterdir()} == {f"c.{end}" for end in (ending, *tables)}


@settings(max_examples=40, deadline=None)
@given(
    dosage=hypothesis_numpy.arrays(
        np.int8,
        hypothesis_numpy.array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.integers(-1, 2),
    )
)
def test_any_matrix_survives_every_format(tmp_path_factory, dosage):
    folder = tmp_path_factory.mktemp("w")
    n, m = dosage.shape
    samples = pd.DataFrame(
        {"id": [f"s{i}" for i in range(n)], "family": "", "sex": np.zeros(n, dtype=np.int8)}
    )
    variants = pd.DataFrame(
        {
            "chromosome": "3",
            "position": np.arange(m) + 1,
            "id": ".",
            "effect_allele": "T",
            "other_allele": "C",
        }
    )
    for ending in ENDINGS:
        write_genotypes(Genotypes(dosage, samples, variants), folder / f"c.{ending}")
        np.testing.assert_array_equal(read_genotypes(folder / f"c.{ending}").dosage, dosage)


@pytest.mark.parametrize("ending", ENDINGS)
def test_small_blocks_write_the_same_bytes(cohort, tmp_path, ending, monkeypatch):
    write_genotypes(cohort, tmp_path / f"a.{ending}")
    monkeypatch.setattr(gds.genotypes.write, "_BLOCK_BYTES", 5 * 30)
    write_genotypes(cohort, tmp_path / f"b.{ending}")
    unpack = gzip.decompress if ending in ("vcf.gz", "bcf") else bytes
    assert unpack((tmp_path / f"a.{ending}").read_bytes()) == unpack((tmp_path / f"b.{ending}").read_bytes())


def expected_counts(cohort: Genotypes) -> pd.DataFrame:
    counts = {
        name: (cohort.dosage == copies).sum(axis=0)
        for name, copies in zip("012m", (0, 1, 2, -1), strict=True)
    }
    return pd.DataFrame(counts, index=cohort.variants["id"])


@pytest.mark.parametrize(
    ("ending", "flag"), [("bed", "--bfile"), ("pgen", "--pfile"), ("vcf.gz", "--vcf"), ("bcf", "--bcf")]
)
def test_plink2_reads_it_without_a_warning(cohort, tmp_path, ending, flag):
    path = tmp_path / f"c.{ending}"
    write_genotypes(cohort, path)
    program(
        "plink2", flag, tmp_path / "c" if ending in ("bed", "pgen") else path,
        "--geno-counts", "cols=chrom,pos,ref,alt,homref,refalt,homalt1,missing", "--out", tmp_path / "x",
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "x.gcount", sep="\t", dtype={"#CHROM": str}).set_index("ID")
    assert table["REF"].tolist() == cohort.variants["other_allele"].tolist()
    assert table["ALT"].tolist() == cohort.variants["effect_allele"].tolist()
    assert table["#CHROM"].tolist() == cohort.variants["chromosome"].tolist()
    columns = table[["HOM_REF_CT", "HET_REF_ALT_CTS", "HOM_ALT1_CT", "MISSING_CT"]].astype(int)
    np.testing.assert_array_equal(columns, expected_counts(cohort))


def test_plink2_keeps_the_phase(cohort, tmp_path):
    write_genotypes(cohort, tmp_path / "c.pgen")
    program(
        "plink2", "--pfile", tmp_path / "c", "--export", "vcf", "bgz", "id-paste=iid", "--out", tmp_path / "x"
    )
    found = read_genotypes(tmp_path / "x.vcf.gz", phased=True)
    np.testing.assert_array_equal(found.haplotypes, cohort.haplotypes)


@pytest.mark.parametrize(("ending", "flag"), [("bed", "--bfile"), ("vcf.gz", "--vcf"), ("bcf", "--bcf")])
def test_plink19_reads_it_without_a_warning(cohort, tmp_path, ending, flag):
    path = tmp_path / f"c.{ending}"
    write_genotypes(cohort, path)
    given = [flag, tmp_path / "c" if ending == "bed" else path, "--double-id"][: 2 if ending == "bed" else 3]
    program("plink1.9", *given, "--freqx", "--keep-allele-order", "--out", tmp_path / "x")
    table = pd.read_csv(tmp_path / "x.frqx", sep="\t").set_index("SNP")
    columns = table[["C(HOM A2)", "C(HET)", "C(HOM A1)", "C(MISSING)"]]
    np.testing.assert_array_equal(columns, expected_counts(cohort))


@pytest.mark.parametrize("ending", ["vcf.gz", "bcf"])
def test_bcftools_reads_it_without_a_warning(cohort, tmp_path, ending):
    path = tmp_path / f"c.{ending}"
    write_genotypes(cohort, path, provenance="made\nby hand")
    program("bcftools", "index", path)
    listed = program(
        "bcftools", "query", "-r", "12", "-f", "%CHROM %POS %ID %REF %ALT [%GT ]\n", path
    ).splitlines()
    assert len(listed) == 24
    for line, column in zip(listed, range(24, 48), strict=True):
        chromosome, position, name, reference, alternative, *calls = line.split()
        row = cohort.variants.iloc[column]
        assert (chromosome, int(position), name) == (row["chromosome"], row["position"], row["id"])
        assert (reference, alternative) == (row["other_allele"], row["effect_allele"])
        read = [-1 if "." in call else call.count("1") for call in calls]
        assert read == cohort.dosage[:, column].tolist()
    header = program("bcftools", "view", "-h", path)
    assert "##source=genotype-diffusion" in header
    assert "##gdsProvenance=made?by hand\n" in header
    assert "##reference=hg19" in header
    assert "##contig=<ID=12>" in header


def test_bcftools_finds_the_same_text_in_the_bcf_as_in_the_vcf(cohort, tmp_path):
    long = cohort.variants.copy()
    for row, length in enumerate((14, 15, 127, 128, 32_768)):
        long.loc[row, "effect_allele"] = "G" + "A" * (length - 1)
    long.loc[7, "id"] = "."
    for ending in ("vcf.gz", "bcf"):
        write_genotypes(replace(cohort, variants=long), tmp_path / f"c.{ending}", provenance="by hand")
    text = program("bcftools", "view", "--no-version", tmp_path / "c.bcf")
    assert text == program("bcftools", "view", "--no-version", tmp_path / "c.vcf.gz")
    ours = gzip.decompress((tmp_path / "c.vcf.gz").read_bytes()).decode()
    assert sorted(text.splitlines()) == sorted(ours.splitlines())


def test_a_bcf_record_byte_by_byte(tmp_path):
    """Four people at 20:14370, as section 6.3 of the specification spells such a record out."""
    samples = pd.DataFrame({"id": list("abcd"), "family": "", "sex": np.zeros(4, dtype=np.int8)})
    variants = pd.DataFrame(
        {
            "chromosome": ["20"],
            "position": [14370],
            "id": ["rs6054257"],
            "effect_allele": ["A"],
            "other_allele": ["G"],
        }
    )
    dosage = np.array([[0], [1], [2], [-1]], dtype=np.int8)
    haplotypes = np.array([[[0, 0]], [[1, 0]], [[1, 1]], [[-1, -1]]], dtype=np.int8)
    write_genotypes(Genotypes(dosage, samples, variants, None, haplotypes), tmp_path / "c.bcf")
    content = gzip.decompress((tmp_path / "c.bcf").read_bytes())
    assert content[:5] == b"BCF\2\2"
    record = 9 + int.from_bytes(content[5:9], "little")
    assert content[record - 4 : record] == b"\td\n\0"
    expected = (
        "28000000 0b000000 00000000 21380000 01000000 0100807f 0000 0200 04000001"
        "97 727336303534323537 17 47 17 41 11 00"
        "11 01 21 0203 0403 0405 0000"
    )
    assert content[record:].hex() == expected.replace(" ", "")


def test_bgzf_is_gzip_in_blocks(tmp_path):
    content = os.urandom(200_000) + b"ACGT" * 50_000
    with BgzfWriter(tmp_path / "x.gz") as file:
        for begin in range(0, len(content), 70_001):
            file.write(content[begin : begin + 70_001])
    packed = (tmp_path / "x.gz").read_bytes()
    assert gzip.decompress(packed) == content
    # Hop from block to block by the sizes that their headers give.
    place, n_blocks = 0, 0
    while place < len(packed):
        assert packed[place : place + 4] == b"\x1f\x8b\x08\x04"
        place += int.from_bytes(packed[place + 16 : place + 18], "little") + 1
        n_blocks += 1
    assert place == len(packed)
    assert n_blocks == -(-len(content) // 65_280) + 1


class Interrupted:
    """A source that fails after some blocks."""

    def __init__(self, genotypes: Genotypes) -> None:
        self.samples, self.variants, self.genotypes, self.n_read = (
            genotypes.samples,
            genotypes.variants,
            genotypes,
            0,
        )

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        self.n_read += 1
        if self.n_read > 3:
            raise KeyboardInterrupt
        return self.genotypes.read(variants, samples)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_interrupted_write_leaves_what_was_there(cohort, tmp_path, ending, monkeypatch):
    path = tmp_path / f"c.{ending}"
    write_genotypes(cohort, path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    monkeypatch.setattr(gds.genotypes.write, "_BLOCK_BYTES", 5 * 30)
    other = Interrupted(replace(cohort, haplotypes=None))
    with pytest.raises(KeyboardInterrupt):
        write_genotypes(other, path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_the_users_error(cohort, tmp_path, monkeypatch):
    real_open: Callable[..., object] = Path.open

    def full(path: Path, *arguments: object, **options: object) -> object:
        return real_open(Path("/dev/full") if ".partial" in path.name else path, *arguments, **options)

    monkeypatch.setattr(Path, "open", full)
    for ending in ("bed", "vcf.gz", "bcf"):
        with pytest.raises(UserError, match="no space left"):
            write_genotypes(cohort, tmp_path / f"c.{ending}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "P 1"}, "sample id 'P 1' holds white space"),
        ({"family": "F\t1"}, "family 'F.t1' holds white space"),
        ({"id": ""}, "person 1 has an empty id"),
    ],
)
def test_ids_that_no_file_can_hold(cohort, tmp_path, change, message):
    samples = cohort.samples.copy()
    for name, value in change.items():
        samples.loc[0, name] = value
    with pytest.raises(UserError, match=message):
        write_genotypes(replace(cohort, samples=samples), tmp_path / "c.bed")


def test_names_that_are_no_format(cohort, tmp_path):
    for name in ("c.vcf", "c", "c.bgen", ".bed"):
        with pytest.raises(UserError, match="expected a name"):
            write_genotypes(cohort, tmp_path / name)
    variants = cohort.variants.assign(other_allele=".")
    with pytest.raises(UserError, match="no other allele, which would be the reference"):
        write_genotypes(replace(cohort, variants=variants), tmp_path / "c.pgen")
    with pytest.raises(UserError, match="nothing to write: 30 people, 0 variants"):
        write_genotypes(cohort.subset(variants=np.array([], dtype=int)), tmp_path / "c.pgen")
