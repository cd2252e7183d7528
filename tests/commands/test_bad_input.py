"""Everything that is often wrong with a user's files, at the command: exit code 2, what and where, nothing written."""

import errno
import gzip
import hashlib
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from gds.cli import run_command
from gds.genotypes import read_genotypes, write_genotypes
from tests.cohorts import tiny_genotypes, tiny_phenotypes

VCF_WITHOUT_GT = """##fileformat=VCFv4.2
##contig=<ID=1>
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tP0000\tP0001
1\t1000\trs0\tG\tA\t.\t.\t.\tDP\t9\t12
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A prepared cohort of four classes."""
    folder = tmp_path_factory.mktemp("prepared")
    genotypes = tiny_genotypes(n_populations=4)
    write_genotypes(genotypes, folder / "cohort.bed")
    tiny_phenotypes(genotypes, 4).to_csv(folder / "phenotypes.tsv", sep="\t", index=False)
    given = ["--genotypes", folder / "cohort.bed", "--phenotypes", folder / "phenotypes.tsv"]
    options = [*given, "--label-column", "status", "--no-qc", "--out", folder / "data"]
    assert run_command("prepare", list(map(str, options))) == 0
    return folder / "data"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The working directory of the command, with a sound cohort in three formats and its phenotypes."""
    genotypes = tiny_genotypes(n_samples=40, n_variants=48)
    for ending in ("bed", "pgen", "vcf.gz"):
        write_genotypes(genotypes, tmp_path / f"cohort.{ending}")
    tiny_phenotypes(genotypes).to_csv(tmp_path / "table.tsv", sep="\t", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    """Every file and directory below, with a hash of what the file holds."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
    }


def refused(folder: Path, capsys: pytest.CaptureFixture[str], command: str) -> str:
    """Run a command that must fail; what it says."""
    before = contents(folder)
    name, *arguments = command.split()
    assert run_command(name, arguments) == 2
    printed = capsys.readouterr()
    _, start, message = printed.err.partition(f"gds {name}: ")
    assert start
    assert "Traceback" not in printed.err + printed.out
    assert contents(folder) == before
    return message


PREPARE = "prepare --genotypes cohort.bed --phenotypes table.tsv --label-column status --no-qc --out new "


def shorten(name: str, n_bytes: int) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-n_bytes])

    return change


