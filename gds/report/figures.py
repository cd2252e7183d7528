"""The figures of a report; each function takes tables or arrays and returns a matplotlib Figure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.report.genotype_figures import allele_frequencies, embedding_scatter
from gds.report.label_figures import accuracy_by_labels
from gds.report.style import INK, MUTED, PALETTE, new_figure, reference_lines, series_look, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "accuracy_by_labels", "allele_frequencies", "confusion_matrix", "decision_curves", "embedding_scatter",
    "metric_by_method", "precision_recall_curves", "reliability", "roc_curves",
]  # fmt: skip

ROLE_COLOURS = {
    "chance": "#9aa1a9",
    "confounder": "#D55E00",
    "baseline": "#5A5A5A",
    "encoder": "#0072B2",
    "augmented": "#009E73",
    "control": "#56B4E9",
    "adjusted": "#CC79A7",
    "combined": "#E69F00",
}


@styled
def metric_by_method(
    table: pd.DataFrame,
    label: str,
    *,
    chance: float | None = None,
    ceiling: float | None = None,
    roles: Mapping[str, str] | None = None,
) -> "Figure":
    """One metric of several methods, with intervals, chance and ceiling.

    Parameters
    ----------
    table
        Index: method, drawn from the top in the given order; columns ``value``, ``lower``, ``upper``.
    label
        Name of the metric.
    chance, ceiling
        Drawn as vertical lines.
    roles
        Method to ``chance``, ``confounder``, ``baseline``, ``encoder`` or ``augmented``: its colour.
    """
    roles = roles or {}
    figure, (axes,) = new_figure(width=6.8, height=1.3 + 0.34 * len(table))
    rows = np.arange(len(table))[::-1]
    drawn = {}
    for row, (method, value, lower, upper) in zip(
        rows, table[["value", "lower", "upper"]].itertuples(), strict=True
    ):
        role = roles.get(str(method), "baseline")
        drawn[role] = colour = ROLE_COLOURS[role]
        if np.isfinite([lower, upper]).all():
            axes.plot([lower, upper], [row, row], color=colour, linewidth=2, solid_capstyle="round")
        axes.plot(value, row, "o", color=colour, markersize=7, markeredgecolor="white")
        if np.isfinite(value):
            axes.annotate(
                f"{value:.3f}", (1.01, row), xycoords=("axes fraction", "data"), va="center", color=INK
            )
    axes.set_yticks(rows, [str(method) for method in table.index])
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.grid(axis="y", visible=False)
    reference_lines(axes.axvline, axes, chance, ceiling)
    axes.set_xlabel(label)
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, marker="o", linewidth=2, label=role) for role, colour in drawn.items()
    ]
    handles += [line for line in axes.get_lines() if not line.get_label().startswith("_")]
    figure.legend(handles=handles, loc="outside lower left", ncols=min(5, len(handles)))
    return figure


@styled
def roc_curves(labels: np.ndarray, probability: Mapping[str, np.ndarray]) -> "Figure":
    """True against false positive rate of several methods, the diagonal being chance.

    Parameters
    ----------
    labels
        0 or 1, shape (sample,).
    probability
        Method to probability of class 1, shape (sample,).
    """
    figure, (axes,) = new_figure(width=5.4, height=5.0)
    axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1, label="chance")
    for index, (name, score) in enumerate(probability.items()):
        true, false = _cumulative_counts(labels, score)
        axes.plot(false / false[-1], true / true[-1], color=PALETTE[index % len(PALETTE)], label=name)
    axes.set(
        xlabel="false positive rate", ylabel="true positive rate", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01)
    )
    axes.set_box_aspect(1)
    axes.legend(loc="lower right")
    return figure


@styled
def precision_recall_curves(labels: np.ndarray, probability: Mapping[str, np.ndarray]) -> "Figure":
    """Precision against recall of several methods, the fraction of cases being chance; as :func:`roc_curves`."""
    figure, (axes,) = new_figure(width=5.4, height=5.0)
    share = float(np.mean(labels))
    axes.axhline(share, color=MUTED, linestyle=":", linewidth=1, label="chance")
    for index, (name, score) in enumerate(probability.items()):
        true, false = _cumulative_counts(labels, score)
        precision = true[1:] / (true[1:] + false[1:])
        axes.step(
            true[1:] / true[-1], precision, where="pre", color=PALETTE[index % len(PALETTE)], label=name
        )
    axes.set(xlabel="recall (share of cases found)", ylabel="precision", xlim=(-0.01, 1.01), ylim=(0, 1.02))
    axes.set_box_aspect(1)
    axes.legend(loc="lower left")
    return figure


@styled
def reliability(curves: Mapping[str, pd.DataFrame]) -> "Figure":
    """Observed frequency against predicted probability.

    Parameters
    ----------
    curves
        Method to :func:`gds.evaluation.calibration.reliability_curve`.
    """
    figure, (axes,) = new_figure(width=5.4, height=5.0)
    axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1, label="calibrated")
    for index, (name, curve) in enumerate(curves.items()):
        observed = curve["observed"].to_numpy()
        error = np.abs(curve[["lower", "upper"]].to_numpy() - observed[:, None]).T
        axes.errorbar(
            curve["predicted"], observed, yerr=error, capsize=0, elinewidth=1, markersize=5, linewidth=1.2,
            label=name, **series_look(index),
        )  # fmt: skip
    axes.set(xlabel="predicted probability", ylabel="observed frequency", xlim=(0, 1), ylim=(0, 1))
    axes.set_box_aspect(1)
    axes.legend(loc="upper left")
    return figure


@styled
def decision_curves(curves: Mapping[str, pd.DataFrame]) -> "Figure":
    """Net benefit against the threshold of probability, beside calling everybody and nobody a case.

    Parameters
    ----------
    curves
        Method to :func:`gds.evaluation.decision.net_benefit`.
    """
    figure, (axes,) = new_figure(width=7.2, height=4.4)
    axes.axhline(0, color=MUTED, linestyle=":", linewidth=1, label="nobody")
    for index, (name, curve) in enumerate(curves.items()):
        if not index:
            axes.plot(curve.index, curve["all"], color=MUTED, linestyle="--", linewidth=1, label="everybody")
        colour = PALETTE[index % len(PALETTE)]
        axes.plot(curve.index, curve["value"], color=colour, label=name)
        axes.fill_between(curve.index, curve["lower"], curve["upper"], color=colour, alpha=0.12, linewidth=0)
    highest = max(float(curve[["upper", "all"]].to_numpy().max()) for curve in curves.values())
    axes.set(xlabel="threshold of probability", ylabel="net benefit", ylim=(-0.35 * highest, 1.05 * highest))
    figure.legend(loc="outside right upper")
    return figure


@styled
def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, class_names: Sequence[str]) -> "Figure":
    """How often each class is taken for each other; shade and text are shares of the true class.

    Parameters
    ----------
    labels, predicted
        Class indices, shape (sample,).
    class_names
        Name of each class.
    """
    k = len(class_names)
    counts = np.zeros((k, k), dtype=np.int64)
    np.add.at(counts, (np.asarray(labels), np.asarray(predicted)), 1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(1.8 + 0.42 * k, 3.6, 10))
    figure, (axes,) = new_figure(width=side + 0.8, height=side)
    drawn = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    if k <= 12:
        for row, column in np.ndindex(k, k):
            text = (
                f"{share[row, column]:.0%}\n{counts[row, column]:,}"
                if k <= 6
                else f"{share[row, column]:.0%}"
            )
            axes.text(
                column, row, text, ha="center", va="center", fontsize=9 if k <= 6 else 7,
                color="white" if share[row, column] > 0.55 else INK,
            )  # fmt: skip
    axes.set_xticks(range(k), class_names, rotation=0 if k <= 4 else 90)
    axes.set_yticks(range(k), class_names)
    axes.set(xlabel="predicted", ylabel="true")
    axes.grid(visible=False)
    figure.colorbar(drawn, shrink=0.8, label="share of the true class")
    return figure


def _cumulative_counts(labels: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True and false positives at each threshold from the highest score down, from (0, 0); ties are one step."""
    labels, score = np.asarray(labels), np.asarray(score)
    if not 0 < labels.sum() < len(labels):
        raise UserError("a curve over thresholds needs people of both classes")
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    true = np.cumsum(labels[order])[ends]
    return np.append(0, true), np.append(0, ends + 1 - true)
