import gzip
import zipfile

import numpy as np
import pytest

import gds
from gds.errors import UserError
from gds.genotypes import write_genotypes
from gds.genotypes.hapt import read_legend

LEGEND = "id position a0 a1\n1:100_C_T 100 C T\n1:200_A_G 200 A G\n2:50_G_GA 50 G GA\n"
REAL = "Real P1_A 1 0 1\nReal P1_B 1 1 0\nReal P2_A 0 0 0\nReal P2_B 1 1 1\n"
# Dosages of a1 by hand: P1 = (1+1, 0+1, 1+0), P2 = (0+1, 0+1, 0+1).
DOSAGE = [[2, 1, 1], [1, 1, 1]]


@pytest.fixture
def real(tmp_path):
    (tmp_path / "real.legend").write_text(LEGEND)
    path = tmp_path / "real.hapt"
    path.write_text(REAL)
    return path


def test_two_lines_are_a_person_and_a1_is_counted(real):
    people = gds.read_genotypes(real, phased=True)
    assert people.samples["id"].tolist() == ["P1", "P2"]
    assert people.dosage.tolist() == DOSAGE
    assert people.haplotypes[0].tolist() == [[1, 1], [0, 1], [1, 0]]
    assert people.variants.to_numpy().tolist() == [
        ["1", 100, "1:100_C_T", "T", "C"],
        ["1", 200, "1:200_A_G", "G", "A"],
        ["2", 50, "2:50_G_GA", "GA", "G"],
    ]
    assert people.report.noted["indels"] == 1
    one = gds.open_genotypes(real, chromosomes=["2"])
    assert one.read(slice(None), np.array([1])).tolist() == [[1]]
    assert gds.open_genotypes(real).read(np.array([2, 0]), np.array([True, False])).tolist() == [[1, 2]]


def test_haplotypes_as_samples_of_their_own(real, tmp_path):
    haploid = gds.read_genotypes(real, phased=True).as_haploid()
    assert haploid.samples["id"].tolist() == ["P1_A", "P1_B", "P2_A", "P2_B"]
    assert haploid.dosage.tolist() == [[2, 0, 2], [2, 2, 0], [0, 0, 0], [2, 2, 2]]
    # The same from any phased format.
    write_genotypes(gds.read_genotypes(real, phased=True), tmp_path / "copy.vcf.gz")
    other = gds.read_genotypes(tmp_path / "copy.vcf.gz", phased=True).as_haploid()
    assert np.array_equal(other.dosage, haploid.dosage)
    assert np.array_equal(haploid.as_haploid().dosage[::2], haploid.dosage)
    with pytest.raises(UserError, match="no haplotypes"):
        gds.read_genotypes(real).as_haploid()


def test_missing_genotypes_stay_missing_and_phase_must_be_known(real):
    people = gds.read_genotypes(real, phased=True)
    people.dosage[0, 0], people.haplotypes[0, 0] = -1, -1
    assert people.as_haploid().dosage[:2, 0].tolist() == [-1, -1]
    people.haplotypes[1, 1] = -1
    with pytest.raises(UserError, match=r"sample P2 has no phase at variant 1:200_A_G \(1 such"):
        people.as_haploid()


def test_synthetic_haplotypes_without_a_legend(tmp_path):
    path = tmp_path / "gan.hapt"
    path.write_text("AG AG0 0 1\nAG AG1 1 1\n\n")
    people = gds.read_genotypes(path)
    assert people.samples["id"].tolist() == ["AG0_AG1"]
    assert people.dosage.tolist() == [[1, 2]]
    assert people.variants["position"].tolist() == [1, 2]
    assert "at unknown places" in "\n".join(people.report.lines())
    with pytest.raises(UserError, match="has no legend, so its chromosomes are not known"):
        gds.open_genotypes(path, chromosomes=["1"])


