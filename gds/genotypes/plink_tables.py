"""The text tables beside .bed and .pgen files: .fam, .bim, .psam, .pvar."""

import io
from pathlib import Path

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.files import atomic_path

NO_FAMILY = ("", "0", "NA")


def clean_chromosome(values: pd.Series) -> pd.Series:
    """Chromosome names without "chr", with X, Y and MT in capitals."""
    return values.astype(str).str.replace(r"^chr", "", case=False, regex=True).str.upper()


def _read(path: Path, header: int | None, minimum: int) -> pd.DataFrame:
    """A table whose columns are divided by any white space, as strings without their quotes."""
    try:
        text = path.read_text()
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist: it belongs beside the genotype file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a text file") from error
    if not text.strip():
        raise UserError(f"{path} is empty")
    try:
        table = pd.read_csv(
            io.StringIO(text), sep=r"\s+", header=header, dtype=str, quotechar='"', keep_default_na=False
        )
    except pd.errors.ParserError as error:
        raise UserError(f"{path}: lines with different numbers of columns ({error})") from error
    if table.shape[1] < minimum:
        raise UserError(f"{path}: expected at least {minimum} columns, found {table.shape[1]}")
    return table


def read_fam(path: str | Path) -> pd.DataFrame:
    """Samples of a .fam file: family, id, father, mother, sex, phenotype.

    A family id that is the person's own id, 0 or empty means no family. Where the second column repeats but
    the first does not (ids such as ``10002 1``, ``10004 1``), the first one is the id.
    """
    table = _read(Path(path), None, 5)
    family, ids = table[0], table[1]
    if ids.duplicated().any() and not family.duplicated().any():
        ids = family
    return _samples(ids, family, table[4], path)


def read_psam(path: str | Path) -> pd.DataFrame:
    """Samples of a .psam file; the ``#IID`` or ``#FID IID`` line names the columns."""
    path = Path(path)
    lines = path.read_text().splitlines() if path.is_file() else []
    header = next((i for i, line in enumerate(lines) if line.startswith(("#IID", "#FID"))), None)
    if header is None:
        if path.is_file() and lines:
            return read_fam(path)  # plink2: without a header line it is read as a .fam file
        raise UserError(f"{path} does not exist or is empty: it belongs beside the .pgen file")
    table = _read_from(path, lines[header:])
    family = table["FID"] if "FID" in table else pd.Series("", index=table.index)
    sex = table["SEX"] if "SEX" in table else pd.Series("0", index=table.index)
    return _samples(table["IID"], family, sex, path)


def _read_from(path: Path, lines: list[str]) -> pd.DataFrame:
    # Tab-separated files may hold spaces inside a field.
    separator = "\t" if "\t" in lines[0] else r"\s+"
    try:
        table = pd.read_csv(io.StringIO("\n".join(lines)), sep=separator, dtype=str, keep_default_na=False)
    except pd.errors.ParserError as error:
        raise UserError(f"{path}: lines with different numbers of columns ({error})") from error
    return table.rename(columns={table.columns[0]: table.columns[0].lstrip("#")})


def _samples(ids: pd.Series, family: pd.Series, sex: pd.Series, path: str | Path) -> pd.DataFrame:
    no_family = family.isin(NO_FAMILY) | (family == ids)
    codes = sex.str.upper().map({"1": 1, "M": 1, "MALE": 1, "2": 2, "F": 2, "FEMALE": 2}).fillna(0)
    samples = pd.DataFrame(
        {"id": ids.astype(str), "family": family.where(~no_family, ""), "sex": codes.astype(np.int8)}
    )
    repeated = samples["id"][samples["id"].duplicated()]
    if len(repeated):
        raise UserError(f"{path}: sample id {repeated.iloc[0]!r} occurs more than once; ids must be unique")
    return samples


def read_bim(path: str | Path) -> pd.DataFrame:
    """Variants of a .bim file: chromosome, id, centimorgans, position, A1, A2. A1 is the counted allele."""
    table = _read(Path(path), None, 6)
    return _variants(table[0], table[3], table[1], table[4], table[5], path)


def read_pvar(path: str | Path) -> pd.DataFrame:
    """Variants of a .pvar file; ALT is the counted allele. Without a header it is read as a .bim file."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path} does not exist: it belongs beside the .pgen file (a .pvar.zst must be unpacked)")
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("##")]
    if not lines:
        raise UserError(f"{path} is empty")
    if not lines[0].startswith("#CHROM"):
        return read_bim(path)
    table = _read_from(path, lines)
    absent = [name for name in ("POS", "ID", "REF", "ALT") if name not in table.columns]
    if absent:
        raise UserError(f"{path}: no column {', '.join(absent)} in the #CHROM line")
    return _variants(table["CHROM"], table["POS"], table["ID"], table["ALT"], table["REF"], path)


def _variants(
    chromosome: pd.Series, position: pd.Series, ids: pd.Series, effect: pd.Series, other: pd.Series, path: str | Path
) -> pd.DataFrame:
    numbers = pd.to_numeric(position, errors="coerce")
    if numbers.isna().any():
        row = int(np.argmax(numbers.isna()))
        raise UserError(f"{path}: variant {ids.iloc[row]!r} has position {position.iloc[row]!r}, expected a number")
    return pd.DataFrame(
        {
            "chromosome": clean_chromosome(chromosome),
            "position": numbers.astype(np.int64),
            "id": ids.astype(str),
            "effect_allele": effect.astype(str),
            "other_allele": other.astype(str),
        }
    )


def write_fam(samples: pd.DataFrame, path: str | Path) -> None:
    """Write a .fam file; people without a family get 0 as family id, as PLINK 2 writes it."""
    family = samples["family"].where(samples["family"] != "", "0")
    table = pd.DataFrame({0: family, 1: samples["id"], 2: 0, 3: 0, 4: samples["sex"], 5: -9})
    _write(table, path, header=False)


def write_psam(samples: pd.DataFrame, path: str | Path) -> None:
    """Write a .psam file with #FID, IID and SEX."""
    family = samples["family"].where(samples["family"] != "", "0")
    sex = samples["sex"].map({1: "1", 2: "2"}).fillna("NA")
    _write(pd.DataFrame({"#FID": family, "IID": samples["id"], "SEX": sex}), path)


def write_bim(variants: pd.DataFrame, path: str | Path) -> None:
    """Write a .bim file; the effect allele is A1."""
    columns = ["chromosome", "id", "cm", "position", "effect_allele", "other_allele"]
    _write(variants.assign(cm=0)[columns], path, header=False)


def write_pvar(variants: pd.DataFrame, path: str | Path) -> None:
    """Write a .pvar file; the effect allele is ALT."""
    names = {"chromosome": "#CHROM", "position": "POS", "id": "ID", "other_allele": "REF", "effect_allele": "ALT"}
    _write(variants[list(names)].rename(columns=names), path)


def _write(table: pd.DataFrame, path: str | Path, header: bool = True) -> None:
    with atomic_path(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False, header=header)
