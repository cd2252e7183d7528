""".bed and .pgen: blocks, people, tables, several files; and what is said about files that cannot be read."""

import gzip
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pgenlib
import pytest

from gds.errors import UserError
from gds.genotypes import Genotypes, open_genotypes, read_genotypes, write_genotypes
from gds.genotypes.matrix import GenotypeSource
from gds.genotypes.plink import PlinkFile
from tests.cohorts import tiny_genotypes


@pytest.fixture(scope="module")
def cohort() -> Genotypes:
    return tiny_genotypes(n_samples=37, n_variants=60)


@pytest.fixture(params=["bed", "pgen"])
def path(request, cohort, tmp_path) -> Path:
    write_genotypes(cohort, tmp_path / f"c.{request.param}")
    return tmp_path / f"c.{request.param}"


def on_chromosome(cohort: Genotypes, name: str) -> Genotypes:
    return replace(cohort, variants=cohort.variants.assign(chromosome=name))


@pytest.mark.parametrize(
    "variants",
    [slice(None), slice(10, 20), slice(5, 40, 3), np.array([3, 59, 3, 0]), np.arange(60) % 7 == 0, []],
)
@pytest.mark.parametrize(
    "samples", [None, np.array([1, 5, 30]), np.array([30, 1, 1]), np.arange(37) % 2 == 0, []]
)
def test_any_block_of_any_people(path, cohort, variants, samples):
    variants = np.array(variants, dtype=int) if isinstance(variants, list) else variants
    samples = np.array(samples, dtype=int) if isinstance(samples, list) else samples
    expected = cohort.dosage[:, variants]
    found = open_genotypes(path).read(variants, samples)
    np.testing.assert_array_equal(found, expected if samples is None else expected[samples])
    assert found.dtype == np.int8


def test_one_source_serves_different_people_in_turn(path, cohort):
    source = open_genotypes(path)
    for people in (np.array([2, 3]), None, np.array([4]), np.array([2, 3])):
        expected = cohort.dosage if people is None else cohort.dosage[people]
        np.testing.assert_array_equal(source.read(slice(None), people), expected)
    copy: GenotypeSource = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(copy.read(slice(0, 5)), cohort.dosage[:, :5])


def test_counts_are_those_of_pgenlib(path, cohort):
    with pgenlib.PgenReader(bytes(path), raw_sample_ct=37) as reader:
        raw = np.empty((60, 37), dtype=np.int8)
        reader.read_range(0, 60, raw)
    np.testing.assert_array_equal(read_genotypes(path).dosage.T, np.where(raw == -9, -1, raw))


def test_tables_may_be_spaced_quoted_prefixed_or_compressed(cohort, tmp_path):
    write_genotypes(cohort, tmp_path / "c.bed")
    bim, fam = tmp_path / "c.bim", tmp_path / "c.fam"
    bim.write_text(
        "".join("chr" + "  ".join(line.split("\t")) for line in bim.read_text().splitlines(keepends=True))
    )
    fam.write_text(
        "".join(f'"F{i}" "{name}" 0 0 {i % 3} -9\n' for i, name in enumerate(cohort.samples["id"]))
    )
    found = read_genotypes(tmp_path / "c.bed")
    pd.testing.assert_frame_equal(found.variants, cohort.variants, check_dtype=False)
    assert found.samples["id"].tolist() == cohort.samples["id"].tolist()
    assert found.samples["family"].tolist()[:2] == ["F0", "F1"]
    assert found.samples["sex"].tolist()[:3] == [0, 1, 2]
    bim.write_bytes(gzip.compress(bim.read_bytes()))
    assert read_genotypes(tmp_path / "c.bed").variants.equals(found.variants)


