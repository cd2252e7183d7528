"""Measured figures on a card: read from the ``metrics.json`` that every measuring command writes."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gds.errors import UserError
from gds.files import read_json

# The words under which metrics.json says whom or what a figure is about, and what it is held against.
_ABOUT = ("section", "method", "subset", "group")


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes
    ----------
    name
        The metric, e.g. ``"auroc"``.
    value
        What was measured.
    about
        Method, group or table; "" for none.
    lower, upper
        Ends of its interval; None where there is none.
    reference
        What it is held against, e.g. real half against real half; "" for nothing.
    """

    name: str
    value: float
    about: str = ""
    lower: float | None = None
    upper: float | None = None
    reference: str = ""

    @property
    def interval(self) -> str:
        """The ends as text."""
        return "" if self.lower is None or self.upper is None else f"{self.lower:.3g} to {self.upper:.3g}"


def read_figures(path: str | Path) -> list[Figure]:
    """Figures of a ``metrics.json``: a list of rows, or an object with one under ``metrics`` or ``figures``.

    A row names its metric (``metric`` or ``name``) and has a ``value``; it may have ``lower`` and ``upper`` or
    ``interval``, a ``reference`` or several ``references`` by name, and words that say what it is about (``method``,
    ``section``, ...). Rows without a finite value are left out, for such a figure was not measured.

    Raises
    ------
    UserError
        The file is missing or is of another form.
    """
    content = read_json(path)
    rows = content.get("metrics", content.get("figures")) if isinstance(content, dict) else content
    if isinstance(rows, dict):
        rows = list(_rows_of_groups(rows))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UserError(
            f"{path}: expected a list of figures under 'metrics', as gds finetune and gds evaluate write"
        )
    figures = []
    for row in rows:
        name = row.get("metric", row.get("name"))
        value = _finite(row.get("value"))
        if name is None or "value" not in row:
            raise UserError(
                f"{path}: expected 'metric' and 'value' in each row, found {', '.join(row) or 'nothing'}"
            )
        if value is None:
            continue
        lower, upper = row.get("lower"), row.get("upper")
        if isinstance(row.get("interval"), list) and len(row["interval"]) == 2:
            lower, upper = row["interval"]
        about = ", ".join(str(row[word]) for word in _ABOUT if row.get(word) not in (None, ""))
        figures.append(Figure(str(name), value, about, _finite(lower), _finite(upper), _references(row)))
    return figures


def _rows_of_groups(groups: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Rows of tables by name, as ``gds predict`` writes them."""
    for name, rows in groups.items():
        for row in rows if isinstance(rows, list) else []:
            yield {"subset": name, **row}


def _references(row: dict[str, Any]) -> str:
    named = row.get("references") or {"": row.get("reference")}
    found = {name.replace("_", " "): _finite(value) for name, value in named.items()}
    return ", ".join(f"{name} {value:.3g}".strip() for name, value in found.items() if value is not None)


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def table(figures: list[Figure]) -> str:
    """Figures as a Markdown table; columns that would be empty are left out."""
    columns = {
        "about": [figure.about for figure in figures],
        "figure": [figure.name for figure in figures],
        "value": [f"{figure.value:.3g}" for figure in figures],
        "95 % interval": [figure.interval for figure in figures],
        "reference": [figure.reference for figure in figures],
    }
    shown = {name: cells for name, cells in columns.items() if any(cells)}
    lines = [f"| {' | '.join(shown)} |", "|" + "---|" * len(shown)]
    for cells in zip(*shown.values(), strict=True):
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)
