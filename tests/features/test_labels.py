"""Labels from classes and from measurements."""

import numpy as np
import pandas as pd
import pytest

from gds.errors import UserError
from gds.features.labels import cut_at_threshold, encode_labels, terciles


def test_label_classes_are_sorted_and_the_positive_one_is_last():
    assert encode_labels(pd.Series(["case", "control", None], name="x"))[1] == ["control", "case"]
    codes, names = encode_labels(pd.Series([2.0, 1.0, -9.0, np.nan], name="x"))
    assert (codes.tolist(), names) == ([1, 0, -100, -100], ["1", "2"])
    with pytest.raises(UserError, match="only 'case'"):
        encode_labels(pd.Series(["case", None], name="x"))


def test_a_threshold_is_that_of_training_people_and_belongs_to_low():
    values = np.array([1.0, 2.0, 3.0, 9.0, 10.0, np.nan])
    training = np.array([True, True, True, False, False, True])
    labels, limit = cut_at_threshold(values, training, "median")
    assert limit == 2.0
    assert labels.tolist() == [0, 0, 1, 1, 1, -100]
    assert cut_at_threshold(values, training, 1.5)[0].tolist() == [0, 1, 1, 1, 1, -100]


@pytest.mark.parametrize("training", [[True, True, False], [False, False, True]])
def test_a_threshold_that_makes_one_class_is_refused(training):
    with pytest.raises(UserError, match=r"on one side of 5|no training person has a value"):
        cut_at_threshold(np.array([1.0, 2.0, np.nan]), np.array(training), 5.0)


def test_terciles_are_thirds_and_leave_the_unmeasured_apart():
    values = np.r_[np.arange(30.0), np.nan]
    stratum = terciles(values)
    assert pd.Series(stratum).value_counts().to_dict() == {"0": 10, "1": 10, "2": 10, "unlabelled": 1}
