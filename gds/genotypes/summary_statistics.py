"""Published association results (GWAS summary statistics): read, cleaned, every left-out row counted."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.genome_builds import build_name
from gds.genotypes.summary_columns import p_from_z, read_columns, z_from_p
from gds.genotypes.variant_rules import clean_variants

# z-scores of effects and of p-values should agree; by this factor and more something is wrong.
_DISAGREE = 1.5


@dataclass
class SummaryReport:
    """What was read and what was left out; :func:`vars` gives a record for JSON.

    Attributes
    ----------
    file, file_format
        Name of the file and of its format.
    rows, kept
        Rows of the file, and those with a usable effect.
    left_out
        Reason to number of rows.
    effect
        What the effects are, in words.
    sample_size
        Where the sample size comes from, in words.
    """

    file: str
    file_format: str
    rows: int
    kept: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    effect: str = ""
    sample_size: str = "not stated"

    def lines(self) -> list[str]:
        """The report in words."""
        first = (
            f"{self.file} ({self.file_format}): {self.kept:,} of {self.rows:,} rows; {self.effect}; sample size "
            f"{self.sample_size}"
        )
        return [first, *(f"  {n:,} left out: {why}" for why, n in self.left_out.items() if n)]


@dataclass(frozen=True)
class SummaryStatistics:
    """Effects of variants that somebody estimated in other people.

    Attributes
    ----------
    variants
        Columns as of :class:`~gds.genotypes.GenotypeSource`; ``effect_allele`` is the one whose effect is given.
    effect, standard_error
        Per allele, log odds for odds and hazard ratios, float64 (variant,); NaN where only a z-score is given.
    z
        Effect over standard error, (variant,).
    neg_log10_p
        -log10 of the two-sided p-value, (variant,).
    frequency
        Of the effect allele in the people of the study, (variant,), NaN not stated.
    n
        Effective number of people, 4 / (1 / cases + 1 / controls) where both are stated, (variant,), NaN not stated.
    genome_build
        ``"hg19"``, ``"hg38"``; None if not stated.
    report
        What was read.
    """

    variants: pd.DataFrame
    effect: np.ndarray
    standard_error: np.ndarray
    z: np.ndarray
    neg_log10_p: np.ndarray
    frequency: np.ndarray
    n: np.ndarray
    genome_build: str | None
    report: SummaryReport


def read_summary_statistics(
    path: str | Path, *, n: float | None = None, genome_build: str | None = None
) -> SummaryStatistics:
    """Read a GWAS-SSF, PLINK 2 ``--glm`` or PLINK 1.9 association table.

    Rows of tests other than the additive one, without alleles or with an effect that is no number are left out, as are
    all but the first row of a variant. Odds and hazard ratios become their logarithms; their standard error may be
    that of the logarithm or of the ratio, and is taken as the one that goes with the p-values.

    Parameters
    ----------
    path
        The table, ``.gz`` or not. Beside a GWAS-SSF table ``PATH-meta.yaml`` gives build and sample sizes.
    n
        Effective number of people, where the file does not say; overrides what it says.
    genome_build
        Of the positions, where the file does not say; must agree with what it says.

    Raises
    ------
    UserError
        Not such a table, columns that are missing, a build that disagrees, effects that contradict their p-values, or
        no usable row.
    """
    path = Path(path)
    file_format, table = read_columns(path)
    report = SummaryReport(path.name, file_format, len(table))
    meta = _read_meta(path)
    if "test" in table:
        table = _keep(report, table, table["test"].isin(["ADD"]), "not the additive test")
    table = _keep(
        report, table, table["position"].notna() & table["chromosome"].notna(), "without a position"
    )
    if str(meta.get("coordinate_system", "1-based")).startswith("0"):
        table["position"] += 1
    alleles = table[["effect_allele", "other_allele"]].apply(lambda column: column.str.upper())
    sequences = alleles.apply(lambda column: column.str.fullmatch("[ACGT]+").fillna(False).astype(bool))
    usable = sequences.all(axis=1) & (alleles["effect_allele"] != alleles["other_allele"])
    table = _keep(report, table, usable, "alleles that are no two sequences")
    table = _with_evidence(path, report, table)
    variants = clean_variants(
        table["chromosome"], table["position"], table["id"] if "id" in table else pd.Series(".", table.index),
        table["effect_allele"], table["other_allele"], str(path),
    ).fillna({"id": "."})  # fmt: skip
    pair = np.sort(variants[["effect_allele", "other_allele"]].to_numpy(str), axis=1)
    repeated = pd.DataFrame(
        {"c": variants["chromosome"], "p": variants["position"], "a": pair[:, 0], "b": pair[:, 1]}
    )
    first = ~repeated.duplicated().to_numpy()
    report.left_out["a variant that stands above already"] = int((~first).sum())
    table, variants = table[first], variants[first].reset_index(drop=True)
    report.kept = len(table)
    if not report.kept:
        reasons = "; ".join(f"{n} {why}" for why, n in report.left_out.items() if n)
        raise UserError(f"{path}: none of its {report.rows} rows can be used ({reasons})")
    return SummaryStatistics(
        variants=variants,
        effect=table["effect"].to_numpy(),
        standard_error=table["standard_error"].to_numpy(),
        z=table["z"].to_numpy(),
        neg_log10_p=table["neg_log10_p"].to_numpy(),
        frequency=_column(table, "frequency"),
        n=_sample_size(report, table, meta, n),
        genome_build=_build(path, meta, genome_build),
        report=report,
    )


def _keep(report: SummaryReport, table: pd.DataFrame, good: pd.Series, otherwise: str) -> pd.DataFrame:
    report.left_out[otherwise] = report.left_out.get(otherwise, 0) + int((~good).sum())
    return table[good].copy()


def _column(table: pd.DataFrame, name: str) -> np.ndarray:
    return table[name].to_numpy(np.float64) if name in table else np.full(len(table), np.nan)


def _with_evidence(path: Path, report: SummaryReport, table: pd.DataFrame) -> pd.DataFrame:
    """Add ``effect``, ``standard_error``, ``z`` and ``neg_log10_p``, each from what there is."""
    beta, ratio, z = (_column(table, name) for name in ("beta", "ratio", "z"))
    error, p = _column(table, "standard_error"), _column(table, "p_value")
    neg_log10_p = _column(table, "neg_log10_p")
    with np.errstate(divide="ignore", invalid="ignore"):
        # A p-value of 0 is one that no float holds: effect and error say more.
        from_p = np.where((p > 0) & (p <= 1), -np.log10(np.where(p > 0, p, 1)), np.nan)
        neg_log10_p = np.where(np.isfinite(neg_log10_p) & (neg_log10_p >= 0), neg_log10_p, from_p)
        error = np.where(error > 0, error, np.nan)
        if "beta" in table:
            effect, report.effect = beta, "effects as given (for a disease: log odds)"
        elif "ratio" in table:
            effect = np.where(ratio > 0, np.log(np.where(ratio > 0, ratio, 1)), np.nan)
            error = _scale_of_error(effect, error, ratio, neg_log10_p)
            report.effect = "logarithms of ratios"
        else:
            effect, report.effect = np.full(len(table), np.nan), "z-scores alone"
        by_error = effect / error
        by_p = np.sign(effect) * z_from_p(np.nan_to_num(neg_log10_p))
        z = np.where(
            np.isfinite(z),
            z,
            np.where(np.isfinite(by_error), by_error, np.where(np.isfinite(neg_log10_p), by_p, np.nan)),
        )
        error = np.where(np.isfinite(error), error, np.where(z != 0, effect / np.where(z == 0, 1, z), np.nan))
    _check_agreement(path, z, neg_log10_p)
    neg_log10_p = np.where(np.isfinite(neg_log10_p), neg_log10_p, p_from_z(np.nan_to_num(z)))
    table = table.assign(effect=effect, standard_error=error, z=z, neg_log10_p=neg_log10_p)
    return _keep(
        report,
        table,
        pd.Series(np.isfinite(z), table.index),
        "an effect or its error is missing or no number",
    )


def _ratios(z: np.ndarray, neg_log10_p: np.ndarray) -> np.ndarray:
    """Size of each z-score over what its p-value says; rows where rounding decides are left out."""
    expected = z_from_p(np.nan_to_num(neg_log10_p))
    clear = np.isfinite(z) & np.isfinite(neg_log10_p) & (expected > 0.2) & (expected < 30)
    return np.abs(z[clear]) / expected[clear]


def _scale_of_error(
    effect: np.ndarray, error: np.ndarray, ratio: np.ndarray, neg_log10_p: np.ndarray
) -> np.ndarray:
    """Standard errors of the logarithm, be those of the file of the logarithm or of the ratio (delta method)."""
    of_ratio = error / np.where(ratio > 0, ratio, np.nan)

    def distance(standard_error: np.ndarray) -> float:
        ratios = _ratios(effect / standard_error, neg_log10_p)
        return float(np.abs(np.log(np.maximum(ratios, 1e-3))).mean()) if len(ratios) else np.inf

    return of_ratio if distance(of_ratio) < 0.5 * distance(error) else error


def _check_agreement(path: Path, z: np.ndarray, neg_log10_p: np.ndarray) -> None:
    ratios = _ratios(z, neg_log10_p)
    if len(ratios) and not 1 / _DISAGREE < np.median(ratios) < _DISAGREE:
        raise UserError(
            f"{path}: effect / standard error is {np.median(ratios):.2g} times what the p-values say (median): are the "
            "standard errors of another scale, or is the p-value column a logarithm?"
        )


def _read_meta(path: Path) -> dict[str, Any]:
    """What the YAML file beside a GWAS-SSF table says; empty without one."""
    import yaml

    for name in (f"{path.name}-meta.yaml", f"{path.name.removesuffix('.gz')}-meta.yaml"):
        meta = path.with_name(name)
        if not meta.is_file():
            continue
        try:
            content = yaml.safe_load(meta.read_text())
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UserError(f"{meta} is not valid YAML ({error})") from error
        return content if isinstance(content, dict) else {}
    return {}


def _build(path: Path, meta: dict[str, Any], stated: str | None) -> str | None:
    found, wanted = build_name(meta.get("genome_assembly")), build_name(stated)
    if found and wanted and found != wanted:
        raise UserError(
            f"{path} says that its positions are on {found}, but {wanted} was given: which is right?"
        )
    return found or wanted


def _sample_size(
    report: SummaryReport, table: pd.DataFrame, meta: dict[str, Any], stated: float | None
) -> np.ndarray:
    """Effective number of people of each row."""
    samples = [each for each in meta.get("samples") or [] if isinstance(each, dict)]

    def total(*names: str) -> float:
        return float(sum(each.get(name) or 0 for each in samples for name in names))

    cases, controls = (total(name) for name in ("case_count", "control_count"))
    by_row = _effective(_column(table, "n_cases"), _column(table, "n_controls"))
    for numbers, source in (
        (np.full(len(table), np.nan if stated is None else stated), "as given with the command"),
        (by_row, "effective, by cases and controls of each row"),
        (
            np.full(len(table), _effective(cases, controls)),
            "effective, by cases and controls of the metadata",
        ),
        (_column(table, "n"), "of each row, cases and controls together"),
        (np.full(len(table), total("sample_size") or np.nan), "of the metadata, cases and controls together"),
    ):
        if np.isfinite(numbers).any():
            numbers = np.where(numbers > 0, numbers, np.nan)
            report.sample_size = f"{np.nanmedian(numbers):,.0f} ({source})"
            return numbers
    return np.full(len(table), np.nan)


def _effective(cases: Any, controls: Any) -> Any:
    """4 / (1 / cases + 1 / controls): as many people, half of them cases, would tell as much."""
    with np.errstate(divide="ignore", invalid="ignore"):
        n = 4 / (1 / np.asarray(cases, np.float64) + 1 / np.asarray(controls, np.float64))
    return np.where(n > 0, n, np.nan)
