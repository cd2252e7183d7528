"""Cohorts merged: the parts of a cohort give it back, whatever was swapped, flipped or left out."""

import pickle
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gds.errors import UserError
from gds.genotypes import Genotypes, merge_cohorts, open_genotypes, write_genotypes
from tests.genotypes.test_alignment import cohort, flip, swap

KEY = ["chromosome", "position", "effect_allele", "other_allele"]


def halves(genotypes: Genotypes, n_first: int) -> tuple[Genotypes, Genotypes]:
    people = np.arange(len(genotypes.samples))
    return genotypes.subset(samples=people[:n_first]), genotypes.subset(samples=people[n_first:])


def ordered(genotypes: Genotypes) -> Genotypes:
    """By chromosome and position, as merged cohorts are."""
    order = genotypes.variants.assign(number=genotypes.variants["chromosome"].astype(int))
    return genotypes.subset(variants=order.sort_values(["number", "position"]).index.to_numpy())


@pytest.mark.parametrize("how", ["intersection", "union"])
def test_two_halves_are_the_whole(how):
    g = cohort(n_palindromic=20)
    merged = merge_cohorts(halves(g, 25), ["a", "b"], how)
    assert merged.variants.equals(g.variants)
    assert merged.samples["id"].tolist() == g.samples["id"].tolist()
    assert merged.samples["cohort"].tolist() == ["a"] * 25 + ["b"] * 35
    assert merged.is_present.all()
    np.testing.assert_array_equal(merged.read(slice(None)), g.dosage)
    first, second = merged.report.cohorts
    assert (first.own, second.own, second.same, second.palindromic_as_labelled) == (300, 0, 280, 20)
    assert merged.report.lines() == [
        "2 cohorts merged (intersection): 60 people, 300 variants, 300 of them in every cohort".replace(
            "intersection", how
        ),
        "  a: 25 people, 300 of its 300 variants used",
        "  b: 35 people, 300 of its 300 variants used",
        "    280 shared with an earlier cohort as they are",
        "    20 palindromic, taken as labelled",
    ]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**16), how=st.sampled_from(["intersection", "union"]), n=st.integers(1, 3))
def test_swaps_strands_and_left_out_variants_are_restored(seed, how, n):
    rng = np.random.default_rng(seed)
    g = ordered(cohort(n_samples=40, n_variants=120, seed=seed % 7))
    people = np.array_split(rng.permutation(40), n + 1)
    n_variants = len(g.variants)
    parts, has = [], []
    for k, which in enumerate(people):
        part = g.subset(samples=which)
        if k:
            part = flip(swap(part, rng.random(n_variants) < 0.3), rng.random(n_variants) < 0.3)
        kept = rng.permutation(np.flatnonzero(rng.random(n_variants) < 0.85))
        parts.append(part.subset(variants=kept))
        has.append(np.isin(np.arange(n_variants), kept))
    merged = merge_cohorts(parts, list("abcd")[: n + 1], how, min_overlap=0.1)

    wanted = np.flatnonzero(np.all(has, axis=0) if how == "intersection" else np.any(has, axis=0))
    assert merged.variants[["chromosome", "position", "id"]].equals(
        g.variants[["chromosome", "position", "id"]].iloc[wanted].reset_index(drop=True)
    )
    np.testing.assert_array_equal(merged.is_present, np.array(has)[:, wanted])
    assert merged.report.in_every_cohort == np.all(has, axis=0).sum()

    # Alleles are those of the first cohort that has the variant: of the first cohort itself, the original ones.
    original = (merged.variants[KEY].to_numpy() == g.variants[KEY].iloc[wanted].to_numpy()).all(axis=1)
    assert original[merged.is_present[0]].all()
    expected = g.dosage[np.concatenate(people)][:, wanted].copy()
    effect = merged.variants["effect_allele"].to_numpy()
    pairs = g.variants.iloc[wanted]
    complement = dict(zip("ACGT", "TGCA", strict=True))
    is_swapped = [
        here not in (there, complement[there])
        for here, there in zip(effect, pairs["effect_allele"], strict=True)
    ]
    reverse = np.array(is_swapped)
    expected[:, reverse] = np.where(expected[:, reverse] < 0, -1, 2 - expected[:, reverse])
    for k, which in enumerate(people):
        rows = np.isin(np.concatenate(people), which)
        expected[np.ix_(rows, ~merged.is_present[k])] = -1
    np.testing.assert_array_equal(merged.read(slice(None)), expected)

    some, sites = rng.permutation(40)[:17], rng.permutation(len(wanted))[:31]
    np.testing.assert_array_equal(merged.read(sites, some), expected[np.ix_(some, sites)])
    mask = rng.random(len(wanted)) < 0.5
    np.testing.assert_array_equal(merged.read(mask, np.arange(40) < 5), expected[:5][:, mask])
    for counts in merged.report.cohorts:
        assert counts.used + counts.unused == counts.variants
        assert counts.used + counts.absent == merged.report.variants


