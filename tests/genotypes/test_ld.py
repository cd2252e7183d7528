"""Linkage disequilibrium against PLINK's tables, PLINK itself, and exhaustive search."""

import itertools
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from gds.errors import UserError
from gds.genotypes.blocks import assign_blocks
from gds.genotypes.ld import ld_prune, squared_correlation, windows
from gds.genotypes.ld_blocks import _best_cuts, ld_blocks
from gds.genotypes.matrix import Genotypes

AUTOSOMAL = np.arange(240)


def test_r2_equals_plink(plink_cohort, plink_table):
    expected = plink_table("x.ld", header=None).to_numpy(float)
    r2 = squared_correlation(plink_cohort.dosage[:, 150:190])
    np.testing.assert_array_equal(np.isnan(r2), np.isnan(expected))
    np.testing.assert_allclose(r2, expected, rtol=6e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("table", "options"),
    [
        ("variants.prune.in", {"window": 30, "step": 7, "r2": 0.2}),
        ("kb.prune.in", {"window": "50kb", "r2": 0.4}),
    ],
)
def test_pruning_keeps_the_variants_that_plink2_keeps(plink_cohort, plink_table, table, options):
    kept = ld_prune(plink_cohort, variants=AUTOSOMAL, **options)
    assert plink_cohort.variants["id"].iloc[kept].tolist() == plink_table(table, header=None)[0].tolist()


def test_pruning_does_not_depend_on_the_size_of_reads(plink_cohort, monkeypatch):
    whole = ld_prune(plink_cohort, "50kb", r2=0.3, variants=AUTOSOMAL)
    monkeypatch.setattr("gds.genotypes.ld._PIECE_BYTES", 80 * 64)
    np.testing.assert_array_equal(ld_prune(plink_cohort, "50kb", r2=0.3, variants=AUTOSOMAL), whole)


def test_no_pair_within_a_window_remains_correlated(plink_cohort):
    kept = ld_prune(plink_cohort, 1000, r2=0.1, variants=AUTOSOMAL)
    for chromosome in ("1", "2"):
        here = kept[(plink_cohort.variants["chromosome"].iloc[kept] == chromosome).to_numpy()]
        r2 = squared_correlation(plink_cohort.dosage[:, here])
        assert np.nanmax(r2[~np.eye(len(here), dtype=bool)]) <= 0.1


def test_pruning_sees_the_people_given(plink_cohort):
    people = np.arange(0, 80, 2)
    subset = ld_prune(plink_cohort, 50, 5, 0.3, samples=people, variants=AUTOSOMAL)
    dosage = np.where(np.isin(np.arange(80), people)[:, None], plink_cohort.dosage, 0)
    changed = Genotypes(dosage.astype(np.int8), plink_cohort.samples, plink_cohort.variants, None)
    np.testing.assert_array_equal(ld_prune(changed, 50, 5, 0.3, samples=people, variants=AUTOSOMAL), subset)


def test_windows_by_number_and_by_distance():
    begin, end = windows(np.arange(9), 5, 2)
    assert list(zip(begin, end, strict=True)) == [(0, 5), (2, 7), (4, 9)]
    begin, end = windows(np.array([1, 400, 1001, 1500, 5000]), "1kb", 1)
    assert list(zip(begin, end, strict=True)) == [(0, 3), (2, 4), (4, 5)]


def test_mistakes_are_explained(plink_cohort):
    for window in (1, "kb", "-5kb", "many"):
        with pytest.raises(UserError, match="LD window"):
            ld_prune(plink_cohort, window)
    with pytest.raises(UserError, match="r2"):
        ld_prune(plink_cohort, r2=1.0)


def test_the_order_of_the_file_does_not_matter(plink_cohort):
    shuffled = np.random.default_rng(0).permutation(240)
    variants = plink_cohort.variants.iloc[shuffled].reset_index(drop=True)
    other = Genotypes(plink_cohort.dosage[:, shuffled], plink_cohort.samples, variants, None)
    kept = plink_cohort.variants["id"].iloc[ld_prune(plink_cohort, "50kb", r2=0.3, variants=AUTOSOMAL)]
    assert set(variants["id"].iloc[ld_prune(other, "50kb", r2=0.3)]) == set(kept)
    blocks, again = (ld_blocks(g.subset(variants=AUTOSOMAL), 0.1) for g in (plink_cohort, other))
    found = {frozenset(plink_cohort.variants["id"].iloc[block]) for block in blocks}
    assert {frozenset(variants["id"].iloc[block]) for block in again} == found


