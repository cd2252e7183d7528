"""Phenotype tables: one row a person, columns divided by tabs, commas or spaces."""

import csv
from pathlib import Path

import pandas as pd

from gds.errors import UserError, did_you_mean

ID_COLUMNS = ("id", "iid", "#iid", "sample", "sample_id", "s", "famid", "individual")


def read_phenotypes(path: str | Path, id_column: str | None = None) -> pd.DataFrame:
    """Read a table of phenotypes.

    The separator is that of the first line: a tab, a comma, or white space. Quotes around fields are
    removed. ``NA``, ``NaN`` and empty fields are missing; -9 is left for the caller to judge, since it may
    be a measurement.

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
        No such file or column, rows of different length, or repeated ids.
    """
    path = Path(path)
    try:
        with path.open(newline="") as file:
            header = file.readline()
    except OSError as error:
        raise UserError(f"phenotype table {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"phenotype table {path} is not a text file") from error
    separator = "\t" if "\t" in header else "," if "," in header else r"\s+"
    names = next(csv.reader([header.strip()], delimiter=separator)) if len(separator) == 1 else header.split()
    names = [name.strip().strip("\"'") for name in names]
    column = _id_column(names, id_column, path)
    try:
        table = pd.read_csv(
            path, sep=separator, dtype={column: str}, header=0, names=names, index_col=False,
            na_values=["NA", "NaN", "nan", ""], keep_default_na=False, skipinitialspace=True,
        )  # fmt: skip
    except pd.errors.ParserError as error:
        raise UserError(f"phenotype table {path}: a line has more columns than the header ({error})") from error
    ids = table[column].astype("string").str.strip().str.strip("\"'")
    if ids.isna().any():
        raise UserError(f"phenotype table {path}: line {int(ids.isna().argmax()) + 2} has no id in {column!r}")
    if ids.duplicated().any():
        raise UserError(f"phenotype table {path}: id {ids[ids.duplicated()].iloc[0]!r} occurs more than once")
    table = table.drop(columns=column)
    table.index = pd.Index(ids.astype(str), name="id")
    return table


def _id_column(names: list[str], asked: str | None, path: Path) -> str:
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
