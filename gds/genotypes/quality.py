"""What quality control removed and why: one report for the screen and for ``qc.json``."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gds.files import atomic_path, write_json

# qc.json names so many; the tables beside it name all.
_EXAMPLES = 20
_REMOVED_COLUMNS = ["id", "filter", "value", "limit"]


@dataclass(frozen=True)
class Filtered:
    """What a set of filters kept of the people or variants that it was given.

    Attributes
    ----------
    kept
        Indices into the source, ascending, int64, shape (kept,).
    table
        Every statistic that was computed; one row per person or variant given, index: its index in the source.
    removed
        Columns id, filter, value, limit; index as in ``table``. One row for each filter that something failed,
        so that a person can occur more than once.
    steps
        For each filter, in order: filter, limit, checked, removed (numbers), note.
    """

    kept: np.ndarray
    table: pd.DataFrame
    removed: pd.DataFrame
    steps: list[dict[str, Any]]


class FilterSteps:
    """Collects the filters that are applied to one table."""

    def __init__(self, table: pd.DataFrame, ids: np.ndarray):
        self._table = table
        self._ids = np.asarray(ids, dtype=object)
        self._removed: list[pd.DataFrame] = []
        self._steps: list[dict[str, Any]] = []

    def remove(
        self,
        name: str,
        fails: np.ndarray,
        value: np.ndarray,
        limit: str,
        checked: int | None = None,
        note: str = "",
    ) -> None:
        """Record a filter: who fails it (bool, shape (row,)), by which value, against which limit."""
        rows = pd.DataFrame({"id": self._ids[fails], "filter": name, "value": np.asarray(value)[fails]})
        self._removed.append(rows.assign(limit=limit).set_index(self._table.index[fails]))
        self._steps.append(
            {
                "filter": name,
                "limit": limit,
                "checked": len(fails) if checked is None else int(checked),
                "removed": int(fails.sum()),
                "note": note,
            }
        )

    def skip(self, name: str, why: str) -> None:
        """Record a filter that could not be applied."""
        self._steps.append(
            {"filter": name, "limit": "", "checked": 0, "removed": 0, "note": f"skipped: {why}"}
        )

    def result(self) -> Filtered:
        """Keep what no filter removed."""
        some = [rows for rows in self._removed if len(rows)]
        removed = pd.concat(some) if some else pd.DataFrame(columns=_REMOVED_COLUMNS)
        kept = np.setdiff1d(self._table.index.to_numpy(np.int64), removed.index.to_numpy(np.int64))
        return Filtered(kept, self._table, removed, self._steps)


@dataclass
class QCReport:
    """The steps of quality control in the order they were taken.

    ``print(report)`` shows a short table; :meth:`write` leaves ``qc.json`` and, when anything was removed,
    ``qc_removed_people.tsv`` and ``qc_removed_variants.tsv``, which name individuals and so stay local.
    """

    parts: dict[str, Filtered] = field(default_factory=dict)
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, what: str, filtered: Filtered) -> None:
        """Add filters of ``"people"`` or ``"variants"``."""
        self.parts[what] = filtered

    def add_counts(self, what: str, counts: dict[str, Any]) -> None:
        """Add counts that no filter made, such as the groups of relatives or the blocks."""
        self.counts[what] = counts

    def to_dict(self) -> dict[str, Any]:
        """What ``qc.json`` holds."""
        summary: dict[str, Any] = {}
        for what, filtered in self.parts.items():
            removed = filtered.removed
            summary[what] = {
                "given": len(filtered.table),
                "kept": len(filtered.kept),
                "filters": [
                    step
                    | {
                        "examples": removed.loc[removed["filter"] == step["filter"], "id"].tolist()[
                            :_EXAMPLES
                        ]
                    }
                    for step in filtered.steps
                ],
            }
        return summary | self.counts

    def write(self, folder: str | os.PathLike[str]) -> Path:
        """Write ``qc.json`` and the tables of what was removed; returns the path of ``qc.json``."""
        folder = Path(folder)
        for what, filtered in self.parts.items():
            with atomic_path(folder / f"qc_removed_{what}.tsv") as path:
                filtered.removed.to_csv(path, sep="\t", index=False)
        write_json(folder / "qc.json", self.to_dict())
        return folder / "qc.json"

    def __str__(self) -> str:
        return quality_table(self.to_dict())


def quality_table(summary: dict[str, Any]) -> str:
    """What ``qc.json`` holds as a table for the screen: a line a filter, then the counts."""
    lines = [f"{'':<10}{'filter':<28}{'limit':<24}{'checked':>10}{'removed':>9}"]
    for what, found in summary.items():
        if "filters" not in found:
            described = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in found.items())
            lines.append(f"{what:<9} {described}")
            continue
        for step in found["filters"]:
            row = f"{what:<10}{step['filter']:<28}{step['limit']:<24}{step['checked']:>10,}{step['removed']:>9,}"
            lines.append(f"{row}  {step['note']}".rstrip())
        lines.append(f"{what:<10}kept {found['kept']:,} of {found['given']:,}")
    return "\n".join(lines)
