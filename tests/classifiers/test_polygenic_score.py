"""Scores with published weights against plink2 --score; what labels choose; the folder that a score is saved as."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from gds.classifiers.polygenic.polygenic_score import PolygenicScore
from gds.classifiers.polygenic.score_file import LinearScore, is_linear_score
from gds.errors import UserError
from gds.genotypes.counts import allele_frequencies, count_genotypes
from gds.genotypes.write import write_genotypes
from tests.genotypes.gwas_cohort import GWAS, gwas_cohort

WEIGHTS = pd.read_csv(GWAS / "weights.txt", sep="\t", header=None)[2].to_numpy()
CASE = np.array([int(c) - 1 for c in (GWAS / "phenotype.txt").read_text().strip()])


def test_scores_are_those_of_plink2():
    """Missing dosages at the mean of everyone, as ``plink2 --score`` fills them."""
    cohort = gwas_cohort()
    model = PolygenicScore(WEIGHTS[:, None], ["published"]).fit(cohort.dosage, CASE)
    plink = pd.read_csv(GWAS / "x.sscore", sep="\t")["SCORE1_SUM"]
    np.testing.assert_allclose(
        model.score(cohort.dosage, WEIGHTS[:, None])[:, 0], plink, rtol=2e-5, atol=1e-4
    )


@pytest.mark.skipif(shutil.which("plink2") is None, reason="plink2 is not installed")
def test_a_saved_score_is_a_file_that_plink2_scores_alike(tmp_path):
    cohort = gwas_cohort()
    frequency = allele_frequencies(count_genotypes(cohort.dosage))
    weight = np.where(np.arange(80) % 3 == 0, 0, WEIGHTS)
    score = LinearScore(cohort.variants, frequency, weight, 0.1, 0.5, ["control", "case"])
    score.save_pretrained(tmp_path, genome_build="hg19", method="PRS")
    write_genotypes(cohort, tmp_path / "x.bed")
    rows = [line for line in (tmp_path / "polygenic_score.txt").read_text().splitlines() if line[0] != "#"]
    (tmp_path / "score.txt").write_text("\n".join(rows) + "\n")
    subprocess.run(
        ["plink2", "--bfile", "x", "--score", "score.txt", "1", "4", "6", "header", "cols=+scoresums", "--out", "x",
         "--silent"], cwd=tmp_path, check=True,
    )  # fmt: skip
    plink = pd.read_csv(tmp_path / "x.sscore", sep="\t")["SCORE1_SUM"]
    people = np.arange(len(cohort.samples))
    np.testing.assert_allclose(score.transform(cohort, people)[:, 0, 0], plink, rtol=2e-5, atol=1e-4)


def test_a_score_survives_being_saved(tmp_path):
    cohort = gwas_cohort()
    frequency = allele_frequencies(count_genotypes(cohort.dosage))
    model = PolygenicScore(np.stack([WEIGHTS, -WEIGHTS], axis=1), ["a", "b"]).fit(cohort.dosage, CASE)
    score = LinearScore(
        cohort.variants, frequency, model.weight_, model.intercept_, model.slope_, ["control", "case"]
    )
    score.save_pretrained(tmp_path, genome_build="hg19", method="PRS")
    assert is_linear_score(tmp_path)
    again = LinearScore.from_pretrained(tmp_path)
    features = again.transform(cohort, np.arange(90))
    assert features.shape == (90, 1, 1)
    np.testing.assert_allclose(
        again.class_probabilities(features), model.predict_proba(cohort.dosage), rtol=1e-12
    )
    assert "#genome_build=GRCh37" in (tmp_path / "polygenic_score.txt").read_text()
    pd.testing.assert_frame_equal(again.variants_, cohort.variants, check_dtype=False)
    with (tmp_path / "polygenic_score.txt").open("a") as file:
        file.write("v99\t7\t5\tG\tA\tnan\t0.5\n")
    with pytest.raises(UserError, match="no number: copy it again"):
        LinearScore.from_pretrained(tmp_path)
    (tmp_path / "polygenic_score.txt").write_text("rsID\n")
    with pytest.raises(UserError, match="no polygenic score that can be read"):
        LinearScore.from_pretrained(tmp_path)
    (tmp_path / "polygenic_score.txt").unlink()
    with pytest.raises(UserError, match="does not exist"):
        LinearScore.from_pretrained(tmp_path)


def test_labels_choose_the_candidate_that_predicts():
    rng = np.random.default_rng(0)
    dosage = rng.binomial(2, 0.4, (300, 40)).astype(np.int8)
    effects = rng.normal(size=40)
    y = (dosage @ effects + rng.normal(size=300) > 0.8 * effects.sum()).astype(int)
    candidates = np.stack([rng.normal(size=40), effects, rng.normal(size=40)], axis=1)
    model = PolygenicScore(candidates, ["noise", "truth", "more noise"]).fit(dosage[:80], y[:80])
    assert model.chosen_ == "truth"
    assert roc_auc_score(y[80:], model.predict_proba(dosage[80:])[:, 1]) > 0.9


def test_a_score_that_points_the_wrong_way_keeps_its_sign():
    """Published effects have a sign: a few labels that say otherwise must not turn people round."""
    cohort = gwas_cohort()
    model = PolygenicScore(WEIGHTS[:, None], ["published"])
    raw = model.fit(cohort.dosage, CASE).score(cohort.dosage, WEIGHTS[:, None])[:, 0]
    for y in (CASE, 1 - CASE):
        positive = model.fit(cohort.dosage, y).predict_proba(cohort.dosage)[:, 1]
        np.testing.assert_array_equal(np.argsort(positive, kind="stable"), np.argsort(raw, kind="stable"))


def test_a_class_of_one_uses_the_first_candidate():
    cohort = gwas_cohort()
    y = np.r_[1, np.zeros(19, dtype=int)]
    model = PolygenicScore(np.stack([WEIGHTS, -WEIGHTS], axis=1), ["default", "other"]).fit(
        cohort.dosage[:20], y
    )
    assert model.chosen_ == "default"
    with pytest.raises(UserError, match="expected two classes, found 3"):
        PolygenicScore(WEIGHTS[:, None], ["a"]).fit(cohort.dosage, np.arange(90) % 3)
