"""Blocks: variants to genes, windows and their splitting, against a plain double loop."""

import gzip

import numpy as np
import pandas as pd
import pytest

from gds.errors import UserError
from gds.genotypes.blocks import assign_blocks
from gds.genotypes.gene_file import chromosome_keys, read_gene_file


def table(*places: tuple[str, int]) -> pd.DataFrame:
    return pd.DataFrame(places, columns=["chromosome", "position"])


def write(path, *rows: str):
    path.write_text("\n".join(rows) + "\n")
    return path


def members(blocks) -> dict[str, list[int]]:
    return {name: blocks[i].tolist() for i, name in enumerate(blocks.name)}


@pytest.fixture
def variants() -> pd.DataFrame:
    return table(("1", 50), ("1", 100), ("1", 150), ("1", 200), ("1", 290), ("1", 400), ("2", 100), ("X", 5))


def test_intervals_include_both_ends_and_a_variant_may_be_in_several_genes(tmp_path, variants):
    glist = write(tmp_path / "glist", "1 150 300 B", "1 100 200 A", "3 1 9 ELSEWHERE", "2 99 100 C")
    blocks = assign_blocks(variants, glist)
    assert members(blocks) == {"A": [1, 2, 3], "B": [2, 3, 4], "C": [6]}
    assert blocks.sizes.tolist() == [3, 3, 1]
    assert blocks.start.tolist() == [100, 150, 99]
    assert blocks.end.tolist() == [200, 300, 100]
    assert blocks.chromosome.tolist() == ["1", "1", "2"]
    expected = {
        "variants": 8,
        "variants_in_a_block": 5,
        "variants_in_several": 2,
        "variants_dropped": 3,
        "genes": 4,
        "genes_without_variants": 1,
        "blocks": 3,
    }
    assert blocks.report.items() >= expected.items()


def test_first_gene_is_the_one_that_starts_first(tmp_path, variants):
    glist = write(tmp_path / "glist", "1 150 300 B", "1 100 200 A")
    assert members(assign_blocks(variants, glist, overlap="first")) == {"A": [1, 2, 3], "B": [4]}


def test_flank_reaches_both_sides(tmp_path, variants):
    glist = write(tmp_path / "glist", "1 150 150 A")
    assert members(assign_blocks(variants, glist, flank=50)) == {"A": [1, 2, 3]}


def test_nearest_gene_takes_intergenic_variants_of_its_chromosome(tmp_path):
    variants = table(("1", 10), ("1", 45), ("1", 50), ("1", 55), ("1", 100), ("2", 7))
    glist = write(tmp_path / "glist", "1 20 30 A", "1 70 80 B")
    blocks = assign_blocks(variants, glist, intergenic="nearest")
    assert members(blocks) == {"A": [0, 1, 2], "B": [3, 4]}, "a tie goes to the gene before"
    assert blocks.report["variants_in_a_gene"] == 0
    assert blocks.report["variants_dropped"] == 1


def test_rows_of_one_name_are_joined_on_a_chromosome_and_told_apart_between_them(tmp_path, variants):
    glist = write(tmp_path / "glist", "1 280 300 A", "1 90 160 A", "1 100 160 A", "1 50 50 PAR", "X 1 9 PAR")
    blocks = assign_blocks(variants, glist)
    assert members(blocks) == {"PAR@1": [0], "A": [1, 2, 4], "PAR@X": [7]}
    assert blocks.report["genes_with_several_intervals"] == 1


def brute_force(variants, genes, flank, overlap, intergenic):
    """The definition, variant by variant."""
    genes = sorted(genes, key=lambda g: (int(g[0]), g[1], g[2], g[3]))
    found: dict[str, list[int]] = {}
    for index, (chromosome, position) in enumerate(variants.itertuples(index=False)):
        on = [g for g in genes if g[0] == chromosome]
        inside = [g for g in on if g[1] - flank <= position <= g[2] + flank]
        if not inside and intergenic == "nearest" and on:
            # The one before on a tie; of several that end (or start) alike, the first.
            inside = [
                min(
                    on, key=lambda g: (max(g[1] - position, position - g[2]), g[1] > position, genes.index(g))
                )
            ]
        for gene in inside[: 1 if overlap == "first" else None]:
            found.setdefault(gene[3], []).append(index)
    return {g[3]: found[g[3]] for g in genes if g[3] in found}


@pytest.mark.parametrize("overlap", ["both", "first"])
@pytest.mark.parametrize("intergenic", ["drop", "nearest"])
@pytest.mark.parametrize("flank", [0, 7])
def test_against_a_double_loop(tmp_path, overlap, intergenic, flank):
    rng = np.random.default_rng(1)
    variants = pd.DataFrame(
        {"chromosome": rng.choice(["1", "2", "11"], 300), "position": rng.integers(1, 900, 300)}
    )
    start = rng.integers(1, 900, 40)
    genes = [
        (str(rng.choice([1, 2, 3])), int(s), int(s + rng.integers(0, 40)), f"G{i}")
        for i, s in enumerate(start)
    ]
    glist = write(tmp_path / "glist", *(" ".join(map(str, gene)) for gene in genes))
    blocks = assign_blocks(variants, glist, flank=flank, overlap=overlap, intergenic=intergenic)
    assert members(blocks) == brute_force(variants, genes, flank, overlap, intergenic)


def test_windows_never_cross_chromosomes(variants):
    blocks = assign_blocks(variants, "window:4")
    assert members(blocks) == {
        "1:window1": [0, 1, 2, 3], "1:window2": [4, 5], "2:window1": [6], "X:window1": [7],
    }  # fmt: skip
    assert blocks.start.tolist() == [50, 290, 100, 5]
    assert blocks.end.tolist() == [200, 400, 100, 5]


