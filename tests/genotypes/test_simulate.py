"""Simulated cohorts are what was asked for: exact where theory is exact, wide bounds where it is chance."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, rankdata

from gds import cli
from gds.errors import UserError
from gds.files import read_json
from gds.genotypes.simulate import liability_effect, read_als_loci, simulate_cohort, write_cohort
from gds.genotypes.simulate.ascertainment import Ascertainment, ascertain
from gds.genotypes.simulate.covariates import batch_shares, draw_batches
from gds.genotypes.simulate.demography import simulate_pool
from gds.genotypes.simulate.disease import design_disease
from gds.genotypes.simulate.genotyping import genotype, miscall
from gds.genotypes.simulate.layout import GAP, HG19_AUTOSOMES, lay_genes
from gds.genotypes.simulate.people import apportion, recruit

TINY = {"n_genes": 18, "pool_size": 100, "n_causal": 60, "prevalence": 0.1, "heritability": 0.4}


@pytest.fixture(scope="module")
def cohort():
    return simulate_cohort(60, 120, **TINY, seed=3, phased=True)


@pytest.fixture(scope="module")
def pool():
    loci = read_als_loci()
    return simulate_pool(
        lay_genes(20, 20_000, loci, np.random.default_rng(0)),
        loci,
        demography="OutOfAfrica_3G09",
        populations={"CEU": 0.5, "YRI": 0.3, "CHB": 0.2},
        size=200,
        ascertainment=Ascertainment("array", 0.01, 20),
        seed=1,
    )


def disease_of(pool, **changes):
    options = {
        "heritability": 0.3,
        "prevalence": 0.05,
        "n_causal": 100,
        "alpha": -0.38,
        "threshold": "within",
    }
    return design_disease(pool, read_als_loci(), **(options | changes), rng=np.random.default_rng(5))


def recruits(pool, disease, n_cases, n_controls, **changes):
    options = {"n_pairs": 0, "relation": "sibling", "seed": 2}
    return recruit(disease, pool.weights, n_cases=n_cases, n_controls=n_controls, **(options | changes))


def genotyped(pool, disease, people):
    samples = pd.DataFrame(
        {"id": [f"P{row}" for row in range(len(people))], "family": "", "sex": np.zeros(len(people), np.int8)}
    )
    return genotype(
        pool, disease, people, samples, np.full(len(people), "A"),
        relation="sibling", artefact_fraction=0, missing_rate=0, phased=False, seed=2,
    )  # fmt: skip


def test_the_same_seed_gives_the_same_cohort_bit_by_bit_and_another_one_another(cohort):
    again = simulate_cohort(60, 120, **TINY, seed=3, phased=True)
    np.testing.assert_array_equal(again.genotypes.dosage, cohort.genotypes.dosage)
    np.testing.assert_array_equal(again.genotypes.haplotypes, cohort.genotypes.haplotypes)
    pd.testing.assert_frame_equal(again.genotypes.variants, cohort.genotypes.variants, check_exact=True)
    pd.testing.assert_frame_equal(again.phenotypes, cohort.phenotypes, check_exact=True)
    pd.testing.assert_frame_equal(again.truth, cohort.truth, check_exact=True)
    other = simulate_cohort(60, 120, **TINY, seed=4)
    assert not other.genotypes.variants.equals(cohort.genotypes.variants)


def test_more_people_do_not_change_the_genes(cohort):
    more = simulate_cohort(70, 140, **TINY, seed=3)
    pd.testing.assert_frame_equal(more.genotypes.variants, cohort.genotypes.variants)
    pd.testing.assert_frame_equal(more.causal_variants, cohort.causal_variants)


def test_tables_hold_what_was_asked_for(cohort):
    table, samples, variants = cohort.phenotypes, cohort.genotypes.samples, cohort.genotypes.variants
    assert table.columns.tolist() == ["ALS", "population", "sex", "age", "batch", "plate"]
    assert table["ALS"].value_counts().to_dict() == {0: 120, 1: 60}
    # With the threshold within ancestry, cases and controls have exactly the populations asked for.
    assert pd.crosstab(table["ALS"], table["population"]).loc[1].to_dict() == {
        "CEU": 36,
        "CHB": 12,
        "YRI": 12,
    }
    assert pd.crosstab(table["ALS"], table["population"]).loc[0].to_dict() == {
        "CEU": 72,
        "CHB": 24,
        "YRI": 24,
    }
    assert samples["id"].tolist() == table.index.tolist() == cohort.truth.index.tolist()
    assert samples["id"].is_unique
    assert set(table["sex"]) == {1, 2}
    assert (samples["sex"].to_numpy() == table["sex"].to_numpy()).all()
    assert cohort.genotypes.dosage.shape == (180, len(variants))
    assert cohort.genotypes.dosage.dtype == np.int8
    assert set(np.unique(cohort.genotypes.dosage)) <= {-1, 0, 1, 2}
    assert not variants.duplicated(["chromosome", "position"]).any()
    assert variants["id"].is_unique
    assert (variants["effect_allele"] != variants["other_allele"]).all()


def test_variants_lie_in_their_genes_in_genomic_order(cohort):
    variants = cohort.genotypes.variants
    order = variants.assign(chromosome=variants["chromosome"].astype(int))[["chromosome", "position"]]
    pd.testing.assert_frame_equal(order, order.sort_values(["chromosome", "position"]))
    inside = np.zeros(len(variants), bool)
    for gene in cohort.genes.itertuples():
        here = (variants["chromosome"] == gene.chromosome) & variants["position"].between(
            gene.start, gene.end
        )
        assert here.any()
        inside |= here.to_numpy()
    assert inside.all()


def test_genes_do_not_overlap_and_fit_their_chromosomes():
    genes = lay_genes(3000, 30_000, read_als_loci(), np.random.default_rng(0))
    assert len(genes) == 3000
    assert genes["name"].is_unique
    assert set(read_als_loci()["gene"]) <= set(genes["name"])
    for chromosome, here in genes.groupby("chromosome"):
        assert here["end"].max() <= HG19_AUTOSOMES[chromosome]
        gaps = here["start"].to_numpy()[1:] - here["end"].to_numpy()[:-1]
        assert (gaps > GAP).all()


def test_haplotypes_add_up_to_dosages(cohort):
    haplotypes = cohort.genotypes.haplotypes
    missing = cohort.genotypes.dosage < 0
    assert (haplotypes[missing] == -1).all()
    np.testing.assert_array_equal(haplotypes.sum(axis=2)[~missing], cohort.genotypes.dosage[~missing])


def test_als_loci_have_their_published_place_alleles_and_direction(cohort):
    loci = read_als_loci().set_index("rsid")
    variants = cohort.genotypes.variants.set_index("id").loc[loci.index]
    causal = cohort.causal_variants.set_index("id").loc[loci.index]
    for column in ("chromosome", "position", "effect_allele", "other_allele"):
        assert variants[column].tolist() == loci[column].tolist()
    assert (np.sign(causal["liability_effect"]) == np.sign(loci["beta"])).all()
    np.testing.assert_allclose(causal["liability_effect"], liability_effect(loci["beta"], 0.1))
    np.testing.assert_array_equal(causal["log_odds_ratio"], loci["beta"])
    effect_is_minor = loci["effect_allele"] == loci["minor_allele"]
    assert ((causal["effect_allele_frequency"] < 0.5) == effect_is_minor).all()


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


def test_missing_calls_come_at_their_rate(cohort):
    clean = simulate_cohort(60, 120, **TINY, seed=3, artefact_fraction=0, missing_rate=0)
    assert (clean.genotypes.dosage >= 0).all()
    spoilt = simulate_cohort(60, 120, **TINY, seed=3, artefact_fraction=0, missing_rate=0.02)
    missing = spoilt.genotypes.dosage < 0
    assert missing.mean() == pytest.approx(0.02, abs=0.003)
    np.testing.assert_array_equal(spoilt.genotypes.dosage[~missing], clean.genotypes.dosage[~missing])


def test_ascertainment_keeps_common_variants_and_the_required_one():
    frequency = np.concatenate([np.full(500, 0.012), np.full(500, 0.4), [0.0001]])
    rng = np.random.default_rng(0)
    every = ascertain(frequency, 1000, Ascertainment("sequence", 0.01, 30), rng)
    np.testing.assert_array_equal(every, np.arange(1001))
    some = ascertain(frequency, 1000, Ascertainment("array", 0.01, 100), rng)
    assert 1000 in some
    assert (np.diff(some) > 0).all()
    assert (some >= 500).mean() > 0.85  # 20 to 1 by heterozygosity
    assert not len(ascertain(np.array([0.001]), -1, Ascertainment("array", 0.01, 100), rng))


def test_apportion_is_exact():
    assert apportion(10, np.array([1, 1, 1])).tolist() == [4, 3, 3]
    assert apportion(3, np.array([0.6, 0.2, 0.2])).tolist() == [2, 1, 0]
    assert apportion(0, np.array([0.5, 0.5])).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prevalence": 0.0}, "prevalence"),
        ({"prevalence": 1.0}, "prevalence"),
        ({"heritability": -0.1}, "heritability"),
        ({"heritability": 1.1}, "heritability"),
        ({"heritability": 0.001, "prevalence": 1 / 350}, "published ALS loci explain"),
        ({"n_cases": -1}, "n_cases"),
        ({"n_cases": 0, "n_controls": 0}, "n_cases"),
        ({"n_genes": 5}, "n_genes"),
        ({"n_causal": 15}, "n_causal"),
        ({"n_causal": 100_000}, "hold only"),
        ({"n_cases": 100_000, "prevalence": 1e-6}, "screening about"),
        ({"demography": "OutOfAfrica"}, "did you mean"),
        ({"populations": {"CEV": 1}}, "did you mean 'CEU'"),
        ({"populations": {"CEU": -1}}, "positive share"),
        ({"pool_size": 1}, "pool_size"),
        ({"threshold": "inside"}, "threshold"),
        ({"relation": "cousin"}, "relation"),
        ({"ascertainment": "chip"}, "ascertainment"),
        ({"n_related_pairs": 25}, "related pairs"),
        ({"batch_confounding": "all"}, "batch_confounding"),
        ({"batch_confounding": "published", "n_controls": 5}, "controls"),
        ({"batch_confounding": {"A": (0.5, 1.0)}}, "cases to sum to 1"),
        ({"min_maf": 0.49999, "als_loci": False, "gene_length": 3000}, "minor allele frequency"),
        ({"seed": -1}, "seed"),
    ],
)
def test_impossible_options_are_explained(changes, message):
    with pytest.raises(UserError, match=message):
        simulate_cohort(**({"n_cases": 20, "n_controls": 20, "seed": 0} | TINY | changes))


def test_without_loci_and_in_another_demography():
    cohort = simulate_cohort(
        5, 10, n_genes=3, als_loci=False, demography="AmericanAdmixture_4B18", pool_size=50, n_causal=10,
        prevalence=0.2, seed=0,
    )  # fmt: skip
    assert cohort.genes["name"].tolist() == ["GENE00001", "GENE00002", "GENE00003"]
    assert set(cohort.phenotypes["population"]) <= {"AFR", "EUR", "ASIA", "ADMIX"}
    assert cohort.parameters["population_shares"] == dict.fromkeys(["AFR", "EUR", "ASIA", "ADMIX"], 0.25)


@pytest.mark.parametrize("file_format", ["bed", "pgen"])
def test_the_folder_is_whole_and_reads_back(cohort, tmp_path, file_format):
    from gds.genotypes import read_genotypes

    folder = tmp_path / "cohort"
    write_cohort(cohort, folder, file_format)
    back = read_genotypes(str(folder / f"cohort.{file_format}"))
    np.testing.assert_array_equal(back.dosage, cohort.genotypes.dosage)
    assert back.variants["id"].tolist() == cohort.genotypes.variants["id"].tolist()
    assert back.variants["effect_allele"].tolist() == cohort.genotypes.variants["effect_allele"].tolist()
    assert back.samples["id"].tolist() == cohort.phenotypes.index.tolist()
    phenotypes = pd.read_csv(folder / "phenotypes.tsv", sep="\t", index_col="id")
    assert phenotypes.columns.tolist() == cohort.phenotypes.columns.tolist()
    genes = pd.read_csv(folder / "genes.tsv", sep="\t", header=None, dtype={0: str})
    assert genes.to_numpy().tolist() == cohort.genes.to_numpy().tolist()
    truth = pd.read_csv(folder / "truth.tsv", sep="\t", index_col="id")
    np.testing.assert_allclose(truth["liability"], cohort.truth["liability"], rtol=1e-15)
    record = read_json(folder / "run.json")
    assert record["seed"] == 3
    assert record["parameters"]["heritability"] == 0.4
    assert len(record["causal_variants"]) == 60
    assert record["causal_variants"][0].keys() >= {"id", "gene", "liability_effect", "log_odds_ratio"}


def test_the_command_simulates_and_tells_a_users_error(tmp_path, capsys):
    batches = tmp_path / "batches.tsv"
    batches.write_text("batch\tcases\tcontrols\nX\t1\t0.5\nY\t0\t0.5\n")
    out = tmp_path / "cohort"
    small = [
        "--n-genes",
        "16",
        "--pool-size",
        "50",
        "--n-causal",
        "20",
        "--n-cases",
        "10",
        "--n-controls",
        "20",
    ]
    arguments = [*small, "--prevalence", "1/20", "--heritability", "0.5", "--populations", "CEU=3", "YRI=1"]
    assert cli.main(["simulate", "--out", str(out), *arguments, "--batch-confounding", str(batches)]) == 0
    assert "10 cases, 20 controls" in capsys.readouterr().out
    table = pd.read_csv(out / "phenotypes.tsv", sep="\t")
    assert pd.crosstab(table["batch"], table["ALS"]).to_numpy().tolist() == [[10, 10], [10, 0]]
    assert read_json(out / "run.json")["parameters"]["prevalence"] == 0.05
    assert cli.main(["simulate", "--out", str(tmp_path / "none"), *small, "--heritability", "2"]) == 2
    assert "heritability" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
