"""Phenotype tables: one row a person, columns divided by tabs, commas or spaces."""

import csv
import io
from pathlib import Path

import pandas as pd

from gds.errors import UserError, did_you_mean
from gds.genotypes.matrix import check_unique_ids

ID_COLUMNS = ("id", "iid", "#iid", "sample", "sample_id", "s", "famid", "individual")
_MISSING = ["NA", "NaN", "nan", "N/A", "."]
_PLINK_MISSING = -9


def read_phenotypes(path: str | Path, id_column: str | None = None) -> pd.DataFrame:
    """Read a table of phenotypes.

    The separator is that of the first line: a tab, a comma, or white space. Quotes around fields are
    removed. ``NA``, ``NaN``, ``.`` and empty fields are missing. So is PLINK's -9, except in a column that
    holds other negative numbers, where it is a measurement.

    Parameters
    ----------
    path
        Text file with a header line.
    id_column
        Column with the sample ids; None to find one called id, IID, #IID, sample, ...

    Returns
    -------
    pandas.DataFrame
        Indexed by id (str); columns of numbers are numeric.

    Raises
    ------
    UserError
        No such file or column, rows of different length, or ids that are missing or repeated.
    """
    path = Path(path)
    lines = _lines(path)
    separator = "\t" if "\t" in lines[0] else "," if "," in lines[0] else " "
    rows = list(csv.reader(lines, delimiter=separator, skipinitialspace=True)) if separator != " " else (
        [next(csv.reader([" ".join(line.split())], delimiter=" ")) for line in lines]
    )  # fmt: skip
    names = _strip_end([name.strip() for name in rows[0]])
    column = _id_column(names, id_column, path)
    for number, row in enumerate(rows[1:], start=2):
        if len(_strip_end(row)) > len(names) or len(row) < len(names):
            raise UserError(
                f"phenotype table {path}, line {number}: expected {len(names)} columns as in the header, "
                f"found {len(row)}: {lines[number - 1][:80]!r}"
            )
    # Written out and read again, so that pandas decides which columns are numbers.
    plain = io.StringIO()
    csv.writer(plain).writerows(row[: len(names)] for row in [names, *rows[1:]])
    plain.seek(0)
    table = pd.read_csv(
        plain, dtype={column: str}, na_values=["", *_MISSING], keep_default_na=False, skipinitialspace=True
    )
    ids = table[column].str.strip()
    if ids.isna().any():
        raise UserError(
            f"phenotype table {path}, line {int(ids.isna().argmax()) + 2}: no id in column {column!r}"
        )
    check_unique_ids(ids, f"phenotype table {path}")
    table = table.drop(columns=column)
    for name in table.columns[[pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]]:
        negative = table[name][table[name] < 0]
        if len(negative) and (negative == _PLINK_MISSING).all():
            table[name] = table[name].mask(table[name] == _PLINK_MISSING)
    table.index = pd.Index(ids.astype(object), name="id")
    return table


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"phenotype table {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"phenotype table {path} is not a text file: save it with columns divided by tabs or commas"
        ) from error
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        raise UserError(
            f"phenotype table {path} has no rows: expected a header line and a line for each person"
        )
    return lines


def _strip_end(fields: list[str]) -> list[str]:
    """Fields without the empty ones that separators at the end of a line make."""
    while fields and not fields[-1].strip():
        fields = fields[:-1]
    return fields


def _id_column(names: list[str], asked: str | None, path: Path) -> str:
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise UserError(f"phenotype table {path}: two columns are called {repeated.pop()!r}")
    if asked is not None:
        if asked not in names:
            raise UserError(f"--id-column {asked}: no such column in {path}; {did_you_mean(asked, names)}")
        return asked
    found = [name for known in ID_COLUMNS for name in names if name.lower() == known]
    if not found:
        raise UserError(
            f"phenotype table {path}: none of its columns ({', '.join(names[:10])}) is called "
            f"{', '.join(ID_COLUMNS)}: name the id column with --id-column"
        )
    return found[0]
