"""Kinship against PLINK and known pedigrees; groups, and when they are refused."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from gds.errors import UserError
from gds.genotypes.king import king_kinship, related_pairs
from gds.genotypes.matrix import Genotypes
from gds.genotypes.relatedness import find_relatives


def pedigree(n_variants=3000, n_unrelated=60, seed=0) -> Genotypes:
    """Unrelated people; then a child of the first two, its sibling, and a twin of the sibling."""
    rng = np.random.default_rng(seed)
    frequency = rng.uniform(0.1, 0.9, n_variants)
    haplotypes = rng.binomial(1, frequency, (n_unrelated, 2, n_variants))

    def child() -> np.ndarray:
        pick = rng.integers(0, 2, (2, n_variants))
        return np.stack([np.take_along_axis(haplotypes[i], pick[[i]], axis=0)[0] for i in (0, 1)])

    sibling = child()
    haplotypes = np.concatenate([haplotypes, [child(), sibling, sibling]])
    n = len(haplotypes)
    variants = pd.DataFrame(
        {
            "chromosome": "1", "position": np.arange(n_variants) * 1_000_000 + 1,
            "id": [f"v{i}" for i in range(n_variants)], "effect_allele": "A", "other_allele": "C",
        }
    )  # fmt: skip
    samples = pd.DataFrame({"id": [f"s{i}" for i in range(n)], "family": "", "sex": 0})
    return Genotypes(haplotypes.sum(axis=1).astype(np.int8), samples, variants, None)


def test_kinship_equals_plink2(plink_cohort, plink_table):
    expected = plink_table("x.king", header=None).to_numpy()
    kinship = king_kinship(plink_cohort.dosage[:, :240])
    np.testing.assert_allclose(kinship, expected, rtol=6e-6, atol=1e-12)


def test_kinship_of_known_relatives():
    g = pedigree()
    kinship = king_kinship(g.dosage)
    assert kinship[61, 62] == 0.5, "twins"
    for parent in (0, 1):
        assert kinship[parent, 60] == pytest.approx(0.25, abs=0.03)
    assert kinship[60, 61] == pytest.approx(0.25, abs=0.03)
    assert np.abs(kinship[2:60, 2:60][np.triu_indices(58, k=1)]).max() < 0.0884
    np.testing.assert_array_equal(kinship, kinship.T)


def test_pairs_do_not_depend_on_tiles(monkeypatch):
    g = pedigree()
    whole = related_pairs(g, np.arange(3000), 0.0884)
    monkeypatch.setattr("gds.genotypes.king._TILE", 25)
    monkeypatch.setattr("gds.genotypes.king._PIECE", 700)
    tiled = related_pairs(g, np.arange(3000), 0.0884).sort_values(["first", "second"], ignore_index=True)
    pd.testing.assert_frame_equal(tiled, whole.sort_values(["first", "second"], ignore_index=True))


def test_relatives_are_the_connected_components():
    g = pedigree()
    relatives = find_relatives(g, min_variants=1000)
    assert relatives.method == "king"
    together = set(np.flatnonzero(relatives.group == relatives.group[60]))
    assert together == {0, 1, 60, 61, 62}
    assert (np.delete(relatives.group, sorted(together)) == "").all()
    assert relatives.report["groups"] == 1
    assert relatives.report["people_with_relatives"] == 5
    assert ("s61", "s62", 0.5) in list(relatives.pairs.itertuples(index=False, name=None))


def test_indices_are_of_the_people_given():
    g = pedigree()
    people = np.array([62, 5, 6, 60, 7, 8, 9, 10, 11, 12, 13])
    relatives = find_relatives(g, people, min_variants=1000, max_cluster=1)
    assert (relatives.group != "").tolist() == [True, False, False, True] + [False] * 7
    assert set(relatives.pairs.iloc[0][["id1", "id2"]]) == {"s62", "s60"}


def test_too_few_variants_are_refused_with_the_reason():
    relatives = find_relatives(pedigree(n_variants=500))
    assert relatives.method == "skipped"
    assert (relatives.group == "").all()
    assert "needs 10,000 LD-pruned autosomal variants, there are 500" in relatives.report["why"]


def test_a_cluster_of_many_people_stops():
    rng = np.random.default_rng(0)
    g = pedigree()
    g.dosage[:20] = np.where(rng.random((20, 3000)) < 0.1, g.dosage[:20], g.dosage[0])
    with pytest.raises(UserError, match=r"2\d of 63 people \(3\d%\) are joined by kinship into one cluster"):
        find_relatives(g, min_variants=1000)


def test_families_when_given():
    g = pedigree()
    family = np.array(["F1"] * 3 + ["0"] * 30 + [""] * 29 + ["F2"], dtype=object)
    relatives = find_relatives(g, family=family)
    assert relatives.method == "family"
    assert relatives.group.tolist() == ["F1"] * 3 + [""] * 60
    with pytest.raises(UserError, match=r"63 of 63 people .* have the family 'COHORT'"):
        find_relatives(g, family=np.full(63, "COHORT"))
    with pytest.raises(UserError, match="2 people, there are 63"):
        find_relatives(g, family=np.array(["a", "b"]))


@pytest.mark.shared_data
@pytest.mark.skipif(shutil.which("plink2") is None, reason="plink2 is not installed")
@pytest.mark.parametrize("name", ["kg_fixture/kg22_200x829", "penncath/penncath"])
def test_real_kinship_is_that_of_the_program_to_the_last_bit(shared_data, tmp_path, name):
    from gds.genotypes import open_genotypes

    g = open_genotypes(shared_data / f"{name}.bed")
    subprocess.run(
        ["plink2", "--bfile", shared_data / name, "--make-king", "square", "bin", "--out", tmp_path / "k"],
        check=True, capture_output=True,
    )  # fmt: skip
    expected = np.fromfile(tmp_path / "k.king.bin").reshape(len(g.samples), -1)
    np.testing.assert_array_equal(king_kinship(g.read(slice(None))), expected)


@pytest.mark.shared_data
def test_relatives_among_real_people(shared_data):
    from gds.genotypes import open_genotypes

    relatives = find_relatives(open_genotypes(shared_data / "kg_phase1" / "kg_phase1.bed"))
    assert relatives.method == "king"
    assert relatives.report["related_pairs"] == 41
    assert relatives.report["largest_group"] == 5