def test_palindromic_variants_by_the_frequency_of_all_earlier_cohorts():
    g = cohort(n_samples=900, n_variants=300, n_palindromic=60)
    frequency = np.where(g.dosage < 0, np.nan, g.dosage).mean(axis=0, where=g.dosage >= 0) / 2
    a, rest = halves(g, 300)
    b, c = halves(rest, 300)
    every = np.ones(300, dtype=bool)
    merged = merge_cohorts([a, swap(b, every), flip(c, every)], ["a", "b", "c"], "union")
    last = merged.report.cohorts[2]
    assert last.palindromic_by_frequency + last.palindromic_dropped == 60
    assert last.own == 0, "a variant of unknown strand does not become a second one"
    assert len(merged.variants) == 300
    # Frequencies of 300 people differ from those of everyone by less than 0.1 here.
    clear = (np.abs(frequency[240:] - 0.5) > 0.2).sum()
    unclear = (np.abs(frequency[240:] - 0.5) < 0.01).sum()
    assert last.palindromic_by_frequency >= clear
    assert last.palindromic_dropped >= unclear
    taken = merged.is_present[2]
    np.testing.assert_array_equal(merged.read(taken), g.dosage[:, taken])
    assert (merged.read(~taken, np.arange(600, 900)) == -1).all()
    np.testing.assert_array_equal(merged.read(~taken, np.arange(600)), g.dosage[:600, ~taken])
    shared = merge_cohorts([a, swap(b, every), flip(c, every)], ["a", "b", "c"])
    assert len(shared.variants) == taken.sum()
    dropped = merge_cohorts([a, flip(b, every)], ["a", "b"], palindromic="drop")
    assert dropped.report.cohorts[1].palindromic_dropped == 60


def variants_at(position: list[int], effect: list[str], other: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "chromosome": "1",
            "position": position,
            "id": [f"v{p}" for p in position],
            "effect_allele": effect,
            "other_allele": other,
        }
    )


def people(names: str, dosage: list[list[int]], variants: pd.DataFrame) -> Genotypes:
    samples = pd.DataFrame({"id": list(names), "family": "", "sex": np.int8(0)})
    return Genotypes(np.array(dosage, dtype=np.int8), samples, variants)


def test_alternative_alleles_that_only_a_later_cohort_knows():
    """Monomorphic records have no alternative allele in one cohort: by itself, swapped and on the other strand."""
    a = people("pq", [[0, 0, 0, 1], [0, 0, -1, 2]], variants_at([1, 2, 3, 4], [*"...C"], [*"AAAT"]))
    b = people("rs", [[1, 1, 1, 0], [2, 0, 0, 0]], variants_at([1, 2, 3, 4], [*"GACC"], [*"AGTT"]))
    merged = merge_cohorts([a, b], ["a", "b"])
    assert merged.variants["effect_allele"].tolist() == ["G", "G", "G", "C"]
    assert merged.variants["other_allele"].tolist() == ["A", "A", "A", "T"]
    assert merged.read(slice(None)).tolist() == [[0, 0, 0, 1], [0, 0, -1, 2], [1, 1, 1, 0], [2, 2, 0, 0]]
    assert merged.report.alternatives_found == 3
    assert "3 variants got their alternative allele" in "\n".join(merged.report.lines())
    reverse = merge_cohorts([b, a], ["b", "a"])
    assert reverse.variants["effect_allele"].tolist() == ["G", "A", "C", "C"]
    assert reverse.read(slice(None)).tolist() == [[1, 1, 1, 0], [2, 0, 0, 0], [0, 2, 0, 1], [0, 2, -1, 2]]