@pytest.mark.parametrize(
    ("rows", "ids", "families"),
    [
        (["10002 1", "10004 1"], ["10002", "10004"], ["", ""]),
        (["F1 1", "F1 2"], ["1", "2"], ["F1", "F1"]),
        (["F1 1", "F1 2", "F2 1"], ["F1_1", "F1_2", "F2_1"], ["F1", "F1", "F2"]),
        (["0 a", "b b"], ["a", "b"], ["", ""]),
    ],
)
def test_ids_of_a_fam_file(tmp_path, rows, ids, families):
    from gds.genotypes.plink_tables import read_fam

    (tmp_path / "x.fam").write_text("".join(f"{row} 0 0 1 -9\n" for row in rows))
    samples = read_fam(tmp_path / "x.fam")
    assert (samples["id"].tolist(), samples["family"].tolist()) == (ids, families)


def test_variants_that_are_left_out_do_not_shift_the_others(cohort, tmp_path):
    variants = cohort.variants.copy()
    variants.loc[:9, "chromosome"] = "23"
    variants.loc[20, "position"] = variants.loc[19, "position"]
    variants.loc[30, "effect_allele"] = "<INS>"
    variants.loc[40, "effect_allele"] = "."
    for ending in ("bed", "pgen"):
        write_genotypes(replace(cohort, variants=variants), tmp_path / f"c.{ending}")
        found = read_genotypes(tmp_path / f"c.{ending}")
        kept = np.delete(np.arange(60), [*range(10), 20, 30])
        np.testing.assert_array_equal(found.dosage, cohort.dosage[:, kept])
        assert found.report.dropped == {"other_chromosome": 10, "duplicate": 1, "symbolic": 1}
        assert found.report.noted["no_alternative_allele"] == 1
        assert found.variants["effect_allele"].iloc[28] == "."
        assert "left out 10 variants on a chromosome that was not asked for" in "\n".join(
            found.report.lines()
        )
        on_x = read_genotypes(tmp_path / f"c.{ending}", chromosomes="X")
        np.testing.assert_array_equal(on_x.dosage, cohort.dosage[:, :10])


def test_a_file_for_each_chromosome(cohort, tmp_path):
    """In any order, of any format, with people in another order."""
    back = np.arange(37)[::-1]
    write_genotypes(on_chromosome(cohort, "10"), tmp_path / "a.bed")
    write_genotypes(on_chromosome(cohort.subset(samples=back), "2"), tmp_path / "b.pgen")
    write_genotypes(on_chromosome(cohort, "chr1"), tmp_path / "c.vcf.gz")
    paths = [tmp_path / name for name in ("a.bed", "b.pgen", "c.vcf.gz")]
    for found in (read_genotypes(paths), open_genotypes(paths)):
        assert found.variants["chromosome"].unique().tolist() == ["1", "2", "10"]
        whole = np.concatenate([cohort.dosage] * 3, axis=1)
        np.testing.assert_array_equal(found.read(slice(None)), whole)
        mixed = np.array([170, 5, 65, 119])
        np.testing.assert_array_equal(found.read(mixed, np.array([4, 2])), whole[[4, 2]][:, mixed])
        assert found.report.variants_kept == 180
        assert len(found.report.files) == 3
    streamed = open_genotypes(paths[:2])
    np.testing.assert_array_equal(streamed.read(slice(50, 70)), whole[:, 50:70])
    assert streamed.read(slice(0, 0)).shape == (37, 0)


def test_files_that_do_not_belong_together(cohort, tmp_path):
    write_genotypes(cohort, tmp_path / "a.bed")
    write_genotypes(cohort, tmp_path / "b.bed")
    with pytest.raises(UserError, match=r"chromosome 1 is given twice, in .*a\.bed and in .*b\.bed"):
        open_genotypes([tmp_path / "a.bed", tmp_path / "b.bed"])
    fewer = on_chromosome(cohort.subset(samples=np.arange(3, 37)), "2")
    write_genotypes(fewer, tmp_path / "c.bed")
    with pytest.raises(
        UserError, match="37 and 34; only in the first: P0000, P0001, P0002; only in the second: none"
    ):
        open_genotypes([tmp_path / "a.bed", tmp_path / "c.bed"])