@pytest.mark.parametrize("ending", [".gz", ".zip"])
def test_compressed(real, tmp_path, ending):
    path = tmp_path / f"packed.hapt{ending}"
    if ending == ".gz":
        path.write_bytes(gzip.compress(REAL.encode()))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inside.hapt", REAL)
    people = gds.read_genotypes(path, legend=tmp_path / "real.legend")
    assert people.dosage.tolist() == DOSAGE
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(UserError, match="is damaged or cut short"):
        gds.read_genotypes(path, legend=tmp_path / "real.legend")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Real P1_A 1 0 2\n", r"real.hapt: line 1 has allele '2'"),
        ("Real P1_A 1 0 1\nReal P1_B 1 00 1\n", "line 2 has allele '00'"),
        ("Real P1_A\n", "line 1 has 2 columns"),
        ("Real P1_A 1 0 1\nReal P1_B 1 0\n", "line 2 has 2 sites, line 1 has 3"),
        ("Real P1_A 1 0 1\n", "1 haplotypes, an odd number"),
        ("Real P1_A 1 0 1\nReal P2_A 1 0 1\n", "line 1 is haplotype P1_A, the next one P2_A"),
        ("Real P1_A 1 0 1\nReal P2_B 1 0 1\n", "line 1 is haplotype P1_A, the next one P2_B"),
        ("Real P1_A 1 0 1\nReal P1_B 1 0 1\n" * 2, "sample ids must be unique"),
        ("Real P1_A 1 0\nReal P1_B 1 0\n", "has 2 sites a line, but .*real.legend lists 3"),
        ("", "holds no haplotypes"),
    ],
)
def test_lines_that_are_none_of_this_format(real, content, message):
    real.write_text(content)
    with pytest.raises(UserError, match=message):
        gds.read_genotypes(real)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name position a0 a1\n", "line 1 names no column id: expected 'id position a0 a1', found 'name pos"),
        ("id position a0 a1\n1:5_A_G 5 A\n", "line 2 has 3 columns, but line 1 names 4"),
        ("id position a0 a1\nrs1 5 A G\n", "line 2: the chromosome of 'rs1' is not told"),
        ("id position a0 a1\n1:51_A_G 5 A G\n", "line 2: the chromosome of '1:51_A_G' is not told"),
        ("id position a0 a1 chr\nrs1 x A G 1\n", r"variant 1 \(rs1\) has position 'x'"),
        ("", "line 1 names no column id, position, a0, a1"),
    ],
)
def test_legends_that_are_wrong(tmp_path, content, message):
    path = tmp_path / "x.legend"
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        read_legend(path)


def test_a_legend_may_name_the_chromosome(tmp_path):
    path = tmp_path / "x.legend"
    path.write_text("id position a0 a1 chr\nrs1 5 A G chr7\n")
    assert read_legend(path).to_numpy().tolist() == [["7", 5, "rs1", "G", "A"]]


def test_a_legend_of_another_format_is_refused(real, tmp_path):
    write_genotypes(gds.read_genotypes(real), tmp_path / "c.bed")
    with pytest.raises(UserError, match=r"only \.hapt files have one"):
        gds.read_genotypes(tmp_path / "c.bed", legend=tmp_path / "real.legend")


def test_the_alleles_of_the_benchmark_are_those_of_the_same_people_elsewhere(shared_data):
    """Three of the 805 sites are also in the phase 1 release, one of them with its alleles swapped."""
    folder = shared_data / "kg_805"
    people = gds.read_genotypes(folder / "real.hapt.zip", legend=folder / "805.legend")
    assert people.dosage.shape == (2504, 805)
    other = gds.read_genotypes(shared_data / "kg_phase1" / "kg_phase1.bed")
    place = ["chromosome", "position"]
    both = people.variants.reset_index().merge(other.variants.reset_index(), on=place)
    assert len(both) == 3
    rows = other.samples["id"].isin(people.samples["id"])
    order = people.samples.set_index("id").index.get_indexer(other.samples["id"][rows])
    for site in both.itertuples():
        ours, theirs = people.dosage[order, site.index_x], other.dosage[rows, site.index_y]
        if site.effect_allele_x != site.effect_allele_y:
            theirs = 2 - theirs
        assert (ours == theirs).mean() > 0.98
