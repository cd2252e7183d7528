from types import SimpleNamespace

import pytest

from gds.commands.generate import label_names, labels_of
from gds.errors import UserError

NAMES = ["control", "case"]


def test_requests_become_classes_in_their_order():
    assert labels_of(["case=2,control=1"], NAMES, 3) == [1, 1, 0]
    assert labels_of(["control=1", "case=1"], NAMES, 2) == [0, 1]


@pytest.mark.parametrize(
    ("requests", "names", "message"),
    [
        (["ALS=3"], NAMES, "one of control, case"),
        (["case"], NAMES, "one of control, case"),
        (["case=x"], NAMES, "expected a whole number"),
        (["case=2"], NAMES, "asks for 2 people in all, but --n for 3"),
        (["case=3"], [], "unconditional"),
    ],
)
def test_requests_that_cannot_be_met(requests, names, message):
    with pytest.raises(UserError, match=message):
        labels_of(requests, names, 3)


def test_names_are_those_of_the_model_or_numbers():
    named = SimpleNamespace(n_condition_classes=2, id2label={0: "control", 1: "case"})
    assert label_names(named) == NAMES
    assert label_names(SimpleNamespace(n_condition_classes=3, id2label=named.id2label)) == ["0", "1", "2"]
