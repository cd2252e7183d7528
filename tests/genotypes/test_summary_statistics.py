"""Association tables of GWAS-SSF, PLINK 2 and PLINK 1.9: the effects they give, what is left out, what is refused."""

import gzip

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from gds.errors import UserError
from gds.genotypes.genome_builds import build_name
from gds.genotypes.summary_columns import p_from_z, z_from_p
from gds.genotypes.summary_statistics import read_summary_statistics
from tests.genotypes.gwas_cohort import GWAS

SSF = pd.DataFrame(
    {
        "chromosome": ["1", "1", "2", "23"],
        "base_pair_location": [1000, 2000, 3000, 4000],
        "effect_allele": ["A", "c", "TG", "A"],
        "other_allele": ["G", "T", "T", "C"],
        "beta": [0.2, -0.1, 0.3, 0.05],
        "standard_error": [0.05, 0.04, 0.1, 0.05],
        "effect_allele_frequency": [0.3, 0.6, 0.2, 0.5],
        "p_value": 2 * norm.sf(np.abs([4.0, 2.5, 3.0, 1.0])),
        "rsid": ["rs1", "rs2", "#NA", "rs4"],
    }
)


def written(table: pd.DataFrame, folder, name: str = "gwas.tsv"):
    table.to_csv(folder / name, sep="\t", index=False)
    return folder / name


def test_gwas_ssf(tmp_path):
    found = read_summary_statistics(written(SSF, tmp_path))
    assert found.variants["chromosome"].tolist() == ["1", "1", "2", "X"]
    assert found.variants["effect_allele"].tolist() == ["A", "C", "TG", "A"]
    assert found.variants["id"].tolist() == ["rs1", "rs2", ".", "rs4"]
    np.testing.assert_allclose(found.z, [4, -2.5, 3, 1])
    np.testing.assert_allclose(found.neg_log10_p, -np.log10(SSF["p_value"]))
    assert found.genome_build is None
    assert np.isnan(found.n).all()
    assert found.report.lines() == [
        "gwas.tsv (GWAS-SSF): 4 of 4 rows; effects as given (for a disease: log odds); sample size not stated"
    ]


def test_metadata_beside_the_table_gives_build_and_sample_size(tmp_path):
    path = tmp_path / "gwas.tsv.gz"
    path.write_bytes(gzip.compress(SSF.to_csv(sep="\t", index=False).encode()))
    (tmp_path / "gwas.tsv.gz-meta.yaml").write_text(
        "genome_assembly: GRCh38\ncoordinate_system: 0-based\nsamples:\n"
        "  - {sample_size: 400, case_count: 100, control_count: 300}\n"
        "  - {sample_size: 200, case_count: 50, control_count: 150}\n"
    )
    found = read_summary_statistics(path)
    assert found.genome_build == "hg38"
    np.testing.assert_allclose(found.n, 4 / (1 / 150 + 1 / 450))
    assert found.variants["position"].tolist() == [1001, 2001, 3001, 4001]
    with pytest.raises(UserError, match="on hg38, but hg19 was given"):
        read_summary_statistics(path, genome_build="GRCh37")
    assert read_summary_statistics(path, n=77).n.tolist() == [77] * 4


def test_logarithms_of_p_values_below_what_a_float_holds(tmp_path):
    table = SSF.drop(columns=["p_value", "standard_error"]).assign(neg_log_10_p_value=[500.0, 1.3, 0.0, 20.0])
    found = read_summary_statistics(written(table, tmp_path))
    assert found.neg_log10_p[0] == 500
    np.testing.assert_allclose(p_from_z(found.z), [500, 1.3, 0, 20], atol=1e-9)
    np.testing.assert_allclose(np.sign(found.z), [1, -1, 0, 1])
    np.testing.assert_allclose(found.effect[[0, 1, 3]], (found.standard_error * found.z)[[0, 1, 3]])


def test_a_p_value_of_zero_is_read_from_effect_and_error(tmp_path):
    table = SSF.assign(p_value=[0.0, *SSF["p_value"][1:]], beta=[4.0, -0.1, 0.3, 0.05])
    found = read_summary_statistics(written(table, tmp_path))
    assert found.z[0] == pytest.approx(80)
    assert found.neg_log10_p[0] == pytest.approx(float(p_from_z(np.array(80.0))))


@pytest.mark.parametrize("of_ratio", [False, True])
def test_ratios_become_log_odds_whichever_scale_their_error_has(tmp_path, of_ratio):
    ratio = np.exp(10 * SSF["beta"])
    error = 10 * SSF["standard_error"] * (ratio if of_ratio else 1)
    table = SSF.drop(columns="beta").assign(odds_ratio=ratio, standard_error=error)
    found = read_summary_statistics(written(table, tmp_path))
    np.testing.assert_allclose(found.effect, 10 * SSF["beta"])
    np.testing.assert_allclose(found.standard_error, 10 * SSF["standard_error"])


