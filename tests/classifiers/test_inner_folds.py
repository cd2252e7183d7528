import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gds.classifiers.inner_folds import held_out_loss, inner_folds
from gds.errors import UserError


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=2, max_size=40),
    st.integers(2, 6),
    st.integers(0, 5),
)
def test_what_every_set_of_folds_keeps(people, n_folds, seed):
    y, groups = (np.array(column) for column in zip(*people, strict=True))
    folds = inner_folds(y, n_folds, groups=groups, seed=seed)
    assert len(folds) <= n_folds
    seen = np.concatenate([held_out for _, held_out in folds]) if folds else np.empty(0)
    assert len(np.unique(seen)) == len(seen)
    for train, held_out in folds:
        assert len(held_out)
        assert not set(groups[train]) & set(groups[held_out])
        assert set(y[train]) == set(y)
        assert sorted([*train, *held_out]) == list(range(len(y)))


def test_without_families_everyone_is_held_out_once_and_classes_are_spread_evenly():
    y = np.repeat([0, 1, 2], [52, 23, 5])
    folds = inner_folds(y, 5, seed=1)
    assert sorted(np.concatenate([held_out for _, held_out in folds])) == list(range(80))
    counts = np.array([np.bincount(y[held_out], minlength=3) for _, held_out in folds])
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()
    assert counts[:, 2].tolist() == [1] * 5


def test_a_class_of_two_is_held_out_in_two_folds():
    folds = inner_folds(np.repeat([0, 1], [20, 2]), 5)
    assert sum(21 in held_out or 20 in held_out for _, held_out in folds) == 2
    assert len(folds) == 5


def test_a_class_of_one_is_never_held_out():
    y = np.repeat([0, 1, 2], [10, 10, 1])
    assert all(20 in train for train, _ in inner_folds(y, 5))


@pytest.mark.parametrize("y", [[0, 1], [0, 1, 1, 1], [0, 1, 2]])
def test_no_folds_where_nothing_can_be_compared(y):
    assert inner_folds(np.array(y), 5) == []


def test_relatives_of_both_classes_stay_together():
    groups = np.repeat(np.arange(12), 4)
    folds = inner_folds(np.tile([0, 1, 1, 1], 12), 4, groups=groups)
    assert [len(held_out) for _, held_out in folds] == [12] * 4


def test_seed_decides():
    y = np.tile([0, 1], 30)
    same = [held_out.tolist() for _, held_out in inner_folds(y, 5, seed=3)]
    assert same == [held_out.tolist() for _, held_out in inner_folds(y, 5, seed=3)]
    assert same != [held_out.tolist() for _, held_out in inner_folds(y, 5, seed=4)]


def test_wrong_requests():
    with pytest.raises(UserError, match="at least 2"):
        inner_folds(np.array([0, 1]), 1)
    with pytest.raises(UserError, match="one group"):
        inner_folds(np.array([0, 1]), 2, groups=np.array([0]))


def test_held_out_loss_by_hand():
    y = np.array([0, 1, 0, 1])
    folds = [(np.array([2, 3]), np.array([0, 1])), (np.array([0, 1]), np.array([2, 3]))]
    loss, error = held_out_loss(
        y, folds, lambda train, held_out: [np.full((2, 2), 0.5), np.array([[0.8, 0.2], [0.6, 0.4]])]
    )
    assert loss == pytest.approx([np.log(2), -(np.log(0.8) + np.log(0.4)) / 2])
    assert error[0] == 0
