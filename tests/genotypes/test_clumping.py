"""Clumping keeps the variants that PLINK 1.9 keeps."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from gds.errors import UserError
from gds.genotypes.clumping import clump
from gds.genotypes.ld import squared_correlation
from gds.genotypes.write import write_genotypes
from tests.genotypes.gwas_cohort import GWAS, gwas_cohort


def neg_log10_p() -> np.ndarray:
    return -np.log10(pd.read_csv(GWAS / "x.assoc", sep=r"\s+")["P"].to_numpy())


def leads(path) -> set[str]:
    return set(pd.read_csv(path, sep=r"\s+")["SNP"])


@pytest.mark.parametrize(("kilobases", "r2"), [(5, 0.2), (20, 0.1), (250, 0.05)])
def test_index_variants_are_those_of_plink(kilobases, r2):
    cohort = gwas_cohort()
    kept = clump(cohort, neg_log10_p(), r2=r2, kilobases=kilobases)
    assert set(cohort.variants["id"].iloc[kept]) == leads(GWAS / f"kb{kilobases}.clumped")


@pytest.mark.skipif(shutil.which("plink1.9") is None, reason="plink1.9 is not installed")
def test_index_variants_are_those_of_the_plink_installed_here(tmp_path):
    cohort = gwas_cohort()
    p = np.random.default_rng(8).random(len(cohort.variants)).round(6)
    write_genotypes(cohort, tmp_path / "x.bed")
    pd.DataFrame({"SNP": cohort.variants["id"], "P": p}).to_csv(tmp_path / "x.assoc", sep=" ", index=False)
    options = "--clump-p1 1 --clump-p2 1 --clump-r2 0.15 --clump-kb 30 --allow-no-sex --silent"
    command = ["plink1.9", "--bfile", "x", "--clump", "x.assoc", "--out", "x", *options.split(" ")]
    subprocess.run(command, cwd=tmp_path, check=True)
    kept = clump(cohort, -np.log10(p), r2=0.15, kilobases=30)
    assert set(cohort.variants["id"].iloc[kept]) == leads(tmp_path / "x.clumped")


def test_no_two_index_variants_are_linked_and_every_other_is_linked_to_a_better_one():
    cohort, score = gwas_cohort(), neg_log10_p()
    kept = clump(cohort, score, r2=0.1, kilobases=1000)
    r2 = squared_correlation(cohort.dosage)
    assert (r2[np.ix_(kept, kept)][~np.eye(len(kept), dtype=bool)] < 0.1).all()
    for other in np.setdiff1d(np.arange(len(score)), kept):
        assert (score[kept][r2[other, kept] >= 0.1] >= score[other]).any()


def test_a_stricter_threshold_keeps_a_prefix():
    """Clumping those that pass p is the same as keeping the index variants that pass p."""
    cohort, score = gwas_cohort(), neg_log10_p()
    kept = clump(cohort, score, r2=0.1, kilobases=100)
    passing = np.flatnonzero(score > 0.7)
    again = passing[clump(cohort, score[passing], r2=0.1, kilobases=100, variants=passing)]
    np.testing.assert_array_equal(again, kept[score[kept] > 0.7])


def test_bad_options_are_refused():
    cohort = gwas_cohort()
    with pytest.raises(UserError, match="0 < r2"):
        clump(cohort, neg_log10_p(), r2=0)
    with pytest.raises(UserError, match="a p-value for each of 80"):
        clump(cohort, neg_log10_p()[:3])
