"""Relatives and batches of simulated cohorts."""

import numpy as np
import pandas as pd
import pytest
from simulated_cohorts import TINY, disease_of, recruits, small_pool, tiny_cohort

from gds.genotypes.simulate import simulate_cohort
from gds.genotypes.simulate.covariates import batch_shares, draw_batches
from gds.genotypes.simulate.genotyping import miscall


@pytest.fixture(scope="module")
def cohort():
    return tiny_cohort()


@pytest.fixture(scope="module")
def pool():
    return small_pool()


def related(relation, seed=9):
    cohort = simulate_cohort(
        40, 80, **TINY, n_related_pairs=50, relation=relation, artefact_fraction=0, missing_rate=0, seed=seed
    )
    second = cohort.truth.index[cohort.truth["related_to"] != ""]
    first = cohort.truth.loc[second, "related_to"]
    rows = cohort.phenotypes.index.get_indexer
    return cohort, cohort.genotypes.dosage[rows(first)], cohort.genotypes.dosage[rows(second)], first, second


@pytest.mark.parametrize("relation", ["sibling", "parent-offspring", "duplicate"])
def test_relatives_share_population_label_and_family_and_keep_the_counts(relation):
    cohort, _, _, first, second = related(relation)
    assert cohort.phenotypes["ALS"].value_counts().to_dict() == {0: 80, 1: 40}
    assert len(first) == 50
    for column in ("ALS", "population"):
        assert (
            cohort.phenotypes.loc[first, column].to_numpy()
            == cohort.phenotypes.loc[second, column].to_numpy()
        ).all()
    assert (
        cohort.truth.loc[first, "family"].to_numpy() == cohort.truth.loc[second, "family"].to_numpy()
    ).all()
    sizes = cohort.truth.loc[cohort.truth["family"] != "", "family"].value_counts()
    assert (sizes == 2).all()


def test_parents_and_offspring_share_an_allele_everywhere_and_duplicates_share_all():
    _, a, b, *_ = related("parent-offspring")
    assert (np.abs(a - b) < 2).all()
    assert (a != b).any()
    cohort, a, b, first, second = related("duplicate")
    np.testing.assert_array_equal(a, b)
    columns = ["sex", "age"]
    assert cohort.phenotypes.loc[first, columns].to_numpy().tolist() == (
        cohort.phenotypes.loc[second, columns].to_numpy().tolist()
    )
    assert (
        cohort.truth.loc[first, "liability"].to_numpy() == cohort.truth.loc[second, "liability"].to_numpy()
    ).all()


def test_siblings_share_half_their_alleles(pool):
    disease = disease_of(pool, heritability=0.3)
    people, *_ = recruits(pool, disease, 600, 600, n_pairs=600)
    second = np.flatnonzero(people.index_person >= 0)
    a, b = people.causal_haplotypes[people.index_person[second]], people.causal_haplotypes[second]
    assert (a == b).mean() == pytest.approx(0.5 + 0.5 / pool.size, abs=0.03)
    both = (a == b).all(axis=2).mean()
    assert both == pytest.approx(0.25, abs=0.03)


def test_unrelated_people_are_nobodys_copy(cohort):
    dosage = cohort.genotypes.dosage.astype(np.int16)
    distance = np.abs(dosage[:, None] - dosage[None]).sum(axis=2)
    np.fill_diagonal(distance, distance.max())
    assert distance.min() > 0.1 * dosage.shape[1]


def test_published_confounding_is_one_batch_of_controls_and_one_of_63_percent_cases():
    cohort = simulate_cohort(63, 137, **TINY, batch_confounding="published", seed=1)
    table = pd.crosstab(cohort.phenotypes["batch"], cohort.phenotypes["ALS"])
    assert table.loc["A"].tolist() == [100, 0]
    assert table.loc["B"].tolist() == [37, 63]


def test_batches_have_exactly_the_shares_asked_for_and_plates_of_96():
    is_case = np.arange(400) < 100
    table = draw_batches(is_case, batch_shares("none", 100, 300), np.random.default_rng(0))
    counts = pd.crosstab(table["batch"], is_case)
    assert (counts[True] == 25).all()
    assert (counts[False] == 75).all()
    shares = batch_shares({"X": (0.9, 0.2), "Y": (0.1, 0.8)}, 100, 300)
    table = draw_batches(is_case, shares, np.random.default_rng(0))
    assert pd.crosstab(table["batch"], is_case).to_numpy().tolist() == [[60, 90], [240, 10]]
    assert table.groupby("plate").size().max() == 96
    assert (table["plate"].str.split("-").str[0] == table["batch"]).all()


def test_artefacts_are_those_of_their_batch():
    haplotypes = np.random.default_rng(0).integers(0, 2, (400, 2, 50)).astype(np.int8)
    spoilt = haplotypes.copy()
    batch = np.repeat(["A", "B"], 200)
    generators = {name: np.random.default_rng(seed) for seed, name in enumerate("AB")}
    miscall(spoilt, batch, generators, 0.2, 0.0, np.random.default_rng(1))
    changed = (spoilt != haplotypes).any(axis=1)
    in_a, in_b = changed[batch == "A"].any(axis=0), changed[batch == "B"].any(axis=0)
    assert 0 < in_a.sum() < 25
    assert 0 < in_b.sum() < 25
    assert (in_a != in_b).any()
    missing = spoilt[:, 0] == -1
    np.testing.assert_array_equal(missing, spoilt[:, 1] == -1)
    # what is not missing and changed was heterozygous and became homozygous
    dropped = changed & ~missing
    assert dropped.any()
    assert (haplotypes[:, 0] != haplotypes[:, 1])[dropped].all()
    assert (spoilt[:, 0] == spoilt[:, 1])[dropped].all()