def spoil(path: Path, how: str) -> Path:
    """The damaged file, or the path to give instead."""
    content = path.read_bytes()
    bim = path.with_suffix(".bim")
    match how:
        case "cut short":
            path.write_bytes(content[:-7])
        case "cut by a variant":
            path.write_bytes(content[:-10])
        case "too long":
            path.write_bytes(content + b"x")
        case "not a bed":
            path.write_bytes(b"chr1\t10\t20\n" * 9)
        case "sample-major":
            path.write_bytes(content[:2] + b"\x00" + content[3:])
        case "a variant less":
            bim.write_text("".join(bim.read_text().splitlines(keepends=True)[1:]))
        case "no bim":
            bim.unlink()
        case "columns missing":
            bim.write_text(
                "".join("\t".join(line.split()[:4]) + "\n" for line in bim.read_text().splitlines())
            )
        case "a short row":
            lines = bim.read_text().splitlines()
            bim.write_text("\n".join([*lines[:4], "1\trs5", *lines[5:]]) + "\n")
        case "a long row":
            lines = bim.read_text().splitlines()
            bim.write_text("\n".join([*lines[:4], lines[4] + "\tG\tT", *lines[5:]]) + "\n")
        case "position":
            bim.write_text(bim.read_text().replace("\t5000\t", "\t5kb\t"))
        case "ids":
            fam = path.with_suffix(".fam")
            fam.write_text(fam.read_text().replace("P0003", "P0004"))
        case "empty table":
            bim.write_text("\n")
        case "binary table":
            bim.write_bytes(b"\xff\xfe\x00")
        case "prefix":
            return path.with_suffix("")
        case "table":
            return bim
        case "absent":
            return path.with_name("other.bed")
        case "ending":
            return path.with_name("c.bet")
        case "bgen":
            return path.with_name("c.bgen")
        case "ped":
            return path.with_name("c.ped")
    return path


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            "cut short",
            "is truncated: 37 people of the .fam and 60 variants of the .bim need 603 bytes, found 596",
        ),
        ("cut by a variant", "is truncated: .* need 603 bytes, found 593"),
        ("too long", "is too long"),
        ("not a bed", "is not a PLINK .bed file"),
        ("sample-major", "sample-major order: plink1.9 --bfile c --make-bed"),
        ("a variant less", "is too long: 37 people of the .fam and 59 variants of the .bim need 593"),
        ("no bim", r"c\.bim does not exist: it belongs beside the .bed"),
        ("columns missing", "expected at least 6 columns, as a .bim file has, found 4"),
        ("a short row", "row 5 has fewer than 6 columns"),
        ("a long row", "lines with different numbers of columns .*line 5"),
        ("position", r"variant 5 \(rs4\) has position '5kb', expected a whole number"),
        ("ids", r"c\.fam: sample ids must be unique, but 1 occur more than once \('P0004'\)"),
        ("empty table", "is empty"),
        ("binary table", "is not a text file"),
        ("prefix", r"c is no file, but c\.bed is: give the name with its ending"),
        ("table", "is the table beside a .bed file: give that one"),
        ("absent", r"other\.bed does not exist"),
        ("ending", "unknown kind of genotype file; did you mean '.bed'"),
        ("bgen", r"plink2 --bgen .*c\.bgen ref-first --sample .*c\.sample --make-pgen"),
        ("ped", "plink1.9 --file .*c --make-bed"),
    ],
)
def test_bed_files_that_cannot_be_read_say_why(cohort, tmp_path, how, message):
    write_genotypes(cohort, tmp_path / "c.bed")
    with pytest.raises(UserError, match=message):
        open_genotypes(spoil(tmp_path / "c.bed", how))


