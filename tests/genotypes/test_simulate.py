"""Simulated cohorts are what was asked for: tables, genes, files, options."""

import numpy as np
import pandas as pd
import pytest
from simulated_cohorts import TINY, tiny_cohort

from gds import cli
from gds.errors import UserError
from gds.files import read_json
from gds.genotypes.simulate import liability_effect, read_als_loci, simulate_cohort, write_cohort
from gds.genotypes.simulate.ascertainment import Ascertainment, ascertain
from gds.genotypes.simulate.layout import GAP, HG19_AUTOSOMES, lay_genes
from gds.genotypes.simulate.people import apportion


@pytest.fixture(scope="module")
def cohort():
    return tiny_cohort()


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
