"""Figures of what a method rests on."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gds.report.style import MUTED, PALETTE, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HIGHLIGHT = PALETTE[1]


@styled
def block_importance(
    table: pd.DataFrame, *, n_shown: int = 20, highlighted: Collection[str] = ()
) -> "Figure":
    """The blocks with the largest share of the attributions.

    Parameters
    ----------
    table
        Columns ``block``, ``share``, ``least`` and ``most`` (over refits on resampled people) and ``permuted`` (95 %
        quantile with permuted labels); NaN is not drawn.
    n_shown
        How many.
    highlighted
        Names of blocks drawn in another colour, such as those with a published locus.
    """
    shown = table.sort_values("share", ascending=False, kind="stable").head(n_shown).iloc[::-1]
    figure, (axes,) = new_figure(width=6.8, height=1.4 + 0.24 * len(shown))
    rows = np.arange(len(shown))
    marked = shown["block"].isin(list(highlighted)).to_numpy()
    for chosen, colour, label in (
        (~marked, PALETTE[0], "block"),
        (marked, HIGHLIGHT, "block of a published locus"),
    ):
        if chosen.any():
            axes.barh(rows[chosen], shown["share"][chosen], color=colour, height=0.66, label=label)
    axes.hlines(rows, shown["least"], shown["most"], color="black", linewidth=1, label="resampled labels")
    if shown["permuted"].notna().any():
        axes.plot(
            shown["permuted"], rows, "|", color=MUTED, markersize=11, markeredgewidth=2,
            label="permuted labels, 95 % quantile",
        )  # fmt: skip
    axes.set_yticks(rows, [str(name) for name in shown["block"]])
    axes.set(xlabel="share of all attributions", ylim=(-0.6, len(shown) - 0.4), xlim=(0, None))
    axes.grid(axis="y", visible=False)
    figure.legend(loc="outside lower left", ncols=2)
    return figure
