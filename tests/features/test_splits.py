"""People are split before anything is fitted: proportions, families, nesting, order independence."""

import numpy as np
import pandas as pd
import pytest

from gds.errors import UserError
from gds.features.splits import (
    UNLABELLED,
    check_groups_apart,
    check_split_column,
    few_label_subset,
    split_people,
)

IDS = np.array([f"P{i:04d}" for i in range(1000)])


def test_split_keeps_proportions_within_every_stratum():
    strata = np.repeat(["case", "control", "rare"], [300, 680, 20])
    split = split_people(IDS, strata=strata, fractions=(0.6, 0.2, 0.2), seed=1)
    counts = pd.crosstab(strata, split)
    for stratum, size in {"case": 300, "control": 680, "rare": 20}.items():
        assert counts.loc[stratum].to_dict() == {
            "train": 0.6 * size, "validation": 0.2 * size, "test": 0.2 * size
        }  # fmt: skip


def test_split_depends_on_the_people_not_on_their_order():
    strata = np.resize(["a", "b", "c"], 1000)
    order = np.random.default_rng(3).permutation(1000)
    split = split_people(IDS, strata=strata, seed=5)
    assert (split_people(IDS[order], strata=strata[order], seed=5) == split[order]).all()
    assert (split_people(IDS, strata=strata, seed=6) != split).any()


def test_families_stay_together_and_people_without_one_are_alone():
    rng = np.random.default_rng(0)
    groups = np.array([f"F{i}" if i < 150 else "" for i in rng.integers(0, 200, 1000)])
    split = split_people(IDS, groups=groups, seed=2)
    check_groups_apart(split, groups, IDS)
    assert abs((split == "test").mean() - 0.2) < 0.02
    broken = split.copy()
    first, second = np.flatnonzero(groups == "F7")[:2]
    broken[first], broken[second] = "train", "test"
    with pytest.raises(UserError, match="both sides"):
        check_groups_apart(broken, groups, IDS)


def test_people_who_must_not_be_tested_are_not_nor_are_their_families():
    testable = np.arange(1000) % 3 > 0
    groups = np.array([f"F{i // 2}" for i in range(1000)])
    split = split_people(IDS, groups=groups, testable=testable, seed=4)
    check_groups_apart(split, groups, IDS)
    assert not ((split == "test") & ~testable).any()
    free = np.repeat(testable.reshape(-1, 2).all(axis=1), 2)
    assert abs((split[free] == "test").mean() - 0.2) < 0.01
    assert abs((split[~free] == "train").mean() - 0.7 / 0.8) < 0.01


def test_split_refuses_what_it_cannot_do():
    with pytest.raises(UserError, match="sum to 1"):
        split_people(IDS, fractions=(0.5, 0.1, 0.1))
    with pytest.raises(UserError, match="more than once"):
        split_people(["a", "a", "b"])
    with pytest.raises(UserError, match="would be empty"):
        split_people(["a", "b"], fractions=(0.4, 0.3, 0.3))


def test_a_users_split_column_is_read_and_checked():
    column = pd.Series(["train", "Val", "test "], index=list("abc"), name="fold")
    assert check_split_column(column).tolist() == ["train", "validation", "test"]
    with pytest.raises(UserError, match=r"'fold' holds 'dev' for person 'b'"):
        check_split_column(pd.Series(["train", "dev", "test"], index=list("abc"), name="fold"))
    with pytest.raises(UserError, match="nobody into test"):
        check_split_column(pd.Series(["train"], index=["a"], name="fold"))


@pytest.mark.parametrize("seed", range(5))
def test_few_label_subsets_are_nested_stratified_and_cover_every_class(seed):
    labels = np.repeat([0, 1, 2, UNLABELLED], [300, 90, 10, 600])
    labels = np.random.default_rng(seed).permutation(labels)
    previous: set[int] = set()
    for n_labels in (3, 10, 40, 100, 400):
        chosen = few_label_subset(labels, n_labels, seed=seed)
        assert len(chosen) == n_labels
        assert set(labels[chosen]) == {0, 1, 2}
        assert previous <= set(chosen)
        previous = set(chosen)
    counts = np.bincount(labels[few_label_subset(labels, 100, seed=seed)], minlength=3)
    assert np.abs(counts - [75, 22.5, 2.5]).max() <= 1.5


def test_few_label_subset_keeps_families_next_to_each_other():
    labels = np.zeros(100, dtype=int)
    groups = np.repeat([f"F{i}" for i in range(20)], 5)
    chosen = few_label_subset(labels, 20, groups=groups)
    assert len(np.unique(groups[chosen])) == 4


def test_few_label_subset_refuses_too_few_and_too_many():
    labels = np.array([0, 1, 2, UNLABELLED])
    with pytest.raises(UserError, match="at least one label a class"):
        few_label_subset(labels, 2)
    with pytest.raises(UserError, match="only 3 training people"):
        few_label_subset(labels, 4)
