"""The columns of published association results: GWAS-SSF, PLINK 2 and PLINK 1.9, brought to one naming."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import log_ndtr, ndtri_exp

from gds.errors import UserError

# Our name of a column -> what each format calls it; names are compared without regard to case.
GWAS_SSF = {
    "chromosome": ("chromosome",),
    "position": ("base_pair_location",),
    "id": ("rsid", "rs_id", "variant_id"),
    "effect_allele": ("effect_allele",),
    "other_allele": ("other_allele",),
    "beta": ("beta",),
    "ratio": ("odds_ratio", "hazard_ratio"),
    "z": ("z-score", "z_score"),
    "standard_error": ("standard_error",),
    "p_value": ("p_value",),
    "neg_log10_p": ("neg_log_10_p_value",),
    "frequency": ("effect_allele_frequency",),
    "n": ("n",),
    "n_cases": ("n_cases", "n_case"),
    "n_controls": ("n_controls", "n_control"),
}
PLINK_2 = {
    "chromosome": ("#chrom", "chrom"),
    "position": ("pos",),
    "id": ("id",),
    "effect_allele": ("a1",),
    "other_allele": ("omitted", "ax"),
    "reference": ("ref",),
    "alternative": ("alt",),
    "test": ("test",),
    "beta": ("beta",),
    "ratio": ("or",),
    "z": ("z_stat",),
    "standard_error": ("se", "log(or)_se"),
    "p_value": ("p",),
    "neg_log10_p": ("log10_p", "neg_log10_p"),
    "frequency": ("a1_freq",),
    "n": ("obs_ct",),
    "n_cases": ("case_allele_ct",),  # alleles: two a person
    "n_controls": ("ctrl_allele_ct",),
}
PLINK_1 = {
    "chromosome": ("chr",),
    "position": ("bp",),
    "id": ("snp",),
    "effect_allele": ("a1",),
    "other_allele": ("a2",),
    "test": ("test",),
    "beta": ("beta",),
    "ratio": ("or",),
    "standard_error": ("se",),
    "p_value": ("p",),
    "frequency": ("f_u", "frq"),
    "n": ("nmiss",),
}
FORMATS = {"GWAS-SSF": GWAS_SSF, "PLINK 2": PLINK_2, "PLINK 1.9": PLINK_1}
_TEXT = ("chromosome", "id", "effect_allele", "other_allele", "reference", "alternative", "test")
_MISSING = ["NA", "#NA", "nan", ".", ""]


def read_columns(path: str | Path) -> tuple[str, pd.DataFrame]:
    """Read the columns that are known, under our names.

    Parameters
    ----------
    path
        A table with a header line, by tabs or spaces; ``.gz`` is decompressed.

    Returns
    -------
    name : str
        Of the format: a key of :data:`FORMATS`.
    table : pandas.DataFrame
        ``chromosome``, ``position``, ``id``, ``effect_allele``, ``other_allele`` and, where the file has them,
        ``beta``, ``ratio``, ``z``, ``standard_error``, ``p_value``, ``neg_log10_p``, ``frequency``, ``n``, ``n_cases``,
        ``n_controls``, ``test``. Numbers that are not are NaN.

    Raises
    ------
    UserError
        No such file, no known format, or a column that every method needs is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"no summary statistics at {path}: give a GWAS-SSF or PLINK association table")
    first = _first_line(path)
    separator = "\t" if "\t" in first else r"\s+"
    header = first.split("\t") if "\t" in first else first.split()
    name = _recognise(path, header)
    known = {spelt.strip().lower(): spelt for spelt in header}
    chosen = {
        ours: known[theirs[0]]
        for ours, spellings in FORMATS[name].items()
        if (theirs := [spelling for spelling in spellings if spelling in known])
    }
    if name == "PLINK 2" and "other_allele" not in chosen and {"reference", "alternative"} <= set(chosen):
        chosen.setdefault("other_allele", chosen["alternative"])
    _check_columns(path, name, header, chosen)
    table = pd.read_csv(
        path, sep=separator, usecols=list(set(chosen.values())), na_values=_MISSING, keep_default_na=False,
        dtype={spelt: str for ours, spelt in chosen.items() if ours in _TEXT}, low_memory=False,
    )  # fmt: skip
    table = pd.DataFrame({ours: table[spelt] for ours, spelt in chosen.items()})
    for ours in table.columns.difference(_TEXT):
        table[ours] = pd.to_numeric(table[ours], errors="coerce").astype(np.float64)
    if name == "PLINK 2":
        # A1 is the allele that was counted: mostly ALT, but REF where that is the rarer one.
        if chosen["other_allele"] == chosen.get("alternative"):
            counted_reference = table["effect_allele"] == table["reference"]
            table["other_allele"] = table["alternative"].where(counted_reference, table["reference"])
        for column in table.columns.intersection(["n_cases", "n_controls"]):
            table[column] /= 2
    return name, table


