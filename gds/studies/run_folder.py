"""A folder that ``gds pretrain`` or ``gds finetune`` left, read back to be compared with others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gds.errors import UserError
from gds.files import RUN_RECORD, read_json


@dataclass(frozen=True)
class RunFolder:
    """What a run left.

    Attributes
    ----------
    folder
        Where.
    record
        Content of ``run.json``.
    curves
        Content of ``curves.csv``: ``step``, ``epoch``, ``samples_seen``, ``split``, ``metric``, ``value``; None
        where nothing was logged.
    noise_levels
        Content of ``noise_levels.csv``: reconstruction error by timestep of a diffusion model, or None.
    metrics
        Content of ``metrics.csv`` of a fine-tuning run: ``method``, ``role``, ``metric``, ``value``, ``lower``,
        ``upper`` on its test people; or None.
    """

    folder: Path
    record: dict[str, Any]
    curves: pd.DataFrame | None
    noise_levels: pd.DataFrame | None
    metrics: pd.DataFrame | None

    def options(self) -> dict[str, Any]:
        """What was chosen for the run, flat: ``model.hidden_size``, ``training.learning_rate``, ``seed``, ..."""
        chosen = {name: self.record.get(name) for name in ("seed", "training_people", "genome_build")}
        chosen |= self.record.get("config") or {}
        chosen |= self.record.get("options") or {}
        chosen["versions"] = self.record.get("versions") or {}
        chosen["inputs"] = [digest[:12] for digest in (self.record.get("inputs") or {}).values()]
        return dict(_flatten(chosen))


def read_run(folder: str | Path) -> RunFolder:
    """Read the folder of a run.

    Raises
    ------
    UserError
        It is not one.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder} is no directory: expected the --out of gds pretrain or gds finetune")
    tables = {
        name: pd.read_csv(folder / f"{name}.csv") if (folder / f"{name}.csv").is_file() else None
        for name in ("curves", "noise_levels", "metrics")
    }
    if not (folder / RUN_RECORD).is_file() or (tables["curves"] is None and tables["metrics"] is None):
        raise UserError(
            f"{folder} holds no finished run: expected {RUN_RECORD} beside curves.csv (gds pretrain) or metrics.csv "
            "(gds finetune)"
        )
    return RunFolder(folder, read_json(folder / RUN_RECORD), **tables)


def short_names(folders: Iterable[Path]) -> list[str]:
    """The shortest endings of the paths that tell them apart.

    Raises
    ------
    UserError
        A folder is named twice.
    """
    parts = [folder.resolve().parts for folder in folders]
    if len(set(parts)) < len(parts):
        raise UserError("a run is named twice: give different folders")
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-length:]) for part in parts]
        if len(set(names)) == len(names):
            break
    return names


def differing_options(runs: Mapping[str, RunFolder]) -> pd.DataFrame:
    """Options that are not the same in all runs: one row an option, one column a run, None where it has none."""
    table = pd.DataFrame({name: pd.Series(run.options(), dtype=object) for name, run in runs.items()})
    table = table.astype(object).where(table.notna(), None)
    return table[[len({str(value) for value in row}) > 1 for row in table.to_numpy()]]


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value) if isinstance(value, list) else value


def people_seen(folder: Path) -> pd.Index:
    """Ids of the people an encoder was trained or validated on; empty where that is not known."""
    table = folder / "people.tsv"
    if not table.is_file():
        return pd.Index([], dtype=str)
    return pd.Index(pd.read_csv(table, sep="\t", dtype=str, keep_default_na=False)["id"])
