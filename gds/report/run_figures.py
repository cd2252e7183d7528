"""Learning in one picture: curves of a run, or of several beside each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from gds.report.style import MUTED, PALETTE, new_figure, styled, thousands

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Metric of the log to name of its panel; panels without a point are left out.
PANELS = {
    "loss": "loss",
    "accuracy": "accuracy of masked genotypes",
    "non_major_accuracy": "accuracy of masked non-major genotypes",
    "retrieval_accuracy": "share of views whose nearest is their person's other",
    "grad_norm": "gradient norm",
    "samples_per_second": "people a second",
}
COLUMNS = 3


@dataclass(frozen=True)
class RunCurves:
    """What there is to draw of one run.

    Attributes
    ----------
    records
        Columns ``samples_seen``, ``split`` (``train`` or ``validation``), ``metric`` and ``value``.
    noise_levels
        Columns ``alpha_bar``, ``clean_error`` and ``shrinkage_clean_error``, one row a noise level, of a
        diffusion model; None for others.
    """

    records: pd.DataFrame
    noise_levels: pd.DataFrame | None = None


@styled
def learning_curves(runs: Mapping[str, RunCurves]) -> "Figure":
    """Draw loss, accuracies, gradient norm, throughput and reconstruction error of one or more runs.

    One run is coloured by split, and its loss stands beside that of closed-form shrinkage. Of several each has
    a colour: thin lines are training people, thick ones with marks validation people.

    Parameters
    ----------
    runs
        Name to curves; the loss panel is drawn even where there is nothing to draw.
    """
    shown = [
        metric for metric in PANELS if any((run.records["metric"] == metric).any() for run in runs.values())
    ] or ["loss"]
    noise = {name: run.noise_levels for name, run in runs.items() if run.noise_levels is not None}
    n_panels = len(shown) + bool(noise)
    n_columns = min(COLUMNS, n_panels)
    n_rows = -(-n_panels // n_columns)
    figure, panels = new_figure(n_columns, n_rows, width=4.4 * n_columns + 0.4, height=3.3 * n_rows + 0.3)
    for axes, metric in zip(panels, shown, strict=False):
        _draw_metric(axes, metric, runs)
    if noise:
        _draw_noise_levels(panels[len(shown)], noise)
    for axes in panels[n_panels:]:
        axes.remove()
    if len(runs) > 1:
        from matplotlib.lines import Line2D

        handles = [
            Line2D([], [], color=_colour(index), marker="o", label=name) for index, name in enumerate(runs)
        ]
        figure.legend(handles=handles, loc="outside lower left", ncols=min(4, len(handles)))
    return figure


def _draw_metric(axes: "Axes", metric: str, runs: Mapping[str, RunCurves]) -> None:
    for index, (name, run) in enumerate(runs.items()):
        for split in ("train", "validation"):
            line = run.records[(run.records["metric"] == metric) & (run.records["split"] == split)]
            if len(line):
                line = line.sort_values("samples_seen")
                axes.plot(
                    line["samples_seen"], line["value"], **_look(index, split, alone=len(runs) == 1),
                    label=split if len(runs) == 1 else f"{name}, {split}",
                )  # fmt: skip
        if metric == "loss" and len(runs) == 1:
            floor = run.records.query("metric == 'shrinkage_loss' and split == 'validation'")
            if len(floor):
                axes.plot(
                    floor["samples_seen"], floor["value"], color=MUTED, linestyle=":", label="shrinkage"
                )
    axes.set(xlabel="samples seen", ylabel=PANELS[metric])
    axes.xaxis.set_major_formatter(thousands)
    if len(runs) == 1 and axes.get_lines():
        axes.legend()


def _draw_noise_levels(axes: "Axes", noise: Mapping[str, pd.DataFrame]) -> None:
    names = list(noise)
    for index, (name, table) in enumerate(noise.items()):
        share = 1 - table["alpha_bar"]
        axes.plot(share, table["clean_error"], color=_colour(index, alone=len(names) == 1), marker="o",
                  markersize=3.5, label=name)  # fmt: skip
        axes.plot(share, table["shrinkage_clean_error"], color=MUTED, linestyle=":", linewidth=1)
    axes.annotate("shrinkage", (0.5, 0.52), color=MUTED, rotation=35, ha="right", fontsize=8.5)
    axes.set(xlabel="share of noise, 1 - alpha bar", ylabel="reconstruction error of clean features")


def _colour(index: int, alone: bool = False) -> str:
    return PALETTE[1] if alone else PALETTE[index % len(PALETTE)]


def _look(index: int, split: str, alone: bool) -> dict[str, Any]:
    if split == "validation":
        return {"color": _colour(index, alone), "marker": "o", "markersize": 4}
    return {"color": PALETTE[0]} if alone else {"color": _colour(index), "linewidth": 0.9, "alpha": 0.6}
