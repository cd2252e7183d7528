"""Published effects on a cohort that counts other alleles, has other strands, other builds and lacks variants."""

import numpy as np
import pandas as pd
import pytest

from gds.errors import UserError
from gds.genotypes.effect_alignment import align_effects
from gds.genotypes.matrix import Genotypes
from gds.genotypes.simulate.als_loci import read_als_loci
from gds.genotypes.summary_statistics import read_summary_statistics


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The 15 ALS loci as a GWAS-SSF table, with a frequency of .3 for every effect allele."""
    loci = read_als_loci()
    table = pd.DataFrame(
        {
            "chromosome": loci["chromosome"],
            "base_pair_location": loci["position"],
            "effect_allele": loci["effect_allele"],
            "other_allele": loci["other_allele"],
            "beta": loci["beta"],
            "standard_error": loci["standard_error"],
            "effect_allele_frequency": 0.3,
            "p_value": loci["p_value"],
            "rsid": loci["rsid"],
            "n": loci["n_effective"],
        }
    )
    folder = tmp_path_factory.mktemp("gwas")
    table.to_csv(folder / "als.tsv", sep="\t", index=False)
    (folder / "als.tsv-meta.yaml").write_text("genome_assembly: GRCh37\n")
    return folder / "als.tsv"


def cohort_of_loci(n: int = 200) -> Genotypes:
    loci = read_als_loci()
    rng = np.random.default_rng(0)
    variants = loci[["chromosome", "position", "effect_allele", "other_allele"]].assign(id=loci["rsid"])
    dosage = rng.binomial(2, 0.3, (n, len(loci))).astype(np.int8)
    samples = pd.DataFrame({"id": [f"P{i}" for i in range(n)], "family": "", "sex": 0})
    return Genotypes(dosage, samples, variants, genome_build="hg19")


def test_the_als_loci_as_they_are(published):
    effects = align_effects(read_summary_statistics(published), cohort_of_loci(), genome_build="hg19")
    loci = read_als_loci()
    np.testing.assert_array_equal(effects.columns, np.arange(15))
    np.testing.assert_allclose(effects.effect, loci["beta"])
    np.testing.assert_allclose(effects.n, loci["n_effective"])
    # 13 loci are no proof that no strand was flipped: the A/T and C/G ones are decided by their frequency.
    assert (effects.counts["same"], effects.counts["palindromic_by_frequency"]) == (12, 3)
    assert effects.lines()[0] == (
        "15 of the 15 variants of the cohort have a published effect, found by position (15 published)"
    )


def test_swapped_flipped_palindromic_absent_and_constant_loci(published):
    cohort = cohort_of_loci()
    variants, dosage = cohort.variants.copy(), cohort.dosage.copy()
    complement = str.maketrans("ACGT", "TGCA")
    palindromic = variants["id"].isin(["rs10280711", "rs4075094", "rs17785991"]).to_numpy()
    plain = np.flatnonzero(~palindromic)
    swapped, flipped, absent, constant = plain[:4], plain[3:7], plain[7], plain[8]
    other_strand, doubtful = np.flatnonzero(palindromic)[:2]
    variants.loc[swapped, ["effect_allele", "other_allele"]] = variants.loc[
        swapped, ["other_allele", "effect_allele"]
    ].to_numpy()
    dosage[:, swapped] = 2 - dosage[:, swapped]
    for column in ("effect_allele", "other_allele"):
        for row in flipped:
            variants.loc[row, column] = variants.loc[row, column].translate(complement)
    # On the other strand a palindromic variant looks swapped: the same label, the other allele's frequency.
    dosage[:, other_strand] = 2 - dosage[:, other_strand]
    dosage[:, doubtful] = np.random.default_rng(1).binomial(2, 0.5, len(dosage))
    dosage[:, constant] = 0
    keep = np.delete(np.arange(15), absent)
    changed = Genotypes(dosage, cohort.samples, variants, "hg19").subset(variants=keep)
    effects = align_effects(read_summary_statistics(published), changed, genome_build="hg19")
    expected = read_als_loci()["beta"].to_numpy().copy()
    expected[swapped] *= -1
    expected[other_strand] *= -1
    left = np.setdiff1d(np.arange(15), [absent, constant, doubtful])
    np.testing.assert_allclose(effects.effect, expected[left])
    np.testing.assert_array_equal(keep[effects.columns], left)
    counts = effects.counts
    assert (counts["swapped"], counts["flipped"], counts["flipped_and_swapped"]) == (3, 3, 1)
    assert (counts["palindromic_by_frequency"], counts["palindromic_dropped"]) == (2, 1)
    assert (counts["constant"], counts["found"]) == (1, 12)


def test_another_build_is_matched_by_rs_number(published):
    cohort = cohort_of_loci()
    cohort.variants["position"] += 100_000
    statistics = read_summary_statistics(published)
    effects = align_effects(statistics, cohort, genome_build="GRCh38")
    assert effects.counts["matched_by"] == "id"
    assert len(effects.columns) == 15
    with pytest.raises(UserError, match="by id 15 are: is the genome build another one"):
        align_effects(statistics, cohort)
    with pytest.raises(UserError, match="on hg19 and the cohort on hg38"):
        align_effects(statistics, cohort, genome_build="hg38", match_by="position")


def test_of_two_effects_on_one_variant_the_first_is_used(published, tmp_path):
    table = pd.read_csv(published, sep="\t")
    both = pd.concat([table, table.assign(effect_allele="G", other_allele="A", rsid="again").iloc[[1]]])
    both.iloc[-1, both.columns.get_loc("base_pair_location")] = table["base_pair_location"][1]
    both.to_csv(tmp_path / "both.tsv", sep="\t", index=False)
    statistics = read_summary_statistics(tmp_path / "both.tsv")
    assert statistics.report.left_out["a variant that stands above already"] == 1
    assert len(align_effects(statistics, cohort_of_loci()).columns) == 15


def test_frequencies_of_another_population_are_counted(published):
    cohort = cohort_of_loci()
    cohort.dosage[:, :2] = 2 - cohort.dosage[:, :2]
    effects = align_effects(read_summary_statistics(published), cohort)
    assert effects.counts["frequency_differs"] == 2
    assert "  2 kept, though frequencies differ by more than 0.2" in effects.lines()


def test_nothing_in_common_is_an_error(published):
    cohort = cohort_of_loci()
    cohort.variants["position"] += 7
    cohort.variants["id"] = "."
    with pytest.raises(UserError, match="is among the 15 of the cohort by position, nor by id"):
        align_effects(read_summary_statistics(published), cohort)


def test_the_published_table_of_loci(shared_data):
    """The table as published: positions under another name, and then as GWAS-SSF wants them."""
    table = pd.read_csv(shared_data / "als" / "als_loci.tsv", sep="\t", dtype={"chromosome": str})
    loci = read_als_loci()
    for ours, theirs in (
        ("rsid", "rsid"),
        ("position", "position_hg19"),
        ("beta", "beta"),
        ("p_value", "p_value"),
    ):
        np.testing.assert_array_equal(loci[ours], table[theirs])
