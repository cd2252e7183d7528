"""Quality control against PLINK's tables, and each filter against a planted fault."""

import json

import numpy as np
import pandas as pd
import pytest

from gds.errors import UserError
from gds.genotypes.counts import genotype_counts, read_in_pieces
from gds.genotypes.duplicates import duplicate_pairs
from gds.genotypes.matrix import Genotypes
from gds.genotypes.quality import QCReport
from gds.genotypes.sample_quality import sample_quality
from gds.genotypes.variant_quality import variant_quality

# PLINK prints six significant digits.
PRINTED = {"rtol": 6e-6, "atol": 6e-6}
LENIENT = {"min_call_rate": 0, "min_frequency": 0, "min_hwe_p": 0}


def cohort(n_samples=200, n_variants=1000, n_x=0, seed=0) -> Genotypes:
    """Unlinked variants of unrelated people on ten chromosomes, and X."""
    rng = np.random.default_rng(seed)
    total = n_variants + n_x
    frequency = rng.uniform(0.1, 0.9, total)
    dosage = rng.binomial(2, frequency, (n_samples, total)).astype(np.int8)
    sex = rng.integers(1, 3, n_samples).astype(np.int8)
    is_x = np.arange(total) >= n_variants
    haploid = rng.binomial(1, frequency, (n_samples, total)).astype(np.int8)
    dosage = np.where(is_x & (sex == 1)[:, None], 2 * haploid, dosage)
    chromosome = np.where(is_x, "X", (np.arange(total) * 10 // max(n_variants, 1) + 1).astype(str)).astype(
        object
    )
    variants = pd.DataFrame(
        {
            "chromosome": chromosome,
            "position": 10_000_000 + np.arange(total) * 100_000,
            "id": [f"v{i}" for i in range(total)],
            "effect_allele": "A",
            "other_allele": "C",
        }
    )
    samples = pd.DataFrame({"id": [f"s{i}" for i in range(n_samples)], "family": "", "sex": sex})
    return Genotypes(dosage=dosage.astype(np.int8), samples=samples, variants=variants, genome_build=None)


def test_variant_statistics_equal_plink2(plink_cohort, plink_table):
    everyone = np.arange(80)
    table = variant_quality(plink_cohort, everyone, **LENIENT).table.set_index("id")
    frequency = plink_table("x.afreq").set_index("ID")
    np.testing.assert_allclose(table["allele_frequency"], frequency["ALT_FREQS"].loc[table.index], **PRINTED)
    missing = plink_table("x.vmiss").set_index("ID")
    np.testing.assert_allclose(1 - table["call_rate"], missing["F_MISS"].loc[table.index], **PRINTED)
    for file, midp in (("x.hardy", False), ("midp.hardy", True)):
        hardy = plink_table(file).set_index("ID")
        table = variant_quality(plink_cohort, everyone, **LENIENT, hwe_midp=midp).table.set_index("id")
        np.testing.assert_allclose(table.loc[hardy.index, "hwe_p"], hardy.iloc[:, -1], **PRINTED)


def test_sample_statistics_equal_plink(plink_cohort, plink_table):
    table = sample_quality(plink_cohort, min_call_rate=0).table.set_index("id")
    het = plink_table("x.het").set_index("IID")
    np.testing.assert_allclose(table["inbreeding"], het["F"].loc[table.index], **PRINTED)
    sex = plink_table("x.sexcheck").set_index("IID")
    # PLINK 1.9 prints four digits here.
    np.testing.assert_allclose(table["x_inbreeding"], sex["F"].loc[table.index], atol=6e-5, rtol=6e-5)
    autosomal = plink_cohort.dosage[:, :240]
    np.testing.assert_allclose(table["call_rate"], (autosomal >= 0).mean(axis=1))


def test_counting_in_pieces_changes_nothing(plink_cohort, monkeypatch):
    whole = genotype_counts(plink_cohort)
    monkeypatch.setattr("gds.genotypes.counts._READ_BYTES", 80 * 7)
    np.testing.assert_array_equal(genotype_counts(plink_cohort), whole)
    assert max(len(piece) for piece, _ in read_in_pieces(plink_cohort)) == 7
    table = sample_quality(plink_cohort, min_call_rate=0).table
    monkeypatch.undo()
    pd.testing.assert_frame_equal(table, sample_quality(plink_cohort, min_call_rate=0).table)


def test_variant_filters_see_training_people_only():
    g = cohort()
    training = np.arange(0, 200, 2)
    before = variant_quality(g, training)
    g.dosage[1::2] = -1
    after = variant_quality(g, training)
    pd.testing.assert_frame_equal(before.table, after.table)
    np.testing.assert_array_equal(before.kept, after.kept)


def test_each_variant_filter_removes_its_fault_and_says_why():
    g = cohort()
    g.dosage[:30, 5] = -1
    g.dosage[:, 6] = 0
    g.dosage[:, 7] = 1
    result = variant_quality(g, np.arange(200), min_hwe_p=1e-8)
    assert result.removed[["id", "filter"]].to_numpy().tolist() == [
        ["v5", "call rate"],
        ["v6", "allele frequency"],
        ["v7", "Hardy-Weinberg p"],
    ]
    assert result.removed["value"].iloc[0] == pytest.approx(0.85)
    assert [step["removed"] for step in result.steps] == [1, 1, 1]
    assert sorted({*range(1000)} - {*result.kept}) == [5, 6, 7]


def test_equilibrium_in_chosen_people_and_with_few_heterozygotes():
    g = cohort()
    cases, controls = np.arange(100), np.arange(100, 200)
    g.dosage[cases, 3] = 1
    g.dosage[:, 4] = np.where(np.arange(200) % 2, 2, 0)
    everyone = variant_quality(g, np.arange(200), min_hwe_p=1e-8)
    assert {3, 4}.isdisjoint(everyone.kept)
    among_controls = variant_quality(g, np.arange(200), min_hwe_p=1e-8, hwe_samples=controls)
    assert 3 in among_controls.kept
    assert 4 not in among_controls.kept
    assert 4 in variant_quality(g, np.arange(200), min_hwe_p=1e-8, keep_few_heterozygotes=True).kept
    with pytest.raises(UserError, match="100 of the people to test equilibrium in are not training people"):
        variant_quality(g, controls, hwe_samples=cases)


def test_equilibrium_on_x_is_of_women_and_not_tested_on_y():
    g = cohort(n_variants=100, n_x=50)
    table = variant_quality(g, np.arange(200), min_frequency=0).table
    assert (table["hwe_p"].iloc[100:] > 1e-6).all(), "men without heterozygotes do not count"
    g.variants["chromosome"] = g.variants["chromosome"].replace("X", "Y")
    assert variant_quality(g, np.arange(200)).table["hwe_p"].iloc[100:].isna().all()


def test_nothing_left_is_an_error():
    g = cohort(n_variants=50)
    with pytest.raises(UserError, match=r"no variant of 50 passes the filters .*allele frequency 50"):
        variant_quality(g, np.arange(200), min_frequency=0.5)
    with pytest.raises(UserError, match="training people"):
        variant_quality(g, np.array([], dtype=int))


def test_each_sample_filter_removes_its_fault_and_says_why():
    g = cohort(n_x=200)
    rng = np.random.default_rng(1)
    g.dosage[3, rng.random(1200) < 0.2] = -1
    g.dosage[10, :1000] = np.where(rng.random(1000) < 0.4, 1, g.dosage[10, :1000])
    man = int(np.flatnonzero(g.samples["sex"] == 1)[5])
    g.samples.loc[man, "sex"] = 2
    g.dosage[60, :1000] = g.dosage[50, :1000]
    g.dosage[60, :5] = -1
    result = sample_quality(g)
    found = set(zip(result.removed["id"], result.removed["filter"], strict=True))
    assert found >= {
        ("s3", "call rate"),
        ("s10", "heterozygosity"),
        (f"s{man}", "sex"),
        ("s60", "duplicates"),
    }
    assert len(found) == 4
    assert result.table.loc[60, "duplicate_of"] == "s50"
    assert {3, 10, man, 60}.isdisjoint(result.kept)
    assert len(result.kept) == 196


def test_heterozygosity_outliers_allow_for_ancestry():
    rng = np.random.default_rng(2)
    g = cohort()
    half = np.arange(200) < 100
    diverse = rng.binomial(2, 0.5, (100, 1000)).astype(np.int8)
    g.dosage[half] = diverse
    g.dosage[0] = rng.choice([0, 1, 2], size=1000, p=[0.05, 0.9, 0.05])
    plain = sample_quality(g, heterozygosity_sd=4, check_sex=False)
    adjusted = sample_quality(g, heterozygosity_sd=4, check_sex=False, ancestry=half[:, None].astype(float))
    assert 0 not in adjusted.kept
    assert len(adjusted.removed) == 1
    assert (np.abs(adjusted.removed["value"]) > np.abs(plain.removed["value"]).max()).all()


def test_duplicates_are_found_through_errors_and_missing_calls():
    g = cohort(n_samples=400, n_variants=3000)
    rng = np.random.default_rng(3)
    for copy, original in ((399, 0), (398, 1)):
        g.dosage[copy] = g.dosage[original]
        wrong = rng.random(3000) < 0.005
        g.dosage[copy, wrong] = (g.dosage[copy, wrong] + 1) % 3
        g.dosage[copy, rng.random(3000) < 0.03] = -1
    pairs, why_skipped = duplicate_pairs(g)
    assert why_skipped == ""
    assert pairs[["first", "second"]].to_numpy().tolist() == [[0, 399], [1, 398]]
    assert (pairs["concordance"] > 0.99).all()


def test_what_cannot_be_checked_is_said():
    g = cohort(n_variants=150)
    g.variants["chromosome"], g.variants["position"] = "22", np.arange(150) + 1
    g.samples["sex"] = 0
    notes = {step["filter"]: step["note"] for step in sample_quality(g).steps}
    assert notes["sex"] == "skipped: nobody's sex is recorded"
    assert "regions of 1 Mb" in notes["duplicates"]
    few = {step["filter"]: step["note"] for step in sample_quality(cohort(n_x=60)).steps}
    assert few["sex"].startswith("skipped: X lets expect at most 2")
    with pytest.raises(UserError, match="recorded sexes disagree"):
        swapped = cohort(n_x=200)
        swapped.samples["sex"] = 3 - swapped.samples["sex"]
        sample_quality(swapped)


def test_report_on_screen_and_as_json(tmp_path):
    g = cohort()
    g.dosage[3, :100] = -1
    people = sample_quality(g)
    report = QCReport()
    report.add("people", people)
    report.add("variants", variant_quality(g, people.kept))
    report.add_counts("relatives", {"method": "skipped"})
    path = report.write(tmp_path)
    saved = json.loads(path.read_text())
    assert saved["people"]["given"] == 200
    assert saved["people"]["kept"] == len(people.kept)
    assert saved["people"]["filters"][0] == {
        "filter": "call rate", "limit": ">= 0.95", "checked": 200, "removed": 1, "note": "", "examples": ["s3"],
    }  # fmt: skip
    assert pd.read_csv(tmp_path / "qc_removed_people.tsv", sep="\t")["id"].tolist() == ["s3"]
    shown = str(report).splitlines()
    assert shown[1].split() == ["people", "call", "rate", ">=", "0.95", "200", "1"]
    assert shown[-1] == "relatives method skipped"


@pytest.mark.shared_data
def test_real_case_control_cohort(shared_data):
    from gds.genotypes import open_genotypes

    g = open_genotypes(shared_data / "penncath" / "penncath.bed")
    people = sample_quality(g)
    call_rate = people.table["call_rate"]
    assert (call_rate.loc[people.kept] >= 0.95).all()
    assert 1 - call_rate.mean() == pytest.approx(0.0235, abs=5e-4)
    variants = variant_quality(g, people.kept)
    assert 3000 < len(variants.kept) < 4367


def test_people_may_be_a_mask_and_never_twice():
    g = cohort(n_variants=200)
    mask = np.arange(200) % 2 == 0
    by_mask, by_index = (sample_quality(g, people) for people in (mask, np.flatnonzero(mask)))
    pd.testing.assert_frame_equal(by_mask.table, by_index.table)
    pd.testing.assert_frame_equal(
        variant_quality(g, mask).table, variant_quality(g, np.flatnonzero(mask)).table
    )
    for wrong in (np.array([1, 1]), np.array([-1]), np.array([200]), np.array([0.5]), mask[:10]):
        with pytest.raises(UserError, match="samples"):
            variant_quality(g, wrong)
