"""Liability, effects and frequencies: exact where theory is exact, wide bounds where it is chance."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, rankdata
from simulated_cohorts import TINY, disease_of, genotyped, recruits, small_pool

from gds.genotypes.simulate import liability_effect, read_als_loci, simulate_cohort
from gds.genotypes.simulate.people import apportion


@pytest.fixture(scope="module")
def pool():
    return small_pool()


def test_als_loci_have_about_the_frequency_that_their_precision_implies(pool):
    loci = read_als_loci().set_index("rsid")
    at = pd.Index(pool.variants["id"]).get_indexer(loci.index)
    frequency = (pool.allele_frequency @ pool.weights)[at]
    maf = np.minimum(frequency, 1 - frequency)
    np.testing.assert_allclose(maf, loci["minor_allele_frequency"], rtol=0.4, atol=0.02)


def test_liability_effect_multiplies_the_odds_by_the_published_ratio():
    prevalence = 1 / 350
    for beta in (0.0646, 0.3322, 1.0784):
        raised = norm.cdf(norm.ppf(prevalence) + liability_effect(beta, prevalence))
        ratio = raised / (1 - raised) / (prevalence / (1 - prevalence))
        assert ratio == pytest.approx(np.exp(beta), rel=1e-10)
        assert liability_effect(-beta, prevalence) == -liability_effect(beta, prevalence)
    small = 1e-4 * prevalence * (1 - prevalence) / norm.pdf(norm.isf(prevalence))
    assert liability_effect(1e-4, prevalence) == pytest.approx(small, rel=1e-3)


@pytest.mark.parametrize("heritability", [0.05, 0.3, 1.0])
def test_the_genetic_variance_is_the_heritability_in_every_ancestry(pool, heritability):
    disease = disease_of(pool, heritability=heritability)
    variance = 2 * disease.scores.var(axis=-1).sum(axis=0)
    np.testing.assert_allclose(variance, heritability, rtol=1e-12)
    np.testing.assert_allclose(disease.scores.mean(axis=-1), 0, atol=1e-12)


def test_genetic_liability_is_what_dosages_times_effects_give():
    cohort = simulate_cohort(
        30, 60, **TINY, populations={"CEU": 1}, artefact_fraction=0, missing_rate=0, n_related_pairs=8, seed=6
    )
    causal = cohort.causal_variants
    at = pd.Index(cohort.genotypes.variants["id"]).get_indexer(causal["id"])
    dosage = cohort.genotypes.dosage[:, at].astype(float)
    expected = (dosage - 2 * causal["effect_allele_frequency"].to_numpy()) @ causal[
        "liability_effect"
    ].to_numpy()
    np.testing.assert_allclose(cohort.truth["genetic_liability"], expected, atol=1e-10)


def test_liability_regresses_on_genetic_liability_with_slope_one_and_the_heritability_explained(pool):
    # At a prevalence of one half, as many cases as controls are a random sample of the population.
    disease = disease_of(pool, prevalence=0.5, heritability=0.3)
    people, *_ = recruits(pool, disease, 10_000, 10_000)
    covariance = np.cov(people.genetic, people.liability)
    assert covariance[0, 1] / covariance[0, 0] == pytest.approx(1, abs=0.05)
    assert covariance[0, 0] / covariance[1, 1] == pytest.approx(0.3, abs=0.02)
    assert covariance[1, 1] == pytest.approx(1, abs=0.05)


def test_the_threshold_gives_the_prevalence(pool):
    disease = disease_of(pool)
    assert disease.threshold == pytest.approx(norm.isf(0.05))
    people, n_screened, n_ill = recruits(pool, disease, 500, 500)
    assert n_ill / n_screened == pytest.approx(0.05, abs=0.004)
    assert (people.liability[people.is_case] > disease.threshold).all()
    assert (people.liability[~people.is_case] <= disease.threshold).all()


def test_a_common_threshold_lets_ancestries_differ_but_keeps_the_overall_prevalence(pool):
    disease = disease_of(pool, threshold="common", heritability=0.8)
    assert pool.weights @ disease.prevalence == pytest.approx(0.05, abs=1e-9)
    assert disease.prevalence.max() > 1.2 * disease.prevalence.min()
    people, *_ = recruits(pool, disease, 1000, 1000)
    found = np.bincount(people.population[people.is_case])
    np.testing.assert_array_equal(found, apportion(1000, pool.weights * disease.prevalence))


def test_the_genetic_liability_classifies_as_well_as_theory_allows(pool):
    """Area under the curve of the true genetic liability against Wray et al. 2010."""
    disease = disease_of(pool, heritability=0.3, prevalence=0.02, n_causal=200)
    people, *_ = recruits(pool, disease, 2000, 2000)
    limit = norm.isf(0.02)
    i = norm.pdf(limit) / 0.02
    v = -i * 0.02 / 0.98
    spread = 0.3 * ((1 - 0.3 * i * (i - limit)) + (1 - 0.3 * v * (v - limit)))
    ceiling = norm.cdf((i - v) * 0.3 / np.sqrt(spread))
    ranks = rankdata(people.genetic)
    auc = (ranks[people.is_case].sum() - 2000 * 2001 / 2) / 2000**2
    assert auc == pytest.approx(ceiling, abs=0.02)


def test_no_heritability_is_no_signal_at_all():
    cohort = simulate_cohort(40, 40, **(TINY | {"heritability": 0}), seed=1)
    assert (cohort.truth["genetic_liability"] == 0).all()
    assert (cohort.causal_variants["liability_effect"] == 0).all()
    assert set(read_als_loci()["rsid"]) == set(cohort.causal_variants["id"])


def test_allele_frequencies_of_people_are_those_of_the_pool(pool):
    disease = disease_of(pool, heritability=0)
    people, *_ = recruits(pool, disease, 0, 2000)
    genotypes = genotyped(pool, disease, people)
    expected = pool.allele_frequency @ pool.weights
    # Stratified by population, so the variance is that within populations.
    within = (pool.allele_frequency * (1 - pool.allele_frequency)) @ pool.weights
    varies = within > 0
    z = (genotypes.dosage.mean(axis=0) / 2 - expected)[varies] / np.sqrt(within[varies] / 4000)
    assert np.mean(z**2) == pytest.approx(1, abs=0.4)
    assert np.abs(z).max() < 5


def test_linkage_disequilibrium_is_within_genes_only(pool):
    variant_gene = pool.variants["gene"].to_numpy()
    disease = disease_of(pool, heritability=0)
    people, *_ = recruits(pool, disease, 0, 800)
    genotypes = genotyped(pool, disease, people)
    one = np.flatnonzero(people.population == 0)  # within one population, or structure links genes
    dosage = genotypes.dosage[one]
    common = np.flatnonzero(dosage.std(axis=0) > 0.4)
    r2 = np.corrcoef(dosage[:, common].astype(float), rowvar=False) ** 2
    same = variant_gene[common][:, None] == variant_gene[common][None, :]
    off = ~np.eye(len(common), dtype=bool)
    assert r2[~same].mean() == pytest.approx(1 / (len(one) - 1), rel=0.25)
    assert r2[same & off].mean() > 20 * r2[~same].mean()


def test_populations_differ_as_humans_do(pool):
    """Hudson's F_ST of Africans and Europeans, about .15 in real people."""
    p, q = pool.allele_frequency[:, 0], pool.allele_frequency[:, 1]
    n = pool.size
    numerator = (p - q) ** 2 - p * (1 - p) / (n - 1) - q * (1 - q) / (n - 1)
    assert 0.08 < numerator.sum() / (p * (1 - q) + q * (1 - p)).sum() < 0.25
