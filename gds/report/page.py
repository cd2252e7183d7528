"""One self-contained HTML page: no network, no script, images inside, every string escaped."""

import base64
import io
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.files import atomic_path
from gds.provenance import NOT_CLINICAL
from gds.report.style import figure_style

if TYPE_CHECKING:
    from jinja2 import Template
    from matplotlib.figure import Figure

Tone = Literal["good", "caution", "bad", "neutral"]
TONES: dict[str, tuple[str, str]] = {  # sign and word: colour is never the only carrier of meaning
    "good": ("✓", "Good"),
    "caution": ("!", "Caution"),
    "bad": ("✕", "Warning"),
    "neutral": ("i", "Note"),
}
NARROW = 560  # CSS pixels; two figures up to this wide that follow each other stand side by side
SHORT = 24  # characters; columns of shorter cells are not wrapped
LARGEST_SVG = 400_000  # bytes; figures of many points are smaller as PNG

NumberFormat = str | Callable[[Any], str]


@dataclass
class _Section:
    heading: str
    paragraphs: list[str]
    items: list[dict[str, Any]] = field(default_factory=list)


class Page:
    """A report, filled from the top and written once.

    Verdicts and key figures stand above everything else, whenever they are added; tables and figures
    belong to the section added last.

    Parameters
    ----------
    title, subtitle
        What was done, and to whom.
    """

    def __init__(self, title: str, subtitle: str = "") -> None:
        self.title = title
        self.subtitle = subtitle
        self._verdicts: list[dict[str, str]] = []
        self._numbers: list[dict[str, str]] = []
        self._sections: list[_Section] = []
        self._record: dict[str, Any] | None = None

    def add_verdict(self, text: str, tone: Tone = "neutral") -> None:
        """State a conclusion at the top of the page.

        Parameters
        ----------
        text
            One or two sentences, the rule behind them included.
        tone
            ``good``, ``caution``, ``bad`` or ``neutral``.
        """
        if tone not in TONES:
            raise UserError(f"tone {tone!r}: expected one of {', '.join(TONES)}")
        sign, word = TONES[tone]
        self._verdicts.append({"text": text, "tone": tone, "sign": sign, "word": word})

    def add_number(self, value: str, label: str, note: str = "") -> None:
        """Show one big figure at the top, e.g. ``0.741``, ``AUROC, ridge``, ``95 % interval 0.70 to 0.78``."""
        self._numbers.append({"value": value, "label": label, "note": note})

    def add_section(self, heading: str, text: str = "") -> None:
        """Start a section; blank lines in the text separate paragraphs."""
        paragraphs = [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]
        self._sections.append(_Section(heading, paragraphs))

    def add_table(
        self, table: pd.DataFrame, caption: str, formats: Mapping[str, NumberFormat] | None = None
    ) -> None:
        """Show a table.

        Parameters
        ----------
        table
            The index is shown unless it is the default one.
        caption
            What it shows and how to read it.
        formats
            Column to format specification, e.g. ``".3f"``, or function; default: three decimals, whole numbers
            with thousands separated. Missing values are shown as a dash.
        """
        formats = formats or {}
        unknown = [name for name in formats if name not in table.columns]
        if unknown:
            raise UserError(f"format for column {unknown[0]!r}, which the table does not have")
        shown = table
        if not isinstance(table.index, pd.RangeIndex) or table.index.name:
            # With reset_index an index and a column of one name would clash.
            index = table.index.to_frame(index=False)
            index.columns = ["" if name is None else str(name) for name in table.index.names]
            shown = pd.concat([index, table.reset_index(drop=True)], axis=1)
        columns = []
        for position, name in enumerate(shown.columns):
            column = shown.iloc[:, position]
            numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
            cells = [_cell(value, formats.get(name)) for value in column]
            kind = "number" if numeric or name in formats else "text"
            if kind == "text" and max(map(len, cells), default=0) <= SHORT:
                kind = "short"
            columns.append({"name": str(name), "kind": kind, "cells": cells})
        rows = list(zip(*(column["cells"] for column in columns), strict=True))
        self._last_section().items.append(
            {"kind": "table", "columns": columns, "rows": rows, "caption": caption}
        )

    def add_figure(self, figure: "Figure", caption: str, alt: str) -> None:
        """Show a figure, embedded as SVG, or as PNG where that is smaller.

        Parameters
        ----------
        figure
            Of :mod:`gds.report.figures`.
        caption
            How to read it.
        alt
            What it shows, for those who cannot see it.
        """
        source, width = _embedded(figure)
        shown = {"source": source, "width": width, "caption": caption, "alt": alt}
        items = self._last_section().items
        previous = items[-1] if items else {}
        if width <= NARROW and previous.get("kind") == "narrow figures" and len(previous["figures"]) == 1:
            previous["figures"].append(shown)
        else:
            items.append({"kind": "narrow figures" if width <= NARROW else "figure", "figures": [shown]})

    def add_record(self, record: Mapping[str, Any]) -> None:
        """Show what it takes to run this again (:func:`gds.provenance.run_record`), folded, at the end."""
        self._record = dict(record)

    def html(self) -> str:
        """The page as text."""
        return _template().render(
            title=self.title,
            subtitle=self.subtitle,
            verdicts=self._verdicts,
            numbers=self._numbers,
            sections=self._sections,
            record=None if self._record is None else [(k, _as_text(v)) for k, v in self._record.items()],
            not_clinical=NOT_CLINICAL,
        )

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the page, whole or not at all."""
        with atomic_path(path) as temporary:
            temporary.write_text(self.html(), encoding="utf-8")

    def _last_section(self) -> _Section:
        if not self._sections:
            self.add_section("")
        return self._sections[-1]


def format_interval(value: float, lower: float, upper: float, digits: int = 3) -> str:
    """A value with its interval: ``0.741 (0.702–0.780)``; without one: ``0.741``."""
    if math.isnan(value):
        return "–"
    if math.isnan(lower) or math.isnan(upper):
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} ({lower:.{digits}f}–{upper:.{digits}f})"


def _cell(value: Any, wanted: NumberFormat | None) -> str:
    if value is None or value is pd.NA or (isinstance(value, float | np.floating) and math.isnan(value)):
        return "–"
    if callable(wanted):
        return wanted(value)
    if wanted is not None:
        return format(value, wanted)
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        number = float(value)
        return f"{number:.3f}" if 0.001 <= abs(number) < 1e6 or number == 0 else f"{number:.3g}"
    return str(value)


def _embedded(figure: "Figure") -> tuple[str, int]:
    """Data URI of the figure, and its width in CSS pixels."""
    width = round(figure.get_figwidth() * 100)
    with figure_style():
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, dpi=200)
        kind = "svg+xml"
        if buffer.tell() > LARGEST_SVG:
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", dpi=200)
            kind = "png"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}", width


def _as_text(value: Any) -> str:
    if isinstance(value, Mapping | Sequence) and not isinstance(value, str):
        return json.dumps(value, indent=2, default=str)
    return str(value)


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(files("gds.report").joinpath("page.html").read_text(encoding="utf-8"))