def test_windows_follow_position_where_the_file_does_not():
    variants = table(("1", 30), ("2", 5), ("1", 10), ("1", 20))
    assert [b.tolist() for b in assign_blocks(variants, "window:2")] == [[2, 3], [0], [1]]


def test_kilobases_are_a_fixed_grid():
    variants = table(("1", 1), ("1", 1000), ("1", 1001), ("1", 5500), ("2", 5600))
    blocks = assign_blocks(variants, "kb:1")
    assert members(blocks) == {"1:1-1000": [0, 1], "1:1001-2000": [2], "1:5001-6000": [3], "2:5001-6000": [4]}


def test_big_blocks_are_split_evenly(tmp_path):
    variants = table(*(("1", 10 * k) for k in range(1, 12)))
    glist = write(tmp_path / "glist", "1 1 105 BIG", "1 106 200 SMALL")
    blocks = assign_blocks(variants, glist, max_variants=4)
    assert blocks.name.tolist() == ["BIG/1", "BIG/2", "BIG/3", "SMALL"]
    assert sorted(blocks.sizes[:3].tolist()) == [3, 3, 4]
    assert np.concatenate(list(blocks)).tolist() == list(range(11))
    assert blocks.start.tolist()[0] == 10
    assert blocks.end.tolist()[-2:] == [100, 200]
    assert blocks.report["blocks_split"] == 1


@pytest.mark.parametrize("compressed", [False, True])
def test_glist_bed_and_gtf_say_the_same(tmp_path, compressed):
    gtf = 'chr1\tsource\t{}\t100\t200\t.\t+\t.\tgene_id "ENSG1"; gene_name "A";'
    texts = {
        "genes.tsv": "chromosome start end name\n1 100 200 A\n",
        "genes.bed": "track name=genes\nchr1\t99\t200\tA\t0\t+\n",
        "genes.gtf": "#!genome-build GRCh37\n"
        + "\n".join(gtf.format(f) for f in ("gene", "transcript"))
        + "\n",
    }
    for name, text in texts.items():
        path = tmp_path / (name + ".gz" * compressed)
        path.write_bytes(gzip.compress(text.encode()) if compressed else text.encode())
        assert read_gene_file(path).to_numpy().tolist() == [["1", 100, 200, "A"]]


def test_chromosomes_meet_under_other_names(tmp_path):
    assert chromosome_keys(np.array(["chr1", "23", "chrM", "CHRx"])).tolist() == ["1", "X", "MT", "X"]
    assert chromosome_keys(np.array(["23", "29"])).tolist() == ["23", "29"], "cattle have 29 autosomes"
    assert len(assign_blocks(table(("23", 5)), write(tmp_path / "glist", "chrX 1 9 A"))) == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1 1 10 A", "1 x 10 B"], "line 2: expected 'chromosome start end name', found 'x 10'"),
        (["1 1 10"], "line 1: expected 'chromosome start end name', found 3 fields"),
        (["1 10 1 A"], "line 1: the interval 10-1 ends before it starts"),
        (["# nothing"], "holds no gene"),
        (["1 5000 6000 A"], r"variants span 1:50-400, genes span 1:5,000-6,000.*build"),
        (["22 5000 6000 A"], r"chromosomes are named 1, 2, X in the genotypes and 22 in the gene file"),
    ],
)
def test_mistakes_in_gene_files_are_explained(tmp_path, variants, rows, message):
    with pytest.raises(UserError, match=message):
        assign_blocks(variants, write(tmp_path / "glist", *rows))


def test_mistakes_in_the_specification_are_explained(tmp_path, variants):
    for spec in ("window:0", "window:", "kb:-1", "window:many"):
        with pytest.raises(UserError, match="positive number"):
            assign_blocks(variants, spec)
    with pytest.raises(UserError, match="no gene file"):
        assign_blocks(variants, tmp_path / "absent")
    with pytest.raises(UserError, match="flank"):
        assign_blocks(variants, "window:2", flank=5)
    with pytest.raises(UserError, match="both or first"):
        assign_blocks(variants, "window:2", overlap="last")
    (tmp_path / "cohort.bed").write_bytes(b"\x6c\x1b\x01")
    with pytest.raises(UserError, match="holds genotypes"):
        assign_blocks(variants, tmp_path / "cohort.bed")


@pytest.mark.shared_data
def test_the_genes_of_a_real_region(shared_data):
    bim = pd.read_csv(
        shared_data / "kg_chr22" / "kg_chr22.bim", sep=r"\s+", header=None, usecols=[0, 3], dtype={0: str}
    )
    bim.columns = ["chromosome", "position"]
    blocks = assign_blocks(bim, shared_data / "genes" / "glist-hg19")
    assert len(blocks) == 38
    assert blocks.report["variants_in_a_block"] + blocks.report["variants_dropped"] == 5226


def test_a_biobank_chip_against_all_genes_is_fast(tmp_path):
    rng = np.random.default_rng(0)
    variants = pd.DataFrame(
        {
            "chromosome": np.repeat(np.arange(1, 21).astype(str), 40_000),
            "position": rng.integers(1, 2 * 10**8, 800_000),
        }
    )
    start = rng.integers(1, 2 * 10**8, 26_000)
    genes = pd.DataFrame(
        {
            "c": rng.integers(1, 21, 26_000), "s": start, "e": start + 30_000,
            "n": [f"G{i}" for i in range(26_000)],
        }
    )  # fmt: skip
    genes.to_csv(tmp_path / "glist", sep=" ", header=False, index=False)
    blocks = assign_blocks(variants, tmp_path / "glist", flank=10_000, intergenic="nearest", max_variants=64)
    assert blocks.report["variants_dropped"] == 0
    assert blocks.sizes.max() <= 64
