"""Which variants are taken, the same whatever format they come from.

A variant is left out, and counted, if it

1. lies on a chromosome that was not asked for (autosomes by default: chromosomes with a number),
2. has a negative position (PLINK's way to switch a variant off),
3. has several alternative alleles (``bcftools norm -m -any`` makes one record of each),
4. has an allele that is no sequence: ``<DEL>``, ``*``, a breakend,
5. has no allele at all, or
6. repeats the position and both alleles of an earlier one.

Insertions and deletions with written-out alleles are variants like any other. A variant without an
alternative allele is kept with effect allele ``.``: that everyone has the other allele is knowledge.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.gene_file import chromosome_keys
from gds.genotypes.read_report import DROPPED, ReadReport

Chromosomes = Literal["autosomes", "all"] | Sequence[str]

# How files write an allele that is not known.
_NO_ALLELE = ("0", "", "<NON_REF>")
NO_ALLELE = "."


def clean_variants(
    chromosome: pd.Series,
    position: pd.Series,
    ids: pd.Series,
    effect: pd.Series,
    other: pd.Series,
    where: str,
) -> pd.DataFrame:
    """The table of variants as every reader returns it.

    Chromosomes lose their "chr" and PLINK's codes 23-26 become X, Y, XY, MT; alleles are in capitals, and
    ``.`` where there is none.

    Parameters
    ----------
    chromosome, position, ids, effect, other
        Columns as the file has them, each of shape (variant,).
    where
        The file, for messages.

    Raises
    ------
    UserError
        A position is no whole number.
    """
    numbers = pd.to_numeric(position, errors="coerce")
    wrong = np.flatnonzero(~(numbers % 1 == 0))
    if len(wrong):
        row = int(wrong[0])
        raise UserError(
            f"{where}: variant {row + 1} ({ids.iloc[row]}) has position {position.iloc[row]!r}, expected a whole "
            "number: are the columns in the order of this format?"
        )
    return pd.DataFrame(
        {
            "chromosome": chromosome_keys(chromosome),
            "position": numbers.to_numpy().astype(np.int64),
            "id": ids.to_numpy(object),
            "effect_allele": _clean_alleles(effect),
            "other_allele": _clean_alleles(other),
        }
    )


def _clean_alleles(alleles: pd.Series) -> np.ndarray:
    codes, distinct = pd.factorize(alleles.to_numpy(object))
    clean = [str(allele).upper() for allele in distinct]
    clean = [NO_ALLELE if allele in _NO_ALLELE else allele for allele in clean]
    return np.array(clean, dtype=object)[codes] if clean else np.empty(0, dtype=object)


def select_variants(
    variants: pd.DataFrame, chromosomes: Chromosomes, where: str, n_samples: int
) -> tuple[np.ndarray, ReadReport]:
    """Apply the rules at the head of this file.

    Parameters
    ----------
    variants
        As :func:`clean_variants` makes them; the effect alleles of a multi-allelic variant divided by commas.
    chromosomes
        ``"autosomes"``, ``"all"`` or names such as ``["1", "X"]``.
    where
        The file, for messages and the report.
    n_samples
        Number of people, for the report.

    Returns
    -------
    rows
        Rows of the variants that are taken, int64, ascending.
    report
        Counts.

    Raises
    ------
    UserError
        No variant is left.
    """
    reason = np.full(len(variants), "", dtype=object)

    def leave_out(rows: np.ndarray, why: str) -> None:
        reason[rows & (reason == "")] = why

    leave_out(~_on_chosen_chromosome(variants["chromosome"], chromosomes), "other_chromosome")
    leave_out(variants["position"].to_numpy() < 0, "negative_position")
    effect, other = variants["effect_allele"], variants["other_allele"]
    leave_out(_any_allele(effect, lambda allele: "," in allele), "multi_allelic")
    leave_out(_any_allele(effect, _is_symbolic) | _any_allele(other, _is_symbolic), "symbolic")
    leave_out(((effect == NO_ALLELE) & (other == NO_ALLELE)).to_numpy(), "no_alleles")
    candidates = np.flatnonzero(reason == "")
    repeated = _repeated(variants.iloc[candidates])
    reason[candidates[repeated]] = "duplicate"

    rows = np.flatnonzero(reason == "")
    counts = Counter(reason[reason != ""].tolist())
    report = ReadReport([where], n_samples, len(variants), len(rows), dropped=dict(counts))
    if not len(rows):
        raise UserError(_nothing_left(variants, counts, chromosomes, where))
    kept_effect, kept_other = effect.iloc[rows], other.iloc[rows]
    indel = _any_allele(kept_effect, _is_indel) | _any_allele(kept_other, _is_indel)
    report.noted = {
        "indels": int(indel.sum()),
        "no_alternative_allele": int((kept_effect == NO_ALLELE).sum()),
    }
    return rows, report


def _on_chosen_chromosome(chromosome: pd.Series, chosen: Chromosomes) -> np.ndarray:
    if isinstance(chosen, str) and chosen not in ("autosomes", "all"):
        chosen = [chosen]
    codes, distinct = pd.factorize(chromosome.to_numpy(object))
    if chosen == "all":
        take = np.ones(len(distinct), dtype=bool)
    elif chosen == "autosomes":
        take = np.array([name.isdigit() and name != "0" for name in distinct], dtype=bool)
    else:
        take = np.isin(
            distinct.astype(str), chromosome_keys(np.array(list(chosen), dtype=object)).astype(str)
        )
    return take[codes] if len(distinct) else np.zeros(0, dtype=bool)


def _any_allele(alleles: pd.Series, holds) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Where something holds for an allele; asked once for each distinct allele."""
    codes, distinct = pd.factorize(alleles.to_numpy(object))
    answers = np.array([holds(allele) for allele in distinct], dtype=bool)
    return answers[codes] if len(distinct) else np.zeros(0, dtype=bool)


def _is_symbolic(allele: str) -> bool:
    return allele == "*" or allele[0] == "<" or "[" in allele or "]" in allele


def _is_indel(allele: str) -> bool:
    # Arrays write I and D for alleles that they do not spell out.
    return len(allele) > 1 or allele in ("I", "D")


def _repeated(variants: pd.DataFrame) -> np.ndarray:
    """Whether an earlier variant has the same position and alleles, bool (variant,)."""
    place = pd.MultiIndex.from_arrays([pd.factorize(variants["chromosome"])[0], variants["position"]])
    repeated = np.zeros(len(variants), dtype=bool)
    # Alleles are compared only where a position occurs again, which is rare.
    crowded = np.flatnonzero(place.duplicated(keep=False))
    columns = ["chromosome", "position", "effect_allele", "other_allele"]
    repeated[crowded] = variants.iloc[crowded].duplicated(columns).to_numpy()
    return repeated


def _nothing_left(variants: pd.DataFrame, counts: Counter[str], chromosomes: Chromosomes, where: str) -> str:
    if not len(variants):
        return f"{where} holds no variant"
    why = "; ".join(f"{count} {DROPPED[key]}" for key, count in counts.most_common())
    asked = chromosomes if isinstance(chromosomes, str) else ", ".join(chromosomes)
    found = ", ".join(variants["chromosome"].unique()[:8])
    return (
        f"{where}: none of its {len(variants)} variants can be taken ({why}). It holds chromosome {found}; "
        f'asked for: {asked}. Read others with chromosomes="all" or by name (--chromosomes X)'
    )
