"""Each figure draws what it was given; matplotlib's global settings stay alone."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from gds.errors import UserError
from gds.evaluation.calibration import reliability_curve
from gds.report import figures
from gds.report.label_figures import LabelPanel, label_panels
from gds.report.style import series_look


@pytest.fixture
def scored():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    return labels, np.round(1 / (1 + np.exp(-(labels + rng.normal(size=200)))), 2)


def lines(figure, label):
    return next(line for axes in figure.axes for line in axes.get_lines() if line.get_label() == label)


def test_roc_is_that_of_scikit_learn(scored):
    labels, p = scored
    drawn = lines(figures.roc_curves(labels, {"ridge": p}), "ridge")
    false, true, _ = roc_curve(labels, p, drop_intermediate=False)
    np.testing.assert_allclose(drawn.get_xdata(), false)
    np.testing.assert_allclose(drawn.get_ydata(), true)


def test_precision_and_recall_are_those_of_scikit_learn(scored):
    labels, p = scored
    drawn = lines(figures.precision_recall_curves(labels, {"ridge": p}), "ridge")
    precision, recall, _ = precision_recall_curve(labels, p)
    np.testing.assert_allclose(drawn.get_ydata(), precision[-2::-1])
    np.testing.assert_allclose(drawn.get_xdata(), recall[-2::-1])


def test_forest_has_every_method_chance_and_ceiling():
    table = pd.DataFrame(
        {"value": [0.5, 0.7], "lower": [np.nan, 0.65], "upper": [np.nan, 0.75]}, index=["chance", "ridge"]
    )
    figure = figures.metric_by_method(
        table, "AUROC", chance=0.5, ceiling=0.741, roles={"chance": "chance", "ridge": "baseline"}
    )
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["chance", "ridge"]
    assert {"chance 0.5", "ceiling 0.741"} <= {line.get_label() for line in axes.get_lines()}
    assert {text.get_text() for text in axes.texts} == {"0.500", "0.700"}


def test_label_axis_is_logarithmic_over_wide_budgets():
    table = pd.DataFrame({"method": "a", "n_labels": [20, 400], "value": [0.5, 0.6]})
    assert figures.accuracy_by_labels(table).axes[0].get_xscale() == "log"
    table["n_labels"] = [20, 50]
    assert figures.accuracy_by_labels(table, chance=0.2).axes[0].get_xscale() == "linear"


def test_panels_go_three_a_row_and_say_what_their_lines_are():
    table = pd.DataFrame({"method": "a", "n_labels": [20, 400], "value": [0.5, 0.6]})
    panels = [LabelPanel(str(i), "accuracy", table, 0.2, best_with_all=0.9) for i in range(4)]
    axes = label_panels(panels).axes
    assert [each.get_title(loc="left") or each.get_title() for each in axes] == ["0", "1", "2", "3"]
    assert len({round(each.get_subplotspec().rowspan.start) for each in axes}) == 2
    texts = [text.get_text() for text in axes[3].get_legend().get_texts()]
    assert texts == ["a", "chance 0.2", "best with all labels 0.9"]


def test_scatter_tells_categories_from_scales():
    points = np.random.default_rng(0).normal(size=(100, 2))
    by_population = figures.embedding_scatter(points, np.repeat(["AFR", None], 50), "population")
    assert [text.get_text() for text in by_population.legends[0].get_texts()] == ["AFR", "missing"]
    assert len(figures.embedding_scatter(points, np.linspace(20, 80, 100), "age").axes) == 2


def test_26_populations_look_different():
    assert len({tuple(series_look(index).items()) for index in range(49)}) == 49


def test_confusion_is_a_share_of_the_true_class():
    figure = figures.confusion_matrix(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), ["control", "case"])
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), [[2 / 3, 1 / 3], [0, 1]])


def test_the_rest_draws(scored):
    labels, p = scored
    figures.reliability({"ridge": reliability_curve(labels, p)})
    figures.allele_frequencies(p, p, correlation=1.0)


def test_global_settings_are_left_alone(scored):
    before = dict(matplotlib.rcParams)
    figures.roc_curves(scored[0], {"p": scored[1]})
    assert dict(matplotlib.rcParams) == before


def test_mistakes_are_told():
    with pytest.raises(UserError, match="both classes"):
        figures.roc_curves(np.zeros(3, dtype=int), {"p": np.ones(3)})
    with pytest.raises(UserError, match="expected as many"):
        figures.allele_frequencies(np.ones(3), np.ones(4))
