"""One look for every figure: quiet axes, colours that the colour-blind can tell apart."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")

# Okabe and Ito 2008, without the yellow that vanishes on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5A5A5A")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
CEILING = "#8a2be2"
INK, MUTED, GRID = "#1b1f24", "#6a737d", "#e3e6ea"

_STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#9aa1a9",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "savefig.facecolor": "white",
    "svg.hashsalt": "gds",
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.major.size": 3,
    "ytick.color": MUTED,
    "ytick.major.size": 3,
}


@contextmanager
def figure_style() -> Iterator[None]:
    """The style, in force while a figure is drawn or saved; global settings of matplotlib stay as they are."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        yield


def styled(draw: Callable[P, "Figure"]) -> Callable[P, "Figure"]:
    """Decorate a function that draws a figure, so that it is drawn in the style."""

    @wraps(draw)
    def in_style(*args: P.args, **kwargs: P.kwargs) -> "Figure":
        with figure_style():
            return draw(*args, **kwargs)

    return in_style


def new_figure(
    n_columns: int = 1, n_rows: int = 1, *, width: float = 6.4, height: float = 4.0
) -> tuple["Figure", list[Any]]:
    """An empty figure and its axes, row by row, outside pyplot's global state, for the Agg and SVG backends."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(n_rows, n_columns, squeeze=False).ravel())


def series_look(index: int) -> dict[str, Any]:
    """Colour and marker of the index-th series; 49 different ones."""
    colour = PALETTE[index % len(PALETTE)]
    return {"color": colour, "marker": MARKERS[(index + index // len(PALETTE)) % len(MARKERS)]}


def reference_lines(
    draw: Callable[..., Any], axes: "Axes", chance: float | None, ceiling: float | None
) -> None:
    """Draw chance (dotted) and ceiling (dashed) by an axes' ``axhline`` or ``axvline``; None: not drawn."""
    if chance is not None:
        draw(chance, color=MUTED, linestyle=":", linewidth=1.2, label=f"chance {chance:.3g}", zorder=0)
    if ceiling is not None:
        draw(ceiling, color=CEILING, linestyle="--", linewidth=1.2, label=f"ceiling {ceiling:.3g}", zorder=0)


def thousands(value: float, position: float | None = None) -> str:
    """Tick label of a count: 12k, 1.5M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
