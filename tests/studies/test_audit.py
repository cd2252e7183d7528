"""The audit on small made-up people: exact identities, and each verdict from its cause."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp
from sklearn.metrics import roc_auc_score

from gds.cli import main
from gds.evaluation.auroc import stratified_auroc
from gds.studies.audit import AuditCohort, AuditOptions, audit_cohort
from gds.studies.audit.held_out import fold_blocks, hat_of_columns, hat_of_kernel
from gds.studies.audit.held_out_groups import shown_groups
from gds.studies.audit.matching import matched_rows
from gds.studies.audit.relatives import related_by_genotype
from gds.studies.audit.run import SPLIT, _kernels
from gds.studies.audit.sources import ancestry_components
from gds.studies.audit.straddling import gain_p_value
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


def test_relatives_that_say_nothing_of_the_label_are_no_accusation():
    labels, dosage, table = made_up()
    labels = np.random.default_rng(3).permutation(labels)
    dosage[300:] = dosage[:100]
    audit = audited(labels, dosage, table, is_test=np.arange(400) >= 300)
    assert audit.straddling.n_related == 100
    assert audit.straddling.p_value > 0.005
    assert audit.verdict.status != "related"


def test_a_less_varied_ancestry_is_not_taken_for_relatives():
    """Two ancestries, one nearly fixed: its people share more by chance, and scatter more."""
    rng = np.random.default_rng(0)
    frequency = np.stack([rng.uniform(0.3, 0.7, 1500), np.where(rng.random(1500) < 0.9, 0.01, 0.5)])
    ancestry = np.repeat([0, 1], [500, 250])
    dosage = rng.binomial(2, frequency[ancestry]).astype(np.int8)
    dosage[749] = dosage[748]
    first, second, kernel = _kernels(dosage)
    found = related_by_genotype(kernel, *ancestry_components(first, second))
    assert found.pairs[["first", "second"]].to_numpy().tolist() == [[748, 749]]


def test_gain_from_relatives_is_a_t_test_of_families_sums():
    gain, families = np.array([1.0, 2.0, 0.5, -1.0, 3.0]), np.array([1, 1, 2, 3, 4])
    expected = ttest_1samp([3.0, 0.5, -1.0, 3.0], 0, alternative="greater").pvalue
    assert gain_p_value(gain, families) == pytest.approx(expected)
    assert np.isnan(gain_p_value(gain[:1], families[:1]))


def test_recorded_choosers_among_the_tested_are_named():
    labels, dosage, table = made_up()
    is_test = np.arange(400) >= 300
    found = audited(labels, dosage, table, is_test=is_test, chosen_by=np.arange(400) < 310).verdict
    assert found.status == "selected"
    assert "10 of 100 people" in found.line()
    assert audited(labels, dosage, table, is_test=is_test, chosen_by=~is_test).verdict.status != "selected"


def test_a_choice_in_training_is_judged_on_the_split():
    """Variants chosen by training people: folds of everyone look too good, the split does not."""
    labels, dosage, table = made_up(n=600, m=2000)
    is_test = np.arange(600) >= 400
    a, b = dosage[(labels == 1) & ~is_test], dosage[(labels == 0) & ~is_test]
    chosen = np.argsort(-np.abs(a.mean(axis=0) - b.mean(axis=0)))[:100]
    audit = audited(labels, dosage[:, chosen], table, is_test=is_test, prevalence=1 / 350, heritability=0.085)
    assert audit.results[0].auroc().lower_bound(0.025) > 0.6
    assert [result.name for result in audit.main_results()] == [SPLIT]
    assert audit.verdict.status in ("clean", "underpowered")


def test_a_held_out_group_of_one_class_is_not_estimable():
    labels, dosage, table = made_up(n=200)
    table["batch"] = np.where((labels == 0) & (np.arange(200) < 100), "A", "B")
    groups = audited(labels, dosage, table).groups
    row = shown_groups(groups).set_index(["column", "level"]).loc[("batch", "A")]
    assert (row["cases"], row["within"], row["held_out"]) == (0, "not estimable", "not estimable")


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
