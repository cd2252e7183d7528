"""VCF and BCF against plink2's and bcftools' tables, and against a slow parser that anyone can check."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gds.errors import UserError
from gds.genotypes import open_in_order, read_genotypes
from gds.genotypes.vcf import VcfFile

ORACLE = Path(__file__).resolve().parent / "format_oracle"
RECORDS = ORACLE / "records.vcf"
HEADER = """##fileformat=VCFv4.2
##contig=<ID=1>
##contig=<ID=X>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=DS,Number=1,Type=Float,Description="Expected dosage">
"""


def write_vcf(path: Path, samples: list[str], records: list[str], header: str = HEADER) -> Path:
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples]
    path.write_text(header + "\t".join(columns) + "\n" + "".join(record + "\n" for record in records))
    return path


def read_slowly(path: Path, chromosomes: str) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, dict[str, int]]:
    """The rules of the reader, record by record and call by call."""
    sites, dosages, haplotypes = [], [], []
    counts = dict.fromkeys(
        ["other_chromosome", "multi_allelic", "symbolic", "duplicate", "haploid", "half_missing", "unphased"],
        0,
    )
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            continue
        chromosome, position, name, reference, alternative, _, _, _, _, *calls = line.split("\t")
        site = (chromosome.removeprefix("chr"), int(position), alternative.upper(), reference.upper())
        if chromosomes == "autosomes" and site[0] == "X":
            counts["other_chromosome"] += 1
        elif "," in alternative:
            counts["multi_allelic"] += 1
        elif alternative[0] in "<*":
            counts["symbolic"] += 1
        elif site in [row[:4] for row in sites]:
            counts["duplicate"] += 1
        else:
            sites.append((*site, name))
            dosage, pairs = [], []
            for call in calls:
                phased = "|" in call
                alleles = call.replace("|", "/").split("/")
                if len(alleles) == 2 and alleles.count(".") == 1:
                    if site[0] == "X":
                        alleles = [allele for allele in alleles if allele != "."]
                    else:
                        counts["half_missing"] += 1
                        alleles = ["."]
                if len(alleles) == 1 and alleles[0] != ".":
                    counts["haploid"] += 1
                    alleles *= 2
                if "." in alleles:
                    dosage.append(-1)
                    pairs.append((-1, -1))
                    continue
                dosage.append(sum(int(allele) for allele in alleles))
                if alleles[0] != alleles[1] and not phased:
                    counts["unphased"] += 1
                    pairs.append((-1, -1))
                else:
                    pairs.append((int(alleles[0]), int(alleles[1])))
            dosages.append(dosage)
            haplotypes.append(pairs)
    table = pd.DataFrame(sites, columns=["chromosome", "position", "effect_allele", "other_allele", "id"])
    return table, np.array(dosages, dtype=np.int8), np.array(haplotypes, dtype=np.int8), counts


CALLS = st.sampled_from(
    ["0/0", "0/1", "1/0", "1/1", "0|1", "1|0", "0|0", "1|1", "./.", ".", "./1", "0|.", "0", "1"]
)


@st.composite
def vcf_records(draw: st.DrawFn) -> tuple[int, list[str]]:
    n_samples = draw(st.integers(1, 5))
    records, position = [], 0
    for number in range(draw(st.integers(1, 12))):
        position += draw(st.integers(0, 1))
        chromosome = draw(st.sampled_from(["1", "1", "1", "X"]))
        reference = draw(st.sampled_from(["A", "C", "a", "AT"]))
        alternative = draw(st.sampled_from(["G", "T", "g", "GTT", "G,T", "<DEL>", "*", "."]))
        # Without an alternative allele, or with several, the calls must fit the record.
        calls = st.just("0/0") if alternative in (".", "G,T") else CALLS
        row = [draw(calls) for _ in range(n_samples)]
        fields = [chromosome, str(position), f"v{number}", reference, alternative, ".", ".", ".", "GT", *row]
        records.append("\t".join(fields))
    return n_samples, records


@settings(max_examples=60, deadline=None)
@given(drawn=vcf_records(), chromosomes=st.sampled_from(["autosomes", "all"]), backwards=st.booleans())
def test_any_small_vcf_is_read_as_by_the_slow_parser(tmp_path_factory, drawn, chromosomes, backwards):
    n_samples, records = drawn
    path = tmp_path_factory.mktemp("vcf") / "x.vcf"
    write_vcf(path, [f"s{i}" for i in range(n_samples)], records)
    table, dosage, haplotypes, counts = read_slowly(path, chromosomes)
    if not len(table):
        with pytest.raises(UserError, match="none of its"):
            read_genotypes(path, chromosomes=chromosomes)
        return
    found = read_genotypes(path, chromosomes=chromosomes, phased=True)
    np.testing.assert_array_equal(found.dosage, dosage.T)
    np.testing.assert_array_equal(found.haplotypes, haplotypes.transpose(1, 0, 2))
    pd.testing.assert_frame_equal(found.variants[table.columns], table, check_dtype=False)
    read = found.report.dropped | found.report.calls
    assert {key: count for key, count in counts.items() if count} == read
    # Read piece by piece, in any order, a source gives the same and counts each call once.
    source = VcfFile(path, chromosomes=chromosomes)
    for start in sorted(range(0, len(table), 2), reverse=backwards):
        np.testing.assert_array_equal(source.read(slice(start, start + 2)), dosage[start : start + 2].T)
    if not backwards:
        source.read(slice(0, 1))
        calls = {key: counts[key] for key in ("haploid", "half_missing") if counts[key]}
        assert source.report.calls == calls
    order = np.arange(len(table))[::-1]
    np.testing.assert_array_equal(
        source.read(order, np.array([n_samples - 1, 0])), dosage.T[[n_samples - 1, 0]][:, order]
    )


def test_hand_made_records_agree_with_plink2():
    """plink2 counts REF in its export, keeps symbolic alleles and duplicates, and takes half calls as missing."""
    table = pd.read_csv(ORACLE / "records.traw", sep="\t").set_index("SNP")
    found = read_genotypes(RECORDS, chromosomes="all")
    assert found.variants["id"].tolist() == [
        "rs100", "rs200", "rs200b", "del400", "mono600", "rs700", "rs2100", "rsX100", "rsX200",
    ]  # fmt: skip
    expected = 2 - table.loc[found.variants["id"], table.columns[5:]].to_numpy(dtype=float)
    np.testing.assert_array_equal(found.dosage.T, np.where(np.isnan(expected), -1, expected))
    assert found.report.dropped == {"multi_allelic": 1, "symbolic": 2, "duplicate": 1}
    assert found.report.noted == {"indels": 1, "no_alternative_allele": 1}
    assert found.report.calls == {"half_missing": 2, "haploid": 5}
    assert found.genome_build == "hg19"
    assert found.samples["id"].tolist() == ["ann", "bob", "cat", "dan", "eve"]


def test_hand_made_records_agree_with_bcftools():
    listed = [line.split("\t") for line in (ORACLE / "records.query").read_text().splitlines()]
    found = read_genotypes(RECORDS, phased=True)
    by_id = {fields[2]: fields for fields in listed}
    for column, row in enumerate(found.variants.itertuples()):
        chromosome, position, _, reference, alternative, *calls = by_id[row.id]
        assert (f"chr{row.chromosome}", str(row.position)) == (chromosome, position)
        assert (row.other_allele, row.effect_allele) == (reference, alternative)
        for person, call in enumerate(calls):
            if "|" in call:
                assert "|".join(map(str, found.haplotypes[person, column])) == call
            elif call in ("0/0", "0/1", "1/1"):
                assert found.dosage[person, column] == call.count("1")


def test_autosomes_by_default_and_others_by_name():
    assert read_genotypes(RECORDS).variants["chromosome"].unique().tolist() == ["1", "2"]
    assert read_genotypes(RECORDS).report.dropped["other_chromosome"] == 2
    assert read_genotypes(RECORDS, chromosomes=["chrX"]).variants["id"].tolist() == ["rsX100", "rsX200"]
    with pytest.raises(UserError, match="chromosome 1, 2, X; asked for: 7"):
        read_genotypes(RECORDS, chromosomes=["7"])


def test_expected_dosages_are_rounded_and_counted(tmp_path):
    path = write_vcf(
        tmp_path / "x.vcf",
        ["a", "b", "c", "d"],
        [
            "1\t1\tv1\tA\tG\t.\t.\t.\tDS\t0.04\t0.9\t1.51\t.",
            "1\t2\tv2\tA\tG\t.\t.\t.\tDS\t0.5\t1.5\t2\t1",
            "1\t3\tv3\tA\tG\t.\t.\t.\tGT:DS\t0/1:0.1\t0/0:0\t1/1:2\t./.:1.2",
            "1\t4\tv4\tA\tG\t.\t.\t.\t.\t.\t.\t.\t.",
        ],
    )
    found = read_genotypes(path)
    assert found.dosage.T.tolist() == [[0, 1, 2, -1], [0, 2, 2, 1], [1, 0, 2, -1], [-1, -1, -1, -1]]
    assert found.report.calls == {"rounded": 5, "rounded_far": 3, "without_genotypes": 4}


@pytest.mark.skipif(shutil.which("plink2") is None, reason="plink2 is not installed")
def test_imputed_pgen_gives_what_its_vcf_gives(tmp_path):
    rng = np.random.default_rng(0)
    records = [
        "\t".join(
            [
                "1",
                str(i + 1),
                f"v{i}",
                "A",
                "G",
                ".",
                ".",
                ".",
                "DS",
                *(f"{x:.3f}" for x in rng.random(8) * 2),
            ]
        )
        for i in range(70)
    ]
    path = write_vcf(tmp_path / "x.vcf", [f"s{i}" for i in range(8)], records)
    command = ["plink2", "--vcf", str(path), "dosage=DS", "--make-pgen", "--out", str(tmp_path / "x")]
    subprocess.run(command, check=True, capture_output=True)
    imputed, vcf = read_genotypes(tmp_path / "x.pgen"), read_genotypes(path)
    np.testing.assert_array_equal(imputed.dosage, vcf.dosage)
    assert imputed.report.calls == vcf.report.calls
    assert imputed.report.calls["rounded_far"] > 300


@pytest.mark.parametrize(
    ("header", "records", "message"),
    [
        (
            HEADER.replace("ID=GT", "ID=GL").replace("ID=DS", "ID=GP"),
            ["1\t1\tv\tA\tG\t.\t.\t.\tGP\t1"],
            "dosage=GP",
        ),
        (
            HEADER.replace("ID=GT", "ID=GL").replace("ID=DS", "ID=AD"),
            [],
            r"neither GT .*found: GL, AD.*called first",
        ),
        (HEADER, ["1\t1\tv\tA\tG\t.\t.\t.\tGT\t0/1/1"], "the record at 1:1 has 3 alleles a person"),
        (
            HEADER,
            ["1\t5\tv\tA\tG\t.\t.\t.\tGT\t0/2"],
            "sample s0 has an allele at 1:5 that the record does not list",
        ),
        (HEADER, ["1\t5\tv\tA\tG\t.\t.\t.\tDS\t2.7"], "sample s0 has DS 2.7 at 1:5, expected 0 to 2"),
        (HEADER, ["1\t1\tv\tA\tG\t.\t.\t.\tGT\t0/1", "1\t2\tv"], "malformed after record 1"),
        (HEADER, [], "holds no variant"),
    ],
)
def test_files_that_cannot_be_taken_say_where_and_why(tmp_path, header, records, message):
    path = write_vcf(tmp_path / "x.vcf", ["s0"], records, header)
    with pytest.raises(UserError, match=message) as caught:
        read_genotypes(path)
    assert str(path) in str(caught.value)


def test_other_files_called_vcf_are_refused(tmp_path):
    path = tmp_path / "x.vcf"
    path.write_text("sample,genotype\n")
    with pytest.raises(UserError, match="not a readable VCF"):
        read_genotypes(path)
    write_vcf(path, ["s0", "s0"], [])
    with pytest.raises(UserError, match="a sample is named twice"):
        read_genotypes(path)
    path.write_text(RECORDS.read_text().replace("\tFORMAT\tann\tbob\tcat\tdan\teve", ""))
    with pytest.raises(UserError, match="no samples"):
        read_genotypes(path)


@pytest.mark.shared_data
@pytest.mark.parametrize("ending", ["pgen", "vcf.gz", "bcf"])
def test_four_formats_of_one_cohort_give_one_matrix(shared_data, ending):
    stem = str(shared_data / "kg_fixture" / "kg22_200x829.")
    bed, other = read_genotypes(stem + "bed"), read_genotypes(stem + ending)
    np.testing.assert_array_equal(bed.dosage, other.dosage)
    pd.testing.assert_frame_equal(bed.variants, other.variants)
    assert bed.samples["id"].tolist() == other.samples["id"].tolist()
    assert (bed.dosage == -1).sum() == 6


@pytest.mark.shared_data
def test_totals_of_real_files_are_those_of_plink2(shared_data):
    for row in pd.read_csv(ORACLE / "real_totals.tsv", sep="\t").itertuples():
        found = read_genotypes(shared_data / row.file, chromosomes="all").dosage
        totals = (found.shape[1], int(found[found > 0].sum()), int((found < 0).sum()))
        assert totals == (row.variants, row.alternative_alleles, row.missing_calls), row.file


@pytest.mark.shared_data
def test_a_truncated_vcf_is_refused(shared_data, tmp_path):
    for ending in ("vcf.gz", "bcf"):
        content = (shared_data / "kg_fixture" / f"kg22_200x829.{ending}").read_bytes()
        path = tmp_path / f"x.{ending}"
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(UserError, match="truncated or malformed after record"):
            open_in_order(path)
