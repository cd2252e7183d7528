"""Gene files (glist, GTF, BED) read as one table of intervals, 1-based and inclusive."""

import gzip
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gds.errors import UserError

# PLINK's numeric codes of the human sex chromosomes, and the names that assemblies use for the same sequence.
_HUMAN_CODES = {"23": "X", "24": "Y", "25": "XY", "26": "MT"}
_ALIASES = {"M": "MT", "MITO": "MT"}
_PLINK_BED_MAGIC = b"\x6c\x1b"
_GTF_ATTRIBUTE = {key: re.compile(rf'\b{key} "([^"]*)"') for key in ("gene_name", "gene_id")}


def chromosome_keys(names: pd.Series | np.ndarray) -> np.ndarray:
    """Names of chromosomes brought to one spelling, so that ``chr1`` meets ``1`` and ``23`` meets ``X``.

    PLINK's numeric codes 23-26 are translated unless a higher number shows that the species has more
    chromosomes than people do.

    Parameters
    ----------
    names
        Shape (row,).

    Returns
    -------
    numpy.ndarray
        Strings, shape (row,).
    """
    codes, distinct = pd.factorize(np.asarray(names, dtype=object))
    bare = [re.sub(r"^chr", "", str(name), flags=re.IGNORECASE).upper() for name in distinct]
    bare = [_ALIASES.get(name, name) for name in bare]
    if not any(name.isdigit() and int(name) > 26 for name in bare):
        bare = [_HUMAN_CODES.get(name, name) for name in bare]
    return np.asarray(bare, dtype=object)[codes] if len(bare) else np.empty(0, dtype=object)


def read_gene_file(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read the intervals of genes.

    The name decides the format: ``.gtf`` (1-based; its ``gene`` rows, or ``transcript`` rows if it has
    none), ``.bed`` (0-based, half-open), anything else a glist: ``chromosome start end name`` (1-based), with
    or without a header line. Each may be compressed (``.gz``).

    Parameters
    ----------
    path
        The gene file.

    Returns
    -------
    pandas.DataFrame
        Columns chromosome (spelt as :func:`chromosome_keys` does), start and end (int64, 1-based, inclusive)
        and name; one row per interval of the file, in its order.

    Raises
    ------
    UserError
        The file is missing, is a genotype file, has a malformed line, or holds no gene.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(
            f"no gene file at {path}: blocks are given as a glist, GTF or BED file, window:N, kb:N or ld:R2"
        )
    with path.open("rb") as file:
        if file.read(2) == _PLINK_BED_MAGIC:
            raise UserError(
                f"{path} holds genotypes (PLINK's binary .bed): a gene file in BED format is a text table"
            )
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    parse = {".gtf": _parse_gtf, ".bed": _parse_bed}.get(suffix, _parse_glist)
    rows = list(parse(path))
    if not rows:
        raise UserError(f"{path} holds no gene")
    table = pd.DataFrame(rows, columns=["chromosome", "start", "end", "name"])
    return table.assign(
        chromosome=chromosome_keys(table["chromosome"]),
        start=table["start"].astype(np.int64),
        end=table["end"].astype(np.int64),
    )


_Row = tuple[str, int, int, str]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    opener = gzip.open if path.name.endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                line = line.strip()
                if line and not line.startswith("#"):
                    yield number, line
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise UserError(
            f"{path} is not a readable text file ({error}): expected a glist, GTF or BED"
        ) from error


def _interval(path: Path, number: int, fields: list[str], expected: str) -> tuple[int, int]:
    try:
        start, end = (int(field) for field in fields)
    except ValueError as error:
        raise UserError(
            f"{path}, line {number}: expected {expected}, "
            f"found {' '.join(fields)!r} where start and end should be"
        ) from error
    if start > end or start < 0:
        raise UserError(f"{path}, line {number}: the interval {start}-{end} ends before it starts")
    return start, end


def _parse_glist(path: Path) -> Iterator[_Row]:
    expected = "'chromosome start end name'"
    for index, (number, line) in enumerate(_lines(path)):
        fields = line.split()
        if len(fields) < 4:
            raise UserError(
                f"{path}, line {number}: expected {expected}, found {len(fields)} fields: {line[:80]!r}"
            )
        if index == 0 and {fields[1].lower(), fields[2].lower()} == {"start", "end"}:
            continue
        start, end = _interval(path, number, fields[1:3], expected)
        yield fields[0], start, end, fields[3]


def _parse_bed(path: Path) -> Iterator[_Row]:
    expected = "'chromosome start end name' (0-based, half-open)"
    for number, line in _lines(path):
        fields = line.split("\t") if "\t" in line else line.split()
        if fields[0].split()[0] in ("track", "browser"):
            continue
        if len(fields) < 4:
            raise UserError(
                f"{path}, line {number}: expected {expected}, found {len(fields)} fields: {line[:80]!r}"
            )
        start, end = _interval(path, number, fields[1:3], expected)
        if start == end:
            raise UserError(
                f"{path}, line {number}: the interval {start}-{end} is empty (BED excludes its end)"
            )
        yield fields[0], start + 1, end, fields[3]


def _parse_gtf(path: Path) -> Iterator[_Row]:
    by_feature: dict[str, list[_Row]] = {"gene": [], "transcript": []}
    for number, line in _lines(path):
        fields = line.split("\t")
        if len(fields) != 9:
            raise UserError(
                f"{path}, line {number}: expected 9 tab-separated fields (GTF), "
                f"found {len(fields)}: {line[:80]!r}"
            )
        if fields[2] not in by_feature:
            continue
        start, end = _interval(path, number, fields[3:5], "9 fields (GTF)")
        found = [match[1] for key in _GTF_ATTRIBUTE if (match := _GTF_ATTRIBUTE[key].search(fields[8]))]
        name = next(filter(None, found), None)
        if name is None:
            raise UserError(
                f'{path}, line {number}: expected gene_name "..." or gene_id "..." in the attributes, '
                f"found {fields[8][:80]!r}"
            )
        by_feature[fields[2]].append((fields[0], start, end, name))
    yield from by_feature["gene"] or by_feature["transcript"]
