import pandas as pd
from matplotlib.figure import Figure

from gds.report.run_figures import RunCurves, learning_curves

RECORDS = pd.DataFrame(
    [
        (seen, split, metric, seen / 100)
        for seen in (20, 10)
        for split in ("train", "validation")
        for metric in ("loss", "shrinkage_loss", "accuracy", "samples_per_second")
        if (split, metric) != ("validation", "samples_per_second")
    ],
    columns=["samples_seen", "split", "metric", "value"],
)
NOISE = pd.DataFrame(
    {"alpha_bar": [0.9, 0.1], "clean_error": [0.05, 0.7], "shrinkage_clean_error": [0.1, 0.9]}
)


def drawn(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_one_run_by_split_beside_shrinkage():
    figure = learning_curves({"run": RunCurves(RECORDS, NOISE)})
    loss, accuracy, throughput, noise = figure.axes
    assert drawn(loss).keys() == {"train", "validation", "shrinkage"}
    assert drawn(loss)["validation"].get_xdata().tolist() == [10, 20]
    assert drawn(accuracy).keys() == {"train", "validation"}
    assert drawn(throughput).keys() == {"train"}
    assert drawn(noise)["run"].get_xdata().tolist() == [1 - 0.9, 1 - 0.1]
    assert drawn(noise)["run"].get_ydata().tolist() == [0.05, 0.7]


def test_several_runs_by_colour_share_every_panel():
    without = RECORDS[RECORDS["metric"] == "loss"]
    figure = learning_curves({"a": RunCurves(RECORDS), "b": RunCurves(without, NOISE)})
    loss, accuracy, _, noise = figure.axes
    assert drawn(loss).keys() == {"a, train", "a, validation", "b, train", "b, validation"}
    assert len({drawn(loss)[f"{name}, validation"].get_color() for name in "ab"}) == 2
    assert drawn(accuracy).keys() == {"a, train", "a, validation"}
    assert "b" in drawn(noise)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]


def test_a_run_without_a_point_is_an_empty_panel():
    figure = learning_curves({"run": RunCurves(RECORDS.iloc[:0])})
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 1
