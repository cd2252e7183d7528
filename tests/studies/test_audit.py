"""The audit on small made-up people: exact identities, and each verdict from its cause."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from gds.cli import main
from gds.evaluation.auroc import stratified_auroc
from gds.studies.audit import AuditCohort, AuditOptions, audit_cohort
from gds.studies.audit.held_out import fold_blocks, hat_of_columns, hat_of_kernel
from gds.studies.audit.matching import matched_rows
from tests.cohorts import write_tiny_cohort


def made_up(seed: int = 0, n: int = 400, m: int = 600):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    dosage = rng.binomial(2, rng.uniform(0.1, 0.9, m), (n, m)).astype(np.int8)
    table = pd.DataFrame(
        {"batch": rng.choice(["A", "B"], n), "sex": rng.integers(1, 3, n)}, index=[f"P{i}" for i in range(n)]
    )
    return labels, dosage, table


def test_stratified_auroc_is_that_of_pairs_within_strata():
    rng = np.random.default_rng(0)
    y, score, strata = rng.integers(0, 2, 60), rng.integers(0, 5, 60).astype(float), rng.integers(0, 3, 60)
    assert stratified_auroc(y, score).value == pytest.approx(roc_auc_score(y, score))
    won = pairs = 0.0
    for i in np.flatnonzero(y == 1):
        for j in np.flatnonzero((y == 0) & (strata == strata[i])):
            won, pairs = won + (score[i] > score[j]) + 0.5 * (score[i] == score[j]), pairs + 1
    assert stratified_auroc(y, score, strata).value == pytest.approx(won / pairs)


def test_held_out_scores_are_those_of_refitting():
    """Against ridge on the other people, refitted for each fold, in closed form."""
    rng = np.random.default_rng(1)
    x, y, folds = rng.normal(size=(40, 3)), rng.integers(0, 2, 40).astype(float), np.arange(40) % 4
    x = (x - x.mean(axis=0)) / np.sqrt(np.square(x - x.mean(axis=0)).sum() / 40)
    scores = hat_of_columns(x, 0.5).held_out(y, fold_blocks(folds))
    np.testing.assert_allclose(hat_of_kernel(x @ x.T, 0.5).held_out(y, fold_blocks(folds)), scores, atol=1e-6)
    for fold in range(4):
        a, b = folds != fold, folds == fold
        design = np.column_stack([np.ones(40), x])
        penalty = np.diag([1e-4, 1.0, 1.0, 1.0])
        beta = np.linalg.solve(design[a].T @ design[a] + penalty, design[a].T @ y[a])
        np.testing.assert_allclose(scores[b], design[b] @ beta, atol=1e-6)


def audited(labels, dosage, table, **further):
    cohort = AuditCohort("made up", labels, ["control", "case"], dosage, table, ["batch"], ["sex"], **further)
    return audit_cohort(cohort, AuditOptions(n_permutations=299))


def test_a_cohort_without_signal_is_clean():
    assert audited(*made_up(), prevalence=1 / 350, heritability=0.085).verdict.status == "clean"


def test_a_batch_that_holds_the_cases_is_named():
    labels, dosage, table = made_up()
    table["batch"] = np.where(labels == 1, "B", np.random.default_rng(1).choice(["A", "B"], len(labels)))
    verdict = audited(labels, dosage, table).verdict
    assert (verdict.status, verdict.causes[0]) == ("confounded", "batch")


def test_people_genotyped_twice_across_a_split_are_found():
    labels, dosage, table = made_up()
    dosage[300:] = dosage[:100]
    verdict = audited(labels, dosage, table, is_test=np.arange(400) >= 300).verdict
    assert verdict.status == "related"


def test_variants_chosen_by_everyones_labels_are_seen():
    labels, dosage, table = made_up(m=2000)
    chosen = np.zeros(2000, dtype=bool)
    difference = np.abs(dosage[labels == 1].mean(axis=0) - dosage[labels == 0].mean(axis=0))
    chosen[np.argsort(-difference)[:100]] = True
    assert audited(labels, dosage, table, is_selected=chosen).verdict.status == "selected"
    assert audited(labels, dosage[:, chosen], table).verdict.status == "selected"


def test_the_command_writes_metrics_and_a_page(tmp_path, capsys):
    bed, table = write_tiny_cohort(tmp_path, n_samples=160)
    arguments = ["--genotypes", str(bed), "--phenotypes", str(table), "--label-column", "status"]
    assert main(["audit", *arguments, "--out", str(tmp_path / "audit")]) == 0
    assert "Not for clinical use" in capsys.readouterr().out
    metrics = json.loads((tmp_path / "audit" / "metrics.json").read_text())
    assert metrics["status"][0] == "confounded"
    assert "ancestry" in metrics["causes"][0]
    assert "Not for clinical use" in (tmp_path / "audit" / "report.html").read_text()


def test_matching_leaves_one_proportion_in_every_stratum():
    labels = np.repeat([1, 0, 1, 0, 1], [10, 20, 10, 40, 7])
    strata = np.repeat(["a", "a", "b", "b", "only cases"], [10, 20, 10, 40, 7])
    rows = matched_rows(labels, strata)
    counts = pd.crosstab(strata[rows], labels[rows])
    assert (counts[0] == 4 * counts[1]).all()
    assert list(counts.index) == ["a", "b"]
    assert counts.to_numpy().sum() == 75  # two controls to a case would keep 60
