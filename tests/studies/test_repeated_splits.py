"""Studies over repeated splits: blind tasks, nested choices, resuming, ensembles, and means by hand."""

import numpy as np
import pandas as pd
import pytest

from gds.classifiers.haplotypes.haplotype_copying import HaplotypeCopying
from gds.errors import UserError
from gds.studies.label_efficiency.budgets import parse_budget
from gds.studies.label_efficiency.repeated_splits import (
    COLUMNS,
    SplitMethod,
    paired_over_splits,
    run_over_splits,
    summarise_splits,
)
from gds.studies.label_efficiency.split_methods import split_methods
from gds.studies.label_efficiency.split_task import LabelledGenotypes, split_study, split_task
from tests.cohorts import tiny_genotypes

BUDGETS = [parse_budget(text) for text in ("10", "20", "all")]


@pytest.fixture
def study():
    """A measurement that follows one variant; families of four."""
    g = tiny_genotypes(n_samples=160)
    values = g.dosage[:, 0] + np.random.default_rng(0).normal(size=160) / 2
    families = np.array([f"F{i // 4}" for i in range(160)])
    return LabelledGenotypes("tiny", g, values=values, families=families)


def chance(task, seed):
    share = np.bincount(task.labels_few, minlength=task.n_classes) / len(task.labels_few)
    return np.tile(share, (len(task.test), 1))


def test_a_task_knows_the_few_labels_only_and_choices_are_nested(study, tmp_path):
    people = split_study(study, 3, tmp_path)
    assert people.study.labels is None
    assert people.study.values is None
    assert people.study.strata is None
    assert not set(study.families[people.train]) & set(study.families[people.test])
    few = []
    for budget in BUDGETS:
        task, answers = split_task(study, people, budget, 0)
        assert sorted([*task.few, *task.unlabelled]) == people.train.tolist()
        # The threshold is the median of all training people, and nobody tested.
        assert task.threshold == np.median(study.values[people.train])
        np.testing.assert_array_equal(answers, study.values[people.test] > task.threshold)
        np.testing.assert_array_equal(task.values_few, study.values[task.few])
        few.append(set(task.few))
    assert few[0] < few[1] < few[2]
    again, _ = split_task(study, people, BUDGETS[0], 1)
    assert set(again.few) != few[0]


def test_rows_are_resumed_and_an_ensemble_is_made_of_kept_predictions(study, tmp_path):
    calls = []

    def counted(task, seed):
        calls.append((task.people.seed, len(task.few), seed))
        return chance(task, seed)

    def mean(task, seed):
        return np.mean(list(task.probabilities.values()), axis=0)

    methods = {"one": SplitMethod(counted, "chance")}
    options = {"path": tmp_path / "rows.csv", "work": tmp_path / "work"}
    table = run_over_splits(study, methods, BUDGETS[:2], splits=[0], seeds=[0, 1], **options)
    assert len(calls) == 4
    assert list(table.columns) == COLUMNS
    methods["two"] = SplitMethod(mean, members=("one",))
    table = run_over_splits(study, methods, BUDGETS[:2], splits=[0, 1], seeds=[0, 1], **options)
    assert len(calls) == 8
    wide = table.pivot(index=["split", "seed", "budget", "metric"], columns="method", values="value")
    np.testing.assert_allclose(wide["one"], wide["two"], atol=1e-5)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "rows.csv", dtype={"budget": str}), table)
    with pytest.raises(UserError, match="an ensemble needs the predictions of 'three'"):
        run_over_splits(
            study, {"x": SplitMethod(mean, members=("three",))}, BUDGETS[:1], splits=[0], **options
        )
    with pytest.raises(UserError, match="'short': expected probabilities of shape"):
        run_over_splits(
            study,
            {"short": SplitMethod(lambda task, seed: np.ones((3, 2)))},
            BUDGETS[:1],
            splits=[0],
            **options,
        )


def test_methods_by_name(study, tmp_path):
    names = ["chance", "ridge on dosages", "HWE-EM, LD-pruned", "chance x ridge on dosages"]
    table = run_over_splits(
        study, split_methods(names), BUDGETS[:1], splits=[0], path=tmp_path / "rows.csv", work=tmp_path
    )
    assert set(table["method"]) == set(names)
    assert (table.loc[(table["method"] == "chance") & (table["metric"] == "auroc"), "value"] == 0.5).all()
    with pytest.raises(UserError, match="method 'rigde on dosages'"):
        split_methods(["rigde on dosages"])
    with pytest.raises(UserError, match="not phased"):
        split_study(study, 0, tmp_path).haplotypes(np.arange(3))


def test_mean_interval_and_paired_difference_by_hand():
    values = {(0, 0): 0.5, (0, 1): 0.7, (1, 0): 0.8, (1, 1): 0.8}
    rows = [
        {"task": "t", "split": split, "seed": seed, "budget": "10", "n_labels": 10, "method": method,
         "role": "baseline", "metric": "accuracy", "value": value + gain * (1 + split), "seconds": 1.0}
        for (split, seed), value in values.items()
        for method, gain in (("a", 0.0), ("b", 0.1))
    ]  # fmt: skip
    found = summarise_splits(pd.DataFrame(rows), "accuracy").set_index("method")
    # Split means .6 and .8: variance .02, corrected (1/2 + 1/4) * .02, t of one degree of freedom 12.706.
    assert found.loc["a", "value"] == pytest.approx(0.7)
    assert found.loc["a", "upper"] - 0.7 == pytest.approx(12.7062 * np.sqrt(0.75 * 0.02), rel=1e-4)
    assert (found["n_splits"] == 2).all()
    assert (found["n_seeds"] == 2).all()
    paired = paired_over_splits(pd.DataFrame(rows), "accuracy", "b", "a").loc["10"]
    assert paired["value"] == pytest.approx(0.15)
    assert paired["n_splits"] == 2


def test_copying_shares_are_kept_on_disk(tmp_path):
    haplotypes = np.random.default_rng(0).integers(0, 2, (12, 64, 2)).astype(np.int8)
    model = HaplotypeCopying(remember=True, n_windows=2).fit([haplotypes[:8]])
    shares = model.shares(haplotypes)
    other = HaplotypeCopying(n_windows=2).fit([haplotypes[:8]])
    other.recall(haplotypes, shares)
    np.testing.assert_array_equal(other.shares(haplotypes[5:]).toarray(), shares[20:].toarray())
    with pytest.raises(UserError, match="other people or of another panel"):
        other.recall(haplotypes[:3], shares)
