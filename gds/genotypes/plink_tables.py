"""The text tables beside .bed and .pgen files: .fam, .bim, .psam, .pvar.

All may be separated by tabs or spaces, and fields may be quoted. Every reader returns what
:class:`gds.genotypes.GenotypeSource` promises; every writer is read by plink2 and plink 1.9.
"""

import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.files import atomic_path
from gds.genotypes.matrix import check_unique_ids
from gds.genotypes.variant_rules import NO_ALLELE, clean_variants

_NO_FAMILY = ("", "0", "NA")
_SEXES = {"1": 1, "M": 1, "MALE": 1, "2": 2, "F": 2, "FEMALE": 2}


def read_fam(path: str | Path) -> pd.DataFrame:
    """Samples of a .fam file: family, id, father, mother, sex, phenotype (which is not read).

    A family id that is the person's own id, 0 or empty means no family. Where the second column repeats but
    the first does not (ids such as ``10002 1``, ``10004 1``), the first one is the id; where only both
    together are unique, the id is ``FAMILY_ID``.

    Raises
    ------
    UserError
        The file is missing or malformed, or ids repeat.
    """
    return _samples_of_fam(_split(Path(path), _text(Path(path)), None, ".fam", 5), Path(path))


def read_psam(path: str | Path) -> pd.DataFrame:
    """Samples of a .psam file; the ``#IID`` or ``#FID IID`` line names its columns.

    Without such a line it is read as a .fam file, as plink2 does.

    Raises
    ------
    UserError
        The file is missing or malformed, or ids repeat.
    """
    path = Path(path)
    text = _text(path)
    start = _line_that_starts(text, ("#IID", "#FID"))
    if start is None:
        return _samples_of_fam(_split(path, text, None, ".fam", 5), path)
    table = _split(path, text[start:].lstrip("#"), 0, ".psam", 1)
    if "IID" not in table:
        raise UserError(f"{path}: the header line names {', '.join(table)}, but no IID")
    nobody = pd.Series("0", index=table.index)
    return _samples(table["IID"], table.get("FID", nobody), table.get("SEX", nobody), path)


