"""How a metric grows with the number of labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gds.report.style import MUTED, new_figure, reference_lines, series_look, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS_A_ROW = 3
LOG_SCALE_FACTOR = 8  # label counts that span more than this are drawn on a log axis


@dataclass(frozen=True)
class LabelPanel:
    """One data set of :func:`label_panels`.

    Attributes
    ----------
    title, label
        What it is, and the name of the metric.
    table
        As of :func:`accuracy_by_labels`; methods in the order of their colours.
    chance, ceiling
        Drawn as horizontal lines.
    best_with_all
        What the best method reaches with all labels: no ceiling, but drawn where none is known.
    """

    title: str
    label: str
    table: pd.DataFrame
    chance: float | None = None
    ceiling: float | None = None
    best_with_all: float | None = None


@styled
def accuracy_by_labels(
    table: pd.DataFrame,
    label: str = "accuracy",
    *,
    chance: float | None = None,
    ceiling: float | None = None,
) -> "Figure":
    """A metric against the number of labels, one line a method.

    Parameters
    ----------
    table
        Columns ``method``, ``n_labels``, ``value`` and, where known, ``lower`` and ``upper``.
    label
        Name of the metric.
    chance, ceiling
        Drawn as horizontal lines.
    """
    figure, (axes,) = new_figure(width=7.2, height=4.6)
    counts = table["n_labels"].unique()
    _draw(axes, table, label, chance, ceiling, log=counts.max() > LOG_SCALE_FACTOR * counts.min())
    figure.legend(loc="outside right upper")
    return figure


@styled
def label_panels(panels: Sequence[LabelPanel]) -> "Figure":
    """Several data sets, at most three side by side, labels on a log axis, each with its own legend."""
    n_columns = min(len(panels), PANELS_A_ROW)
    n_rows = -(-len(panels) // n_columns)
    figure, all_axes = new_figure(n_columns, n_rows, width=3.9 * n_columns, height=4.9 * n_rows)
    for axes in all_axes[len(panels) :]:
        axes.remove()
    for axes, panel in zip(all_axes, panels, strict=False):
        _draw(axes, panel.table, panel.label, panel.chance, panel.ceiling, log=True)
        if panel.best_with_all is not None:
            text = f"best with all labels {panel.best_with_all:.3g}"
            axes.axhline(
                panel.best_with_all, color=MUTED, linestyle="-.", linewidth=1.2, label=text, zorder=0
            )
        axes.set_title(panel.title)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=1)
    return figure


def _draw(
    axes: "Axes", table: pd.DataFrame, label: str, chance: float | None, ceiling: float | None, *, log: bool
) -> None:
    for index, (method, rows) in enumerate(table.groupby("method", sort=False)):
        rows = rows.sort_values("n_labels")
        look = series_look(index)
        axes.plot(rows["n_labels"], rows["value"], markersize=5.5, label=method, **look)
        if {"lower", "upper"} <= set(rows.columns):
            axes.fill_between(
                rows["n_labels"], rows["lower"], rows["upper"], color=look["color"], alpha=0.13, linewidth=0
            )
    counts = np.sort(table["n_labels"].unique())
    if log:
        axes.set_xscale("log")
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    reference_lines(axes.axhline, axes, chance, ceiling)
    axes.set(xlabel="number of labels", ylabel=label)
