"""A cohort seen through another one's variants: swaps, strands, palindromes, builds, absence; all counted."""

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gds.errors import UserError
from gds.genotypes import Genotypes, align_genotypes, match_variants, open_genotypes, write_genotypes
from gds.genotypes.allele_match import (
    FLIPPED,
    FLIPPED_AND_SWAPPED,
    INCOMPATIBLE,
    SAME,
    SWAPPED,
    compare_alleles,
)

COMPLEMENT = dict(zip("ACGT", "TGCA", strict=True))
PAIRS = [("A", "G"), ("C", "T"), ("G", "T"), ("A", "C")]


def cohort(n_samples: int = 60, n_variants: int = 300, n_palindromic: int = 0, seed: int = 0) -> Genotypes:
    """Variants of which the last ones are palindromic; frequencies from 0.05 to 0.95."""
    rng = np.random.default_rng(seed)
    frequency = np.linspace(0.05, 0.95, n_variants)[rng.permutation(n_variants)]
    dosage = rng.binomial(2, frequency, (n_samples, n_variants)).astype(np.int8)
    dosage[rng.random(dosage.shape) < 0.02] = -1
    alleles = [PAIRS[i] for i in rng.integers(0, 4, n_variants - n_palindromic)]
    alleles += [("A", "T"), ("G", "C")] * (n_palindromic // 2)
    variants = pd.DataFrame(
        {
            "chromosome": np.sort(rng.integers(1, 4, n_variants)).astype(str),
            "position": np.arange(n_variants) * 100 + 100,
            "id": [f"rs{i}" for i in range(n_variants)],
            "effect_allele": [pair[0] for pair in alleles],
            "other_allele": [pair[1] for pair in alleles],
        }
    )
    samples = pd.DataFrame({"id": [f"p{i}" for i in range(n_samples)], "family": "", "sex": np.int8(0)})
    return Genotypes(dosage, samples, variants)


def frequencies(genotypes: Genotypes) -> np.ndarray:
    known = np.ma.masked_less(genotypes.dosage, 0)
    return np.asarray(known.mean(axis=0) / 2)


def swap(genotypes: Genotypes, which: np.ndarray) -> Genotypes:
    variants, dosage = genotypes.variants.copy(), genotypes.dosage.copy()
    effect, other = variants["effect_allele"].to_numpy(), variants["other_allele"].to_numpy()
    variants["effect_allele"], variants["other_allele"] = (
        np.where(which, other, effect),
        np.where(which, effect, other),
    )
    dosage[:, which] = np.where(dosage[:, which] < 0, -1, 2 - dosage[:, which])
    return replace(genotypes, variants=variants, dosage=dosage)


def flip(genotypes: Genotypes, which: np.ndarray) -> Genotypes:
    variants = genotypes.variants.copy()
    for name in ("effect_allele", "other_allele"):
        variants[name] = np.where(which, variants[name].map(COMPLEMENT), variants[name])
    return replace(genotypes, variants=variants)


def test_nothing_to_correct():
    g = cohort(n_palindromic=20)
    aligned = align_genotypes(g, g.variants)
    np.testing.assert_array_equal(aligned.read(slice(None)), g.dosage)
    report = aligned.report
    assert (report.same, report.palindromic_as_labelled, report.found, report.overlap) == (280, 20, 300, 1.0)
    assert report.lines()[0] == "300 of 300 variants found by position (100.0%)"


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**16), by=st.sampled_from(["position", "id"]))
def test_whatever_is_done_to_a_cohort_is_undone(seed, by):
    """Any variants swapped, flipped, dropped, shuffled, with strangers among them, on another build."""
    wanted = cohort(seed=seed)
    rng = np.random.default_rng(seed)
    swapped, flipped, kept = rng.random(300) < 0.3, rng.random(300) < 0.3, rng.random(300) < 0.7
    other = flip(swap(wanted, swapped), flipped)
    order = rng.permutation(np.flatnonzero(kept))
    other = other.subset(variants=order)
    if by == "id":
        variants = other.variants.assign(position=other.variants["position"] + 12_345)
        variants["id"] = np.where(rng.random(len(order)) < 0.3, variants["id"] + ";extra", variants["id"])
    else:
        variants = other.variants.assign(id=".")
    aligned = align_genotypes(replace(other, variants=variants), wanted.variants, match_by=by)
    expected = np.where(kept, wanted.dosage, -1)
    np.testing.assert_array_equal(aligned.read(slice(None)), expected)
    some, people = rng.permutation(300)[:50], rng.permutation(60)[:7]
    np.testing.assert_array_equal(aligned.read(some, people), expected[people][:, some])
    report = asdict(aligned.report)
    assert report["same"] == (kept & ~swapped & ~flipped).sum()
    assert report["swapped"] == (kept & swapped & ~flipped).sum()
    assert report["flipped"] == (kept & ~swapped & flipped).sum()
    assert report["flipped_and_swapped"] == (kept & swapped & flipped).sum()
    assert report["absent"] == (~kept).sum()
    assert report["matched_by"] == by
    pd.testing.assert_frame_equal(aligned.variants, wanted.variants)