def total_gain(cuts, gain):
    """Sum over blocks of the gain of their pairs; gain[j, d - 1] is of j with the variant d before."""
    ends = [*cuts[1:], len(gain)]
    return sum(
        gain[b, b - a - 1]
        for start, end in zip(cuts, ends, strict=True)
        for a in range(start, end)
        for b in range(a + 1, end)
    )


def test_cuts_are_the_best_of_all():
    rng = np.random.default_rng(0)
    for _ in range(60):
        n, smallest = rng.integers(4, 10), rng.integers(1, 3)
        largest = rng.integers(2 * smallest - 1, 7)
        gain = rng.normal(size=(n, largest - 1)) if largest > 1 else np.zeros((n, 0))
        possible = [
            (0, *inner)
            for k in range(n)
            for inner in itertools.combinations(range(1, n), k)
            if all(smallest <= size <= largest for size in np.diff((0, *inner, n)))
        ]
        cuts = tuple(sorted(_best_cuts(gain, smallest, largest)))
        assert cuts in possible
        assert total_gain(cuts, gain) == pytest.approx(max(total_gain(c, gain) for c in possible))


def test_blocks_follow_linkage():
    rng = np.random.default_rng(1)
    runs = [12, 5, 1, 30]
    founder = rng.binomial(2, 0.4, (300, len(runs))).astype(np.int8)
    dosage = np.repeat(founder, runs, axis=1)
    noise = rng.random(dosage.shape) < 0.03
    dosage = np.where(noise, rng.integers(0, 3, dosage.shape), dosage).astype(np.int8)
    n = sum(runs)
    variants = pd.DataFrame(
        {
            "chromosome": ["1"] * n + ["2"] * n, "position": [*range(1, n + 1)] * 2,
            "id": [f"v{i}" for i in range(2 * n)], "effect_allele": "A", "other_allele": "C",
        }
    )  # fmt: skip
    samples = pd.DataFrame({"id": [f"s{i}" for i in range(300)], "family": "", "sex": 0})
    g = Genotypes(np.concatenate([dosage, dosage], axis=1), samples, variants, None)
    blocks = ld_blocks(g, 0.2)
    assert blocks.sizes.tolist() == runs * 2
    assert blocks.name[:2].tolist() == ["1:ld1", "1:ld2"]
    assert blocks.chromosome.tolist() == ["1"] * 4 + ["2"] * 4
    split = assign_blocks(variants, "ld:0.2", source=g, max_variants=16)
    assert split.sizes.max() <= 16
    assert split.report["spec"] == "ld:0.2"
    assert ld_blocks(g, 0.2, min_variants=4).sizes.min() >= 4
    with pytest.raises(UserError, match="needs the genotypes"):
        assign_blocks(variants, "ld:0.2")


@pytest.mark.shared_data
@pytest.mark.skipif(shutil.which("plink2") is None, reason="plink2 is not installed")
@pytest.mark.parametrize("window", [["50", "5"], ["100kb"]])
@pytest.mark.parametrize("name", ["kg_chr22/kg_chr22", "penncath/penncath"])
def test_pruning_of_real_genotypes_against_the_program(shared_data, tmp_path, name, window):
    from gds.genotypes import open_genotypes

    subprocess.run(
        ["plink2", "--bfile", shared_data / name, "--indep-pairwise", *window, "0.2", "--out", tmp_path / "p"],
        check=True, capture_output=True,
    )  # fmt: skip
    expected = set((tmp_path / "p.prune.in").read_text().split())
    g = open_genotypes(shared_data / f"{name}.bed")
    kept = ld_prune(g, window[0], *(int(step) for step in window[1:]), r2=0.2)
    found = set(g.variants["id"].iloc[kept])
    assert found <= expected
    # The only difference: PLINK leaves constant variants that have no neighbour within the window.
    extra = g.variants.index[g.variants["id"].isin(expected - found)]
    dosage = g.read(extra.to_numpy())
    assert all(len(set(column[column >= 0])) == 1 for column in dosage.T)