def _first_line(path: Path) -> str:
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            return file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise UserError(f"{path} cannot be read as a text table ({error})") from error


def _recognise(path: Path, header: list[str]) -> str:
    lower = {name.strip().lower() for name in header}
    if {"effect_allele", "base_pair_location"} & lower:
        return "GWAS-SSF"
    if "#chrom" in lower or {"pos", "a1"} <= lower:
        return "PLINK 2"
    if {"snp", "bp"} & lower and {"a1", "p"} & lower:
        return "PLINK 1.9"
    raise UserError(
        f"{path} is no table of summary statistics that is known here: its columns are {_shown(header)}; expected "
        "those of GWAS-SSF (chromosome, base_pair_location, effect_allele, other_allele, beta, standard_error, "
        "p_value ...), PLINK 2 --glm (#CHROM, POS, ID, REF, ALT, A1 ...) or PLINK 1.9 (CHR, SNP, BP, A1, A2 ...)"
    )


def _check_columns(path: Path, name: str, header: list[str], chosen: dict[str, str]) -> None:
    layout = FORMATS[name]
    for column in ("chromosome", "position", "effect_allele", "other_allele"):
        if column in chosen:
            continue
        hint = ""
        if name == "PLINK 1.9" and column == "other_allele":
            hint = (
                ": --logistic and --linear leave A2 out; add it from the .bim, or use --assoc or plink2 --glm"
            )
        raise _lacks(path, name, layout[column], header, hint)
    if not {"beta", "ratio", "z"} & set(chosen):
        effects = [*layout["beta"], *layout["ratio"], *layout.get("z", ())]
        raise _lacks(
            path, name, effects, header, " (the effect; an association test without one gives no score)"
        )
    if not {"standard_error", "z", "p_value", "neg_log10_p"} & set(chosen):
        evidence = [*layout["standard_error"], *layout["p_value"], *layout.get("neg_log10_p", ())]
        raise _lacks(path, name, evidence, header, "")


def _lacks(
    path: Path, name: str, spellings: list[str] | tuple[str, ...], header: list[str], hint: str
) -> UserError:
    wanted = " or ".join(each.upper() if name.startswith("PLINK") else each for each in spellings)
    return UserError(f"{path} ({name}) has no column {wanted}{hint}; found {_shown(header)}")


def _shown(header: list[str]) -> str:
    return ", ".join(header[:30]) + (", ..." if len(header) > 30 else "")


def z_from_p(neg_log10_p: np.ndarray) -> np.ndarray:
    """Size of the normal deviate of a two-sided p-value, also of those that no float can hold.

    Parameters
    ----------
    neg_log10_p
        -log10 of the p-values, at least 0.
    """
    return np.maximum(
        -ndtri_exp(np.minimum(-np.log(10) * np.asarray(neg_log10_p) - np.log(2), -np.log(2))), 0
    )


def p_from_z(z: np.ndarray) -> np.ndarray:
    """-log10 of the two-sided p-value of normal deviates."""
    return np.maximum(-(np.log(2) + log_ndtr(-np.abs(z))) / np.log(10), 0)