def test_palindromic_variants_are_as_labelled_where_no_other_is_on_the_other_strand():
    wanted = cohort(n_palindromic=100)
    aligned = align_genotypes(swap(wanted, np.arange(300) % 3 == 0), wanted.variants)
    np.testing.assert_array_equal(aligned.read(slice(None)), wanted.dosage)
    assert aligned.report.palindromic_as_labelled == 100


def test_palindromic_variants_are_decided_by_frequency_where_strands_differ():
    wanted = cohort(n_samples=2000, n_palindromic=100)
    frequency = frequencies(wanted)
    # The whole cohort is on the other strand, palindromic variants too.
    aligned = align_genotypes(flip(wanted, np.ones(300, dtype=bool)), wanted.variants, frequency)
    palindromic = np.arange(300) >= 200
    dropped = palindromic & (np.abs(frequency - 0.5) < 0.1)
    np.testing.assert_array_equal(aligned.read(slice(None)), np.where(dropped, -1, wanted.dosage))
    report = aligned.report
    assert (report.flipped, report.palindromic_dropped) == (200, dropped.sum())
    assert report.palindromic_by_frequency == 100 - dropped.sum()
    assert report.found == 300 - dropped.sum()


def test_what_cannot_tell_a_strand_drops_palindromic_variants():
    wanted = cohort(n_samples=15, n_palindromic=100)
    flipped = flip(wanted, np.ones(300, dtype=bool))
    frequency = frequencies(wanted)
    for source, trained, rule in (
        (flipped, None, "auto"),  # no frequency
        (flipped, frequency, "auto"),  # of fewer than 20 people
        (wanted, frequency, "drop"),
    ):
        report = align_genotypes(source, wanted.variants, trained, palindromic=rule).report
        assert (report.palindromic_dropped, report.found) == (100, 200)
    assert align_genotypes(wanted, wanted.variants, palindromic="keep").report.palindromic_as_labelled == 100


def test_few_matches_do_not_prove_the_strand():
    wanted = cohort(n_samples=500, n_variants=120, n_palindromic=100)
    report = align_genotypes(wanted, wanted.variants, frequencies(wanted), min_overlap=0.1).report
    assert report.palindromic_as_labelled == 0
    assert report.palindromic_by_frequency > 60


@pytest.mark.parametrize(
    ("alleles", "wanted", "kind"),
    [
        ("AG", "AG", SAME),
        ("GA", "AG", SWAPPED),
        ("TC", "AG", FLIPPED),
        ("CT", "AG", FLIPPED_AND_SWAPPED),
        ("AC", "AG", INCOMPATIBLE),
        ("AT", "AT", SAME),
        ("TA", "AT", SWAPPED),
        (("AT", "A"), ("AT", "A"), SAME),
        (("TA", "T"), ("AT", "A"), INCOMPATIBLE),
        (("I", "D"), ("D", "I"), SWAPPED),
        (("I", "D"), ("A", "G"), INCOMPATIBLE),
        # Nobody has the effect allele: 0 copies of it, or 2 of the wanted one.
        (".G", "AG", SAME),
        (".A", "AG", SWAPPED),
        (".C", "AG", FLIPPED),
        (".T", "AG", FLIPPED_AND_SWAPPED),
        (".C", "AT", INCOMPATIBLE),
        (".A", "AT", SWAPPED),
    ],
)
def test_alleles(alleles, wanted, kind):
    columns = [np.array([allele], dtype=object) for allele in (*alleles, *wanted)]
    assert compare_alleles(*columns).tolist() == [kind]


def test_of_several_at_a_position_the_best_is_taken():
    wanted = cohort(n_variants=4).variants.assign(
        effect_allele="A", other_allele="G", chromosome="1", position=7
    )
    wanted = wanted.iloc[:1]
    several = cohort(n_variants=4)
    several.variants[["chromosome", "position"]] = ["1", 7]
    several.variants["effect_allele"] = ["AT", "T", "G", "A"]
    several.variants["other_allele"] = ["A", "C", "A", "G"]
    aligned = align_genotypes(several, wanted)
    np.testing.assert_array_equal(aligned.read(slice(None)), several.dosage[:, 3:])
    assert aligned.report.unused == 3