def write(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


def add_line(name: str, line: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        with (folder / name).open("a") as file:
            file.write(line + "\n")

    return change


def change_table(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], object]:
    def write_again(folder: Path) -> None:
        change(pd.read_csv(folder / "table.tsv", sep="\t")).to_csv(
            folder / "table.tsv", sep="\t", index=False
        )

    return write_again


def nothing(folder: Path) -> None:
    """The files are sound; the command is wrong."""


def cut_gzip(folder: Path) -> None:
    text = gzip.decompress((folder / "cohort.vcf.gz").read_bytes()).decode().splitlines(keepends=True)
    (folder / "cut.vcf").write_text("".join(text[:-1]) + text[-1][:40])


def keep_notes(folder: Path) -> None:
    (folder / "kept").mkdir()
    (folder / "kept" / "notes").write_text("x")


MISTAKES: dict[str, tuple[Callable[[Path], object], str, tuple[str, ...]]] = {
    "no such file": (nothing, "prepare --genotypes absent.bed --out new", ("absent.bed does not exist",)),
    "wrong suffix": (
        write("cohort.txt", "x"), "prepare --genotypes cohort.txt --out new",
        ("cohort.txt: unknown kind of genotype file", ".vcf.gz"),
    ),
    "a table in place of the genotypes": (
        nothing, "prepare --genotypes cohort.bim --out new",
        ("cohort.bim is the table beside a .bed file: give that one",),
    ),
    "no suffix": (nothing, "prepare --genotypes cohort --out new", ("give the name with its ending",)),
    "BGEN": (
        write("c.bgen", "x"), "prepare --genotypes c.bgen --out new",
        ("plink2 --bgen c.bgen ref-first --sample c.sample --make-pgen --out c",),
    ),
    "truncated .bed": (
        shorten("cohort.bed", 5), PREPARE,
        ("cohort.bed is truncated", "need 483 bytes, found 478", "copy it again"),
    ),
    ".bim with more variants than the .bed": (
        add_line("cohort.bim", "1\trs99\t0\t99000\tA\tG"), PREPARE,
        ("cohort.bed is truncated: 40 people of the .fam and 49 variants of the .bim", "find the tables"),
    ),
    ".bim with fewer": (
        lambda folder: (folder / "cohort.bim").write_text("1\trs0\t0\t1000\tA\tG\n"), PREPARE,
        ("cohort.bed is too long: 40 people of the .fam and 1 variants of the .bim",),
    ),
    "no .fam": (lambda folder: (folder / "cohort.fam").unlink(), PREPARE, ("cohort.fam does not exist", ".bed")),
    "a line of the .bim cut short": (
        add_line("cohort.bim", "1\trs99"), PREPARE, ("cohort.bim: row 49 has fewer than 6 columns",)
    ),
    "a position that is no number": (
        add_line("cohort.bim", "1\trs99\t0\there\tA\tG"), PREPARE,
        ("cohort.bim: variant 49 (rs99) has position 'here', expected a whole number",),
    ),
    "truncated .pgen": (
        shorten("cohort.pgen", 40), "convert --genotypes cohort.pgen --out new.bed",
        ("cohort.pgen", "truncated or damaged", "opy"),
    ),
    "truncated VCF": (
        cut_gzip, "convert --genotypes cut.vcf --out new.pgen",
        ("cut.vcf is truncated or malformed after record 47", "bcftools view"),
    ),
    "truncated .vcf.gz": (
        shorten("cohort.vcf.gz", 200), "convert --genotypes cohort.vcf.gz --out new.pgen",
        ("cohort.vcf.gz is not a readable VCF or BCF file, or cut short", "copy it again"),
    ),
    "VCF without GT": (
        write("no_gt.vcf", VCF_WITHOUT_GT), "prepare --genotypes no_gt.vcf --out new",
        ("no_gt.vcf has neither GT (genotypes) nor DS (dosages)", "found: DP"),
    ),
    "a chromosome given twice": (
        nothing, "prepare --genotypes cohort.bed cohort.pgen --out new",
        ("chromosome 1 is given twice, in cohort.bed and in cohort.pgen", "bcftools concat"),
    ),
    "no phenotype table": (
        nothing, PREPARE.replace("table.tsv", "absent.tsv"), ("phenotype table absent.tsv cannot be read",)
    ),
    "unknown label column": (
        nothing, PREPARE.replace("status", "statsu"),
        ("--label-column statsu: no such column in table.tsv", "did you mean 'status'?"),
    ),
    "a label with one class": (
        change_table(lambda table: table.assign(status="case")), PREPARE,
        ("label column 'status' holds only 'case': at least two classes are needed",),
    ),
    "a label without values": (
        change_table(lambda table: table.assign(status="NA")), PREPARE, ("'status' holds no value at all",)
    ),
    "a measurement as label": (
        change_table(lambda table: table.assign(status=range(40))), PREPARE,
        ("'status' holds 40 different values for 40 people", "--label-threshold median"),
    ),
    "ids that do not match": (
        change_table(lambda table: table.assign(id=[f"X{i}" for i in range(40)])), PREPARE,
        (
            "no sample id of table.tsv (e.g. X0, X1, X2, X3, X4)",
            "cohort.bed (e.g. P0000, P0001, P0002, P0003, P0004)", "--id-column",
        ),
    ),
    "an id twice in the table": (
        change_table(lambda table: pd.concat([table, table.head(1)])), PREPARE,
        ("phenotype table table.tsv: sample ids must be unique", "'P0000'"),
    ),
    "an id twice in the .fam": (
        lambda folder: (folder / "cohort.fam").write_text("0 P 0 0 0 -9\n" * 40), PREPARE,
        ("cohort.fam", "sample ids must be unique", "'P'"),
    ),
    "a row with another number of columns": (
        add_line("table.tsv", "P0001\tcase"), PREPARE,
        ("phenotype table table.tsv, line 42: expected 5 columns as in the header, found 2",),
    ),
    "a quote that is not closed": (
        add_line("table.tsv", '"P9999\tcase\t1\t50\tA'), PREPARE, ("phenotype table table.tsv, line 42",)
    ),
    "a table without ids": (
        change_table(lambda table: table.rename(columns={"id": "person"})), PREPARE,
        ("table.tsv: none of its columns (person, status, sex, age, batch)", "--id-column"),
    ),
    "no variant in any gene": (
        write("genes.txt", "1 5000000 6000000 FAR\n2 1 100000 OTHER\n"), PREPARE + "--blocks genes.txt",
        ("genes.txt", "variant"),
    ),
    "a gene file that is none": (
        write("genes.txt", "1 FAR 5000000 6000000\n"), PREPARE + "--blocks genes.txt",
        ("genes.txt, line 1: expected 'chromosome start end name', found 'FAR 5000000'",),
    ),
    "no gene file": (nothing, PREPARE + "--blocks genes", ("no gene file at genes", "window:N")),
    "windows of nothing": (nothing, PREPARE + "--blocks window:0", ("window:0", "expected a positive number")),
    "a config key that does not exist": (
        write("c.yaml", "objective: diffusion\nmodel: {hidden_sise: 32}\n"),
        "pretrain --config c.yaml --genotypes cohort.bed --out new",
        ("config key model.hidden_sise does not exist; did you mean 'hidden_size'",),
    ),
    "a config section that does not exist": (
        write("c.yaml", "modell: {hidden_size: 32}\n"), "pretrain --config c.yaml --genotypes cohort.bed --out new",
        ("c.yaml: no section 'modell'; did you mean 'model'?",),
    ),
    "a config that is no YAML": (
        write("c.yaml", "model: {hidden_size: 32\n"), "pretrain --config c.yaml --out new",
        ("config file c.yaml is not valid YAML", "line 2"),
    ),
    "an override that does not exist": (
        nothing, "pretrain --genotypes cohort.bed --out new training.learning_rat=1",
        ("config key training.learning_rat does not exist; did you mean 'learning_rate'?",),
    ),
    "a directory of something else as output": (
        keep_notes,
        PREPARE.replace("new", "kept"), ("kept holds files of something else", "another place with --out"),
    ),
    "the working directory as output": (nothing, PREPARE.replace("new", "."), ("cohort.bed is an input and lies in",)),
    "a file as output": (
        nothing, PREPARE.replace("new", "table.tsv"), ("table.tsv is a file, expected a directory",)
    ),
    "output inside a file": (
        nothing, PREPARE.replace("new", "table.tsv/new"), ("table.tsv/new", "another place with --out"),
    ),
    "no model": (
        nothing, "predict --model absent --genotypes cohort.bed --out new.tsv", ("absent holds no model",)
    ),
    "no encoder": (
        nothing, "finetune --genotypes cohort.bed --encoder absent --out new",
        ("absent holds no model", "no such folder", "organisation/name"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_and_leaves_no_trace(mistake, folder, capsys):
    change, command, fragments = MISTAKES[mistake]
    change(folder)
    message = refused(folder, capsys, command)
    for fragment in fragments:
        assert fragment in message


@pytest.mark.parametrize(
    ("n_labels", "message"),
    [(3, "3 labels for 4 classes: at least one label a class is needed"), (1000, "1000 labels")],
)
def test_fewer_labels_than_classes_and_more_than_there_are(n_labels, message, prepared, folder, capsys):
    found = refused(folder, capsys, f"finetune --data {prepared} --n-labels {n_labels} --out new")
    assert message in found


def quoted(table: pd.DataFrame, separator: str) -> str:
    rows = [list(table), *table.astype(str).to_numpy().tolist()]
    return "\n".join(separator.join(f'"{field}"' for field in row) for row in rows) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        lambda table: table.to_csv(sep="\t", index=False),
        lambda table: table.to_csv(sep=",", index=False),
        lambda table: table.to_csv(sep=" ", index=False),
        lambda table: table.to_string(index=False),
        lambda table: quoted(table, "\t"),
        lambda table: quoted(table, " "),
        lambda table: quoted(table, ","),
        lambda table: "\ufeff" + table.to_csv(sep="\t", index=False).replace("\n", "\r\n"),
    ],
    ids=["tabs", "commas", "spaces", "aligned", "quoted tabs", "quoted spaces", "quoted commas", "Windows"],
)
def test_tables_of_every_kind_are_read_alike(text, folder):
    """Quoted ids, tabs, commas, spaces: no mistakes at all, in the phenotypes and in the .fam."""
    assert run_command("prepare", PREPARE.split()[1:]) == 0
    expected = (folder / "new" / "people.tsv").read_bytes()
    (folder / "table.tsv").write_text(text(pd.read_csv(folder / "table.tsv", sep="\t")), newline="")
    fam = [line.split() for line in (folder / "cohort.fam").read_text().splitlines()]
    fam = ["\t".join([f'"{row[0]}"', f'"{row[1]}"', *row[2:]]) for row in fam]
    (folder / "cohort.fam").write_text("\n".join(fam) + "\n")
    assert run_command("prepare", PREPARE.split()[1:]) == 0
    assert (folder / "new" / "people.tsv").read_bytes() == expected


@contextmanager
def files_no_larger_than(n_bytes: int) -> Iterator[None]:
    """Writing beyond fails as on a full disk (Python ignores the signal that goes with it)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("n_bytes", [0, 100, 600])
@pytest.mark.parametrize(
    "command",
    [
        PREPARE,
        "convert --genotypes cohort.bed --out new.vcf.gz",
        "convert --genotypes cohort.bed --out new.pgen",
        "convert --genotypes cohort.pgen --out new.bed",
    ],
)
def test_a_full_disk_leaves_nothing_behind(command, n_bytes, folder, capsys):
    """Whichever file is the first that does not fit, of all that a command writes."""
    with files_no_larger_than(n_bytes):
        message = refused(folder, capsys, command)
    assert "no space left" in message or "is the disk full" in message


def test_a_disk_that_is_full_at_the_last_moment(folder, capsys, monkeypatch):
    assert run_command("convert", ["--genotypes", "cohort.bed", "--out", "old.pgen"]) == 0
    capsys.readouterr()

    def full(*paths: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        for command in (PREPARE, "convert --genotypes cohort.vcf.gz --out old.pgen"):
            assert "no space left" in refused(folder, capsys, command)
    assert len(read_genotypes(folder / "old.pgen").variants) == 48