def test_z_scores_alone_are_enough(tmp_path):
    table = SSF.drop(columns=["beta", "standard_error"]).assign(**{"z-score": [4, -2.5, 3, 1]})
    found = read_summary_statistics(written(table, tmp_path))
    np.testing.assert_allclose(found.z, [4, -2.5, 3, 1])
    assert np.isnan(found.effect).all()


def test_plink_tables_say_what_plink_says():
    glm = pd.read_csv(GWAS / "x.glm", sep="\t")
    found = read_summary_statistics(GWAS / "x.glm")
    np.testing.assert_allclose(found.z, glm["Z_STAT"])
    np.testing.assert_allclose(found.effect, np.log(glm["OR"]))
    np.testing.assert_allclose(found.n, 4 / (2 / glm["CASE_ALLELE_CT"] + 2 / glm["CTRL_ALLELE_CT"]))
    assert (found.variants["effect_allele"] == glm["A1"]).all()
    assert (found.variants["other_allele"] == np.where(glm["A1"] == glm["ALT"], glm["REF"], glm["ALT"])).all()
    assert set(glm["A1"]) == {"A", "G"}
    assoc = pd.read_csv(GWAS / "x.assoc", sep=r"\s+")
    found = read_summary_statistics(GWAS / "x.assoc")
    np.testing.assert_allclose(found.z, np.log(assoc["OR"]) / assoc["SE"])
    np.testing.assert_array_equal(found.variants["other_allele"], assoc["A2"])


def test_rows_that_cannot_be_used_are_counted(tmp_path):
    odd = pd.concat(
        [SSF, SSF.iloc[[0]].assign(beta=9.0, standard_error=9.0, p_value=0.317)], ignore_index=True
    )
    odd.loc[1, "other_allele"] = "<DEL>"
    odd.loc[2, "standard_error"] = np.nan
    odd.loc[2, "p_value"] = np.nan
    odd.loc[3, "base_pair_location"] = np.nan
    report = read_summary_statistics(written(odd, tmp_path)).report
    assert (report.rows, report.kept) == (5, 1)
    assert report.left_out == {
        "without a position": 1,
        "alleles that are no two sequences": 1,
        "an effect or its error is missing or no number": 1,
        "a variant that stands above already": 1,
    }
    assert "  1 left out: alleles that are no two sequences" in report.lines()


def test_other_tests_than_the_additive_one_are_left_out(tmp_path):
    glm = pd.read_csv(GWAS / "x.glm", sep="\t")
    both = pd.concat([glm, glm.assign(TEST="AGE", OR=5.0)])
    found = read_summary_statistics(written(both, tmp_path))
    assert found.report.left_out["not the additive test"] == len(glm)
    assert len(found.z) == len(glm)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (SSF.drop(columns="other_allele"), r"no column other_allele; found chromosome, base_pair_location"),
        (SSF.drop(columns="beta"), "no column beta or odds_ratio or hazard_ratio or z-score"),
        (SSF.drop(columns=["standard_error", "p_value"]), "no column standard_error or p_value"),
        (SSF.rename(columns={"base_pair_location": "B", "effect_allele": "E"}), "no table of summary statistics"),
        (SSF.assign(standard_error=SSF["standard_error"] * 3), "0.33 times what the p-values say"),
        (SSF.assign(effect_allele="N"), "none of its 4 rows can be used"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_what_was_found(tmp_path, table, message):
    with pytest.raises(UserError, match=message):
        read_summary_statistics(written(table, tmp_path))


def test_plink_1_tables_without_the_other_allele_say_what_to_do(tmp_path):
    path = tmp_path / "x.assoc.logistic"
    path.write_text(" CHR SNP BP A1 TEST NMISS OR STAT P\n 1 v1 1000 G ADD 90 1.2 1.5 0.13\n")
    with pytest.raises(
        UserError, match=r"no column A2: --logistic and --linear leave A2 out; add it from the .bim"
    ):
        read_summary_statistics(path)
    with pytest.raises(UserError, match="no summary statistics at"):
        read_summary_statistics(tmp_path / "absent.tsv")


def test_deviates_and_p_values_are_each_others_inverse():
    z = np.array([0.0, 0.5, 3.0, 38.0, 200.0])
    np.testing.assert_allclose(z_from_p(p_from_z(z)), z, atol=1e-9)
    np.testing.assert_allclose(p_from_z(z[:3]), -np.log10(2 * norm.sf(z[:3])), rtol=1e-9)
    assert build_name("GRCh37") == build_name("hg19") == build_name("b37") == "hg19"
    assert (build_name("GRCh38.p14"), build_name("mm10"), build_name(None)) == ("hg38", "mm10", None)