def test_other_alleles_at_the_place_are_told_from_absence():
    wanted = cohort()
    other = wanted.variants.copy()
    other.loc[:9, ["effect_allele", "other_allele"]] = ["I", "D"]
    report = align_genotypes(
        replace(wanted, variants=other).subset(variants=np.arange(290)), wanted.variants
    ).report
    assert (report.incompatible, report.absent, report.found) == (10, 10, 280)
    assert "10 with other alleles, filled with the training mean" in "\n".join(report.lines())


def test_a_small_overlap_is_refused_and_the_other_way_suggested():
    wanted = cohort()
    shifted = replace(wanted, variants=wanted.variants.assign(position=wanted.variants["position"] + 7))
    with pytest.raises(
        UserError, match=r"only 0 of the 300 .* By id 300 are: is the genome build another one"
    ):
        align_genotypes(shifted, wanted.variants)
    # Both builds known: by id without being asked.
    shifted.genome_build = "hg38"
    aligned = align_genotypes(shifted, wanted.variants, genome_build="hg19")
    assert (aligned.report.matched_by, aligned.report.found) == ("id", 300)
    with pytest.raises(UserError, match="the cohort is on hg38 and the model on hg19"):
        align_genotypes(shifted, wanted.variants, genome_build="hg19", match_by="position")
    few = wanted.subset(variants=np.arange(100))
    with pytest.raises(UserError, match=r"33\.3%; at least 50% are needed; 200 absent"):
        align_genotypes(few, wanted.variants)
    assert align_genotypes(few, wanted.variants, min_overlap=0.3).report.found == 100


def test_unknown_options():
    g = cohort()
    with pytest.raises(UserError, match="match_by must be"):
        align_genotypes(g, g.variants, match_by="name")
    with pytest.raises(UserError, match="palindromic must be"):
        align_genotypes(g, g.variants, palindromic="guess")


def test_a_file_is_streamed_through_the_alignment(tmp_path):
    wanted = cohort(n_palindromic=40)
    write_genotypes(swap(wanted, np.arange(300) % 2 == 0), tmp_path / "c.pgen")
    aligned = align_genotypes(open_genotypes(tmp_path / "c.pgen"), wanted.variants, frequencies(wanted))
    np.testing.assert_array_equal(aligned.read(slice(100, 250)), wanted.dosage[:, 100:250])


def test_an_aligned_cohort_satisfies_a_featurizer():
    """Whatever was fitted on the wanted variants finds exactly them."""
    wanted = cohort()
    other = swap(wanted.subset(variants=np.arange(250)), np.arange(250) < 40)
    aligned = align_genotypes(other, wanted.variants)
    np.testing.assert_array_equal(match_variants(aligned.variants, wanted.variants), np.arange(300))


def test_exact_matching_finds_rows_and_names_what_is_absent():
    g = cohort()
    order = np.random.default_rng(1).permutation(300)
    shuffled = g.subset(variants=order).variants
    np.testing.assert_array_equal(order[match_variants(shuffled, g.variants)], np.arange(300))
    with pytest.raises(UserError, match=r"1 of 300 variants .* e\.g\. rs7 .*align the cohort"):
        match_variants(g.variants.drop(index=7), g.variants)
    doubled = pd.concat([g.variants, g.variants.iloc[[3]]], ignore_index=True)
    np.testing.assert_array_equal(match_variants(doubled, g.variants.iloc[:3]), [0, 1, 2])
    with pytest.raises(UserError, match="occurs more than once"):
        match_variants(doubled, g.variants)


@pytest.mark.shared_data
def test_half_of_a_real_cohort_spoiled_and_mended(shared_data):
    """40 % of variants dropped, alleles swapped, strands flipped, another build: what is read is right."""
    source = open_genotypes(shared_data / "kg_phase1" / "kg_phase1.bed")
    people = np.arange(546)
    whole = Genotypes(
        source.read(slice(None), people), source.samples.iloc[people].reset_index(drop=True), source.variants
    )
    rng = np.random.default_rng(0)
    m = len(whole.variants)
    kept = rng.random(m) < 0.6
    spoiled = flip(swap(whole, rng.random(m) < 0.5), rng.random(m) < 0.5).subset(
        variants=np.flatnonzero(kept)
    )
    spoiled = replace(
        spoiled, variants=spoiled.variants.assign(position=spoiled.variants["position"] + 10**6)
    )
    trained = frequencies(Genotypes(source.read(slice(None)), source.samples, source.variants))
    aligned = align_genotypes(spoiled, whole.variants, trained, match_by="id")
    found = aligned.read(slice(None))
    is_used = (found >= 0).any(axis=0)
    assert aligned.report.found == is_used.sum()
    right = (found[:, is_used] == whole.dosage[:, is_used]).all(axis=0)
    # Only a palindromic variant can be mistaken, and hardly ever is.
    assert right.mean() > 0.9995
    assert is_used.sum() + aligned.report.palindromic_dropped == kept.sum()
    assert is_used.sum() > 0.93 * kept.sum()