def _samples_of_fam(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    family, ids = table[0], table[1]
    if ids.duplicated().any():
        both = family + "_" + ids
        if not family.duplicated().any():
            ids = family
        elif not both.duplicated().any():
            ids = both
    return _samples(ids, family, table[4], path)


def _samples(ids: pd.Series, family: pd.Series, sex: pd.Series, path: Path) -> pd.DataFrame:
    check_unique_ids(ids, str(path))
    nobody = family.isin(_NO_FAMILY) | (family == ids)
    codes = sex.str.upper().map(_SEXES).fillna(0).astype(np.int8)
    return pd.DataFrame(
        {"id": ids.astype(object), "family": family.mask(nobody, "").astype(object), "sex": codes}
    )


def read_bim(path: str | Path) -> pd.DataFrame:
    """Variants of a .bim file: chromosome, id, centimorgans, position, A1, A2. A1 is the counted allele.

    Raises
    ------
    UserError
        The file is missing or malformed.
    """
    return _variants_of_bim(_split(Path(path), _text(Path(path)), None, ".bim", 6), Path(path))


def read_pvar(path: str | Path) -> pd.DataFrame:
    """Variants of a .pvar file, or of the .pvar.zst in its place; ALT is the counted allele.

    Without a ``#CHROM`` line it is read as a .bim file, as plink2 does.

    Raises
    ------
    UserError
        The file is missing or malformed.
    """
    path = Path(path)
    compressed = path.with_name(path.name + ".zst")
    if not path.is_file() and compressed.is_file():
        path = compressed
    text = _text(path)
    start = _line_that_starts(text, ("#CHROM",))
    if start is None:
        return _variants_of_bim(_split(path, text, None, ".bim", 6), path)
    table = _split(path, text[start:].lstrip("#"), 0, ".pvar", 5)
    absent = [name for name in ("POS", "ID", "REF", "ALT") if name not in table]
    if absent:
        raise UserError(f"{path}: the #CHROM line names no column {', '.join(absent)}")
    return clean_variants(table["CHROM"], table["POS"], table["ID"], table["ALT"], table["REF"], str(path))


def _variants_of_bim(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    return clean_variants(table[0], table[3], table[1], table[4], table[5], str(path))


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        beside = ".bed" if path.suffix in (".bim", ".fam") else ".pgen"
        raise UserError(
            f"{path} does not exist: it belongs beside the {beside} file of the same name"
        ) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    if path.suffix == ".zst":
        import pyarrow as pa

        content = pa.input_stream(io.BytesIO(content), compression="zstd").read()
    elif content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a text file: byte {error.start} is no UTF-8") from error
    if not text.strip():
        raise UserError(f"{path} is empty")
    return text


def _line_that_starts(text: str, beginnings: tuple[str, ...]) -> int | None:
    """Where the first line begins that starts like this."""
    if text.startswith(beginnings):
        return 0
    found = [place + 1 for beginning in beginnings if (place := text.find("\n" + beginning)) >= 0]
    return min(found, default=None)


def _split(path: Path, text: str, header: int | None, kind: str, minimum: int) -> pd.DataFrame:
    """A table of strings without their quotes; every line has the same number of columns."""
    # A tab-separated file may hold spaces inside a field, and empty fields.
    separator = "\t" if "\t" in text[: text.find("\n")] else r"\s+"
    try:
        table = pd.read_csv(
            io.StringIO(text), sep=separator, header=header, dtype=object, keep_default_na=False, na_filter=True,
            na_values=[], index_col=False,
        )  # fmt: skip
    except pd.errors.ParserError as error:
        raise UserError(f"{path}: lines with different numbers of columns ({error})") from error
    if table.shape[1] < minimum:
        raise UserError(
            f"{path}: expected at least {minimum} columns, as a {kind} file has, found {table.shape[1]}: "
            f"{text[: text.find(chr(10))][:80]!r}"
        )
    last = table.iloc[:, minimum - 1]
    short = (last.isna() | (last == "")).to_numpy()
    if short.any():
        raise UserError(f"{path}: row {int(short.argmax()) + 1} has fewer than {minimum} columns")
    return table


def write_fam(samples: pd.DataFrame, path: str | Path) -> None:
    """Write a .fam file; people without a family get 0 as family id, as plink2 writes it."""
    table = pd.DataFrame({0: _families(samples), 1: samples["id"], 2: 0, 3: 0, 4: samples["sex"], 5: -9})
    _write(table, path)


def write_psam(samples: pd.DataFrame, path: str | Path) -> None:
    """Write a .psam file with #IID and SEX, and #FID where there are families."""
    table = pd.DataFrame({"#IID": samples["id"], "SEX": samples["sex"].map({1: "1", 2: "2"}).fillna("NA")})
    if (samples["family"] != "").any():
        table = table.rename(columns={"#IID": "IID"})
        table.insert(0, "#FID", _families(samples))
    _write(table, path, header="\t".join(table.columns) + "\n")


def write_bim(variants: pd.DataFrame, path: str | Path) -> None:
    """Write a .bim file; the effect allele is A1."""
    columns = ["chromosome", "id", "cm", "position", "effect_allele", "other_allele"]
    table = variants.assign(cm=0)[columns]
    # plink 1.9 knows 0 only as the missing allele.
    _write(table.replace({name: {NO_ALLELE: "0"} for name in ("effect_allele", "other_allele")}), path)


def write_pvar(variants: pd.DataFrame, path: str | Path, header: str = "") -> None:
    """Write a .pvar file; the effect allele is ALT.

    Parameters
    ----------
    variants
        As in :class:`gds.genotypes.GenotypeSource`.
    path
        The file.
    header
        Lines that begin with ``##``, each with its end of line.
    """
    columns = ["chromosome", "position", "id", "other_allele", "effect_allele"]
    _write(variants[columns], path, header=header + "#CHROM\tPOS\tID\tREF\tALT\n")


def _families(samples: pd.DataFrame) -> pd.Series:
    return samples["family"].where(samples["family"] != "", "0")


def _write(table: pd.DataFrame, path: str | Path, header: str = "") -> None:
    with atomic_path(path) as temporary, temporary.open("w") as file:
        file.write(header)
        table.to_csv(file, sep="\t", index=False, header=False, lineterminator="\n")
