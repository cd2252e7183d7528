"""The figures of synthetic genotypes draw what they were given."""

import numpy as np
import pandas as pd
import pytest

from gds.report.synthetic_figures import accuracy_by_fraction, closest_record_distances, ld_decay, overlay


def by_label(figure):
    return {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}


def test_decay_of_real_synthetic_and_reference():
    table = pd.DataFrame({"distance": [1.0, 10, 1000], "real": [0.9, 0.5, 0.1], "synthetic": [0.8, 0.4, 0.1]})
    other = table.assign(synthetic=[0.0, 0.0, 0.0])
    figure = ld_decay(table, {"independent sites": other})
    drawn = by_label(figure)
    assert drawn["real"].get_ydata().tolist() == [0.9, 0.5, 0.1]
    assert drawn["synthetic"].get_ydata().tolist() == [0.8, 0.4, 0.1]
    assert drawn["independent sites"].get_ydata().tolist() == [0, 0, 0]
    assert figure.axes[0].get_xscale() == "log"


def test_each_set_of_distances_has_area_one():
    figure = closest_record_distances(np.zeros(10, int), np.arange(5) + 20)
    heights = [patch.get_xy() for patch in figure.axes[0].patches]
    assert len(heights) == 2
    assert max(xy[:, 1].max() for xy in heights) == pytest.approx(1)


def test_points_are_shuffled_and_none_is_lost():
    sets = {"real": np.zeros((30, 2)), "held out": np.ones((20, 2)), "synthetic": np.full((10, 3), 2.0)}
    drawn = overlay(sets).axes[0].collections[0].get_offsets()
    assert sorted(drawn[:, 0]) == [0] * 30 + [1] * 20 + [2] * 10
    assert (np.diff(drawn[:, 0]) < 0).any()


def test_accuracy_alone_and_with_synthetic_people():
    table = pd.DataFrame(
        {"method": "lda", "fraction": [0.1, 0.5], "real": [0.6, 0.8], "real_and_synthetic": [0.7, 0.75]}
    )
    axes = accuracy_by_fraction(table, 0.5).axes[0]
    alone, together, chance = axes.get_lines()[:3]
    assert (alone.get_linestyle(), alone.get_ydata().tolist()) == ("--", [0.6, 0.8])
    assert (together.get_label(), together.get_ydata().tolist()) == ("lda", [0.7, 0.75])
    assert set(chance.get_ydata()) == {0.5}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["10%", "50%"]
