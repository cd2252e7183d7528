"""Figures of synthetic genotypes beside real ones: LD by distance, distances to the closest record, components."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gds.report.style import MUTED, PALETTE, new_figure, series_look, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SET_COLOURS = {"real": PALETTE[6], "held out": PALETTE[0], "synthetic": PALETTE[1]}


@styled
def ld_decay(synthetic: pd.DataFrame, references: Mapping[str, pd.DataFrame]) -> "Figure":
    """Mean r2 of pairs of variants by their distance.

    Parameters
    ----------
    synthetic
        Columns ``distance``, ``real``, ``synthetic``.
    references
        Name to a table of the same columns, of which ``synthetic`` is drawn.
    """
    figure, (axes,) = new_figure(width=6.8, height=4.2)
    axes.plot(synthetic["distance"], synthetic["real"], color="#1b1f24", label="real", linewidth=2.4)
    axes.plot(synthetic["distance"], synthetic["synthetic"], label="synthetic", **series_look(1))
    for index, (name, table) in enumerate(references.items()):
        axes.plot(
            table["distance"],
            table["synthetic"],
            color=(MUTED, PALETTE[0], PALETTE[3])[index % 3],
            linestyle=(":", "--", "-.")[index % 3],
            linewidth=1.4,
            label=name,
        )
    if len(synthetic) and synthetic["distance"].max() > 50 * synthetic["distance"].min():
        axes.set_xscale("log")
    axes.set(xlabel="distance (base pairs)", ylabel="mean r²")
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside lower left", ncols=3)
    return figure


@styled
def closest_record_distances(synthetic: np.ndarray, held_out: np.ndarray) -> "Figure":
    """Distances to the nearest training row, of synthetic and of held-out rows.

    Parameters
    ----------
    synthetic, held_out
        Shape (row,), in alleles.
    """
    figure, (axes,) = new_figure(width=5.4, height=3.8)
    everything = np.concatenate([synthetic, held_out])
    edges = np.linspace(everything.min() - 0.5, everything.max() + 0.5, 41)
    for values, name in ((held_out, "held out"), (synthetic, "synthetic")):
        weights = np.full(len(values), 1 / len(values))
        axes.hist(
            values,
            edges,
            weights=weights,
            histtype="stepfilled",
            alpha=0.45,
            color=_SET_COLOURS[name],
            label=name,
        )
    axes.set(xlabel="alleles by which the nearest training row differs", ylabel="share")
    figure.legend(loc="outside lower left", ncols=2)
    return figure


@styled
def overlay(
    sets: Mapping[str, np.ndarray], *, axes_label: str = "component", most_points: int = 2000, seed: int = 0
) -> "Figure":
    """Real, held-out and synthetic rows in two dimensions, drawn in random order so that none hides another.

    Parameters
    ----------
    sets
        ``real``, ``held out`` and ``synthetic`` to points, shape (row, 2).
    axes_label
        What the axes are, numbered 1 and 2.
    most_points
        Points drawn of each set.
    seed
        Of their choice and order.
    """
    figure, (axes,) = new_figure(width=5.4, height=4.9)
    rng = np.random.default_rng(seed)
    chosen = {name: points[rng.permutation(len(points))[:most_points], :2] for name, points in sets.items()}
    points = np.concatenate(list(chosen.values()))
    colours = np.repeat([_SET_COLOURS[name] for name in chosen], [len(each) for each in chosen.values()])
    order = rng.permutation(len(points))
    axes.scatter(*points[order].T, c=colours[order], s=9, alpha=0.6, linewidths=0, rasterized=True)
    for name in chosen:
        axes.scatter([], [], c=_SET_COLOURS[name], s=30, label=name)
    axes.set(xlabel=f"{axes_label} 1", ylabel=f"{axes_label} 2", xticks=[], yticks=[])
    figure.legend(loc="outside lower left", ncols=3)
    return figure


@styled
def accuracy_by_fraction(table: pd.DataFrame, chance: float) -> "Figure":
    """Accuracy of classifiers by the share of real people they are trained on, with and without synthetic ones.

    Parameters
    ----------
    table
        Columns ``method``, ``fraction``, ``real``, ``real_and_synthetic``.
    chance
        Share of the commonest class.
    """
    figure, (axes,) = new_figure(width=6.8, height=4.2)
    for index, (method, rows) in enumerate(table.groupby("method", sort=False)):
        look = series_look(index)
        axes.plot(rows["fraction"], rows["real"], linestyle="--", **look)
        axes.plot(rows["fraction"], rows["real_and_synthetic"], label=method, **look)
    axes.axhline(chance, color=MUTED, linestyle=":", linewidth=1, label="chance")
    axes.plot([], [], color=MUTED, linestyle="--", label="real people alone")
    axes.plot([], [], color=MUTED, linestyle="-", label="with all synthetic people")
    axes.set_xscale("log")
    fractions = sorted(table["fraction"].unique())
    axes.set_xticks(fractions, [f"{fraction:.0%}" for fraction in fractions])
    axes.minorticks_off()
    axes.set(xlabel="share of real training people", ylabel="accuracy on held-out people")
    figure.legend(loc="outside lower left", ncols=4)
    return figure