def test_pgen_files_that_cannot_be_read_say_why(cohort, tmp_path):
    path = tmp_path / "c.pgen"
    write_genotypes(cohort, path)
    content = path.read_bytes()
    path.write_bytes(content[:-200])
    with pytest.raises(UserError, match=r"c\.pgen is truncated or damaged at or after variant rs"):
        read_genotypes(path)
    path.write_bytes(content[:9])
    with pytest.raises(UserError, match=r"is not a \.pgen file"):
        open_genotypes(path)
    path.write_bytes(content[:2] + b"\x11" + content[3:])
    with pytest.raises(UserError, match=r"stored in mode 0x11.*--make-pgen"):
        open_genotypes(path)
    path.write_bytes(content)
    psam = tmp_path / "c.psam"
    psam.write_text(psam.read_text() + "one_more\t1\n")
    with pytest.raises(UserError, match=r"does not fit its tables \(38 people, 60 variants\)"):
        read_genotypes(path)
    psam.write_text("#FID\tSEX\na\t1\n")
    with pytest.raises(UserError, match="but no IID"):
        open_genotypes(path)
    (tmp_path / "c.pvar").write_text("#CHROM\tPOS\tID\tREF\tALLELE\n")
    with pytest.raises(UserError, match="names no column ALT"):
        open_genotypes(path)


def test_nothing_given_and_nothing_phased(cohort, tmp_path):
    with pytest.raises(UserError, match="no genotype file was given"):
        open_genotypes([])
    write_genotypes(cohort, tmp_path / "c.bed")
    write_genotypes(cohort, tmp_path / "c.pgen")
    for ending in ("bed", "pgen"):
        with pytest.raises(UserError, match="holds no phase"):
            open_genotypes(tmp_path / f"c.{ending}", phased=True)
    with pytest.raises(UserError, match="phased=True"):
        cohort.read_phased(slice(None))


def test_a_matrix_is_checked_once(cohort):
    wrong = cohort.dosage.copy()
    wrong[4, 7] = 3
    with pytest.raises(UserError, match="found 3 at sample P0004, variant rs7"):
        replace(cohort, dosage=wrong)
    with pytest.raises(UserError, match="expected dosages as int8, found float64"):
        replace(cohort, dosage=cohort.dosage.astype(float))
    with pytest.raises(UserError, match=r"shape \(37, 59\), but there are 37 samples and 60 variants"):
        replace(cohort, dosage=cohort.dosage[:, 1:])
    with pytest.raises(UserError, match="lacks family"):
        replace(cohort, samples=cohort.samples.drop(columns="family"))
    with pytest.raises(UserError, match="haplotypes have shape"):
        replace(cohort, haplotypes=np.zeros((37, 60), dtype=np.int8))


def test_a_subset_keeps_everything_in_step(cohort):
    part = cohort.subset(samples=np.arange(37) > 30, variants=np.array([5, 2]))
    np.testing.assert_array_equal(part.dosage, cohort.dosage[31:][:, [5, 2]])
    assert part.samples["id"].tolist() == [f"P{i:04d}" for i in range(31, 37)]
    assert part.variants["id"].tolist() == ["rs5", "rs2"]


@pytest.mark.skipif(shutil.which("plink2") is None, reason="plink2 is not installed")
def test_a_compressed_pvar_is_read(cohort, tmp_path):
    import subprocess

    write_genotypes(cohort, tmp_path / "c.bed")
    command = ["plink2", "--bfile", str(tmp_path / "c"), "--make-pgen", "vzs", "--out", str(tmp_path / "z")]
    subprocess.run(command, check=True, capture_output=True)
    assert not (tmp_path / "z.pvar").exists()
    found = read_genotypes(tmp_path / "z.pgen")
    np.testing.assert_array_equal(found.dosage, cohort.dosage)
    assert isinstance(open_genotypes(tmp_path / "z.pgen"), PlinkFile)
