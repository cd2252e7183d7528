"""Figures of people and genotypes: who lies near whom, and whether synthetic people resemble real ones."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.report.style import MUTED, PALETTE, new_figure, series_look, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def embedding_scatter(
    points: np.ndarray, colour: Sequence[Any] | pd.Series, label: str, *, axes_label: str = "component"
) -> "Figure":
    """People in two dimensions, coloured by a column.

    Parameters
    ----------
    points
        Shape (sample, 2).
    colour
        One value a person: text or few whole numbers are categories, other numbers a scale.
    label
        What the colour means.
    axes_label
        What the axes are, numbered 1 and 2.
    """
    figure, (axes,) = new_figure(width=6.8, height=5.0)
    colour = pd.Series(np.asarray(colour))
    size = float(np.clip(4000 / max(1, len(points)), 4, 28))
    if pd.api.types.is_numeric_dtype(colour) and (colour.nunique() > 12 or (colour.dropna() % 1).any()):
        drawn = axes.scatter(*points.T, c=colour, s=size, cmap="viridis", linewidths=0, rasterized=True)
        figure.colorbar(drawn, label=label)
    else:
        categories = sorted(colour.dropna().unique(), key=str)
        for index, category in enumerate(categories):
            look = series_look(index)
            rows = (colour == category).to_numpy()
            axes.scatter(
                *points[rows].T, c=look["color"], marker=look["marker"], s=size, alpha=0.75, linewidths=0,
                label=str(category), rasterized=True,
            )  # fmt: skip
        missing = colour.isna().to_numpy()
        if missing.any():
            axes.scatter(
                *points[missing].T, c="#c6cbd1", s=size, linewidths=0, label="missing", rasterized=True
            )
        figure.legend(
            loc="outside right upper", title=label, markerscale=6 / size**0.5, ncols=1 + len(categories) // 20
        )
    axes.set(xlabel=f"{axes_label} 1", ylabel=f"{axes_label} 2", xticks=[], yticks=[])
    return figure


@styled
def allele_frequencies(
    real: np.ndarray, synthetic: np.ndarray, *, correlation: float | None = None
) -> "Figure":
    """Allele frequency of each variant among synthetic people against that among real people.

    Parameters
    ----------
    real, synthetic
        Effect-allele frequencies, shape (variant,).
    correlation
        Written into the corner.
    """
    if np.shape(real) != np.shape(synthetic):
        raise UserError(
            f"{np.shape(real)} real and {np.shape(synthetic)} synthetic frequencies: expected as many"
        )
    figure, (axes,) = new_figure(width=5.2, height=5.0)
    axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1)
    axes.scatter(real, synthetic, s=9, alpha=0.4, color=PALETTE[0], linewidths=0, rasterized=True)
    if correlation is not None:
        axes.text(0.04, 0.95, f"r = {correlation:.3f}", transform=axes.transAxes, va="top")
    axes.set(xlabel="frequency, real", ylabel="frequency, synthetic", xlim=(0, 1), ylim=(0, 1))
    axes.set_box_aspect(1)
    return figure