def test_other_alleles_at_one_position_are_another_variant():
    a = people("pq", [[1, 2], [0, 1]], variants_at([1, 2], [*"GC"], [*"AT"]))
    b = people("rs", [[1, 1], [2, 0]], variants_at([1, 2], [*"CC"], [*"AT"]))
    merged = merge_cohorts([a, b], ["a", "b"], "union")
    assert merged.variants[["position", "effect_allele"]].to_numpy().tolist() == [
        [1, "G"],
        [1, "C"],
        [2, "C"],
    ]
    assert merged.read(slice(None)).tolist() == [[1, -1, 2], [0, -1, 1], [-1, 1, 1], [-1, 2, 0]]
    assert (merged.report.cohorts[1].other_alleles, merged.report.cohorts[1].own) == (1, 1)
    assert merge_cohorts([a, b], ["a", "b"]).variants["position"].tolist() == [2]


def test_files_are_streamed_and_only_those_asked_for(tmp_path):
    g = cohort()
    paths = [tmp_path / "a.bed", tmp_path / "b.pgen"]
    for path, part in zip(paths, halves(g, 25), strict=True):
        write_genotypes(part, path)
    merged = merge_cohorts([open_genotypes(path) for path in paths], ["a", "b"])
    np.testing.assert_array_equal(merged.read(slice(None)), g.dosage)
    np.testing.assert_array_equal(merged.read(np.arange(9, 3, -2)), g.dosage[:, 9:3:-2])
    copy = pickle.loads(pickle.dumps(merged))
    np.testing.assert_array_equal(copy.read(slice(None)), g.dosage)
    opened = merge_cohorts([open_genotypes(path) for path in paths], ["a", "b"])
    paths[0].unlink()
    np.testing.assert_array_equal(opened.read(slice(5, 50), np.arange(30, 40)), g.dosage[30:40, 5:50])
    assert asdict(merged.report)["cohorts"][1]["people"] == 35


def test_families_of_one_name_are_counted():
    a, b = halves(cohort(), 25)
    a.samples["family"], b.samples["family"] = [f"f{i // 2}" for i in range(25)], "f3"
    merged = merge_cohorts([a, b], ["a", "b"])
    assert merged.report.shared_families == 1
    assert "1 family names occur in several cohorts" in "\n".join(merged.report.lines())


def renamed(genotypes: Genotypes) -> Genotypes:
    return replace(genotypes, samples=genotypes.samples.assign(id="x" + genotypes.samples["id"]))


def shifted(genotypes: Genotypes) -> Genotypes:
    return replace(genotypes, variants=genotypes.variants.assign(position=genotypes.variants["position"] + 7))


@pytest.mark.parametrize(
    ("change", "names", "message"),
    [
        (lambda a, b: [a, a.subset(samples=np.arange(3))], ["x", "y"], r"'x' and 'y' share 3 sample ids \('p0'"),
        (lambda a, b: [a, b, renamed(a), b.subset(samples=np.arange(1))], [*"wxyz"], r"'x' and 'z' share 1 sample"),
        (lambda a, b: [a, b], ["x", "x"], "two cohorts are called 'x'"),
        (lambda a, b: [a], ["x"], "at least two cohorts"),
        (
            lambda a, b: [replace(a, genome_build="hg19"), replace(b, genome_build="hg38")],
            ["x", "y"],
            "'x' is on hg19, 'y' is on hg38; lift one over",
        ),
        (lambda a, b: [a, shifted(b)], ["x", "y"], "By id they share 300: is it on another genome build"),
        (
            lambda a, b: [a.subset(variants=np.arange(100)), b.subset(variants=np.arange(90, 300))],
            ["x", "y"],
            r"shares 10 of its 210 variants with the 100 .* 10.0% of the fewer, at least 50% are needed",
        ),
        (
            lambda a, b: [
                a.subset(variants=np.arange(150)),
                b.subset(variants=np.arange(60, 210)),
                renamed(a).subset(variants=np.r_[:90, 150:210]),
            ],
            ["x", "y", "z"],
            "only 30 variants are in all of the cohorts x, y, z, of 150 in the smallest",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_merged_is_refused(change, names, message):
    with pytest.raises(UserError, match=message):
        merge_cohorts(change(*halves(cohort(), 25)), names)


def test_union_or_intersection_only():
    with pytest.raises(UserError, match="intersection or union, found 'outer'"):
        merge_cohorts(halves(cohort(), 25), ["a", "b"], "outer")  # type: ignore[arg-type]
