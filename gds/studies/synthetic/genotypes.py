"""Three sets of people over the same variants: trained on, held out, synthetic; from files of any tool."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes import Genotypes, read_genotypes
from gds.genotypes.alignment import align_genotypes

Unit = Literal["auto", "people", "haplotypes"]
SETS = ("train", "test", "synthetic")


@dataclass(frozen=True)
class ThreeSets:
    """What an evaluation compares.

    Attributes
    ----------
    train, test, synthetic
        int8 without missing calls, shape (row, variant): dosages of people, or alleles of haplotypes, two
        consecutive rows a person.
    variants
        Of the columns.
    unit
        ``"people"`` or ``"haplotypes"``.
    ids
        Person of each row, by set.
    lines
        What was read, matched, filled and left out, in words.
    """

    train: np.ndarray
    test: np.ndarray
    synthetic: np.ndarray
    variants: pd.DataFrame
    unit: str
    ids: dict[str, np.ndarray]
    lines: list[str] = field(default_factory=list)

    @property
    def ploidy(self) -> int:
        """Alleles a row holds."""
        return 1 if self.unit == "haplotypes" else 2

    def rows_a_person(self) -> int:
        """1, or 2 for haplotypes."""
        return 2 if self.unit == "haplotypes" else 1


def read_three_sets(
    real: Sequence[str],
    holdout: Sequence[str],
    synthetic: Sequence[str],
    *,
    unit: Unit = "auto",
    legend: str | None = None,
    min_overlap: float = 0.5,
    max_people: int | None = None,
    seed: int = 0,
) -> ThreeSets:
    """Read and match the three sets.

    Variants are those of the training people that the two other sets have as well, matched by position and
    alleles. A missing call becomes the commonest genotype of its variant among training people.

    Parameters
    ----------
    real, holdout, synthetic
        Files of each, one or one per chromosome, in any format that :func:`gds.read_genotypes` reads.
    unit
        What a row is; ``"auto"``: haplotypes if the synthetic file is a .hapt, people otherwise.
    legend
        Sites of .hapt files that have no ``.legend`` of their name beside them.
    min_overlap
        Share of the training people's variants that each of the two other sets must have.
    max_people
        At most so many of each set, drawn at random by the seed; None: everyone.
    seed
        Seed of the draw.

    Raises
    ------
    UserError
        Files that cannot be read, that share too few variants, or that share people.
    """
    files = dict(zip(SETS, (real, holdout, synthetic), strict=True))
    if unit == "auto":
        unit = "haplotypes" if is_hapt(synthetic) else "people"
    phased = unit == "haplotypes"
    lines: list[str] = []
    found: dict[str, Genotypes] = {}
    for name, paths in files.items():
        genotypes = read_genotypes(list(paths), phased=phased, legend=legend if is_hapt(paths) else None)
        n = len(genotypes.samples)
        lines.append(f"{name}: {n} people, {len(genotypes.variants)} variants ({', '.join(map(str, paths))})")
        if max_people is not None and n > max_people:
            chosen = np.sort(np.random.default_rng(seed).choice(n, max_people, replace=False))
            genotypes = genotypes.subset(chosen)
            lines.append(f"  {max_people} of them drawn at random (--max-people, seed {seed})")
        if len(genotypes.samples) < 10:
            raise UserError(f"{paths[0]}: {len(genotypes.samples)} people, an evaluation needs at least 10")
        found[name] = genotypes
    _refuse_shared_people(found["train"], found["test"])
    matched, variants, more = _match(found, min_overlap)
    lines += more
    rows: dict[str, np.ndarray] = {}
    for name, (genotypes, columns, is_reversed) in matched.items():
        rows[name] = _rows(genotypes, columns, is_reversed, phased)
    lines += _fill_missing(rows)
    repeats = 2 if phased else 1
    ids = {name: np.repeat(each.samples["id"].to_numpy(str), repeats) for name, each in found.items()}
    return ThreeSets(**rows, variants=variants, unit=unit, ids=ids, lines=lines)


def is_hapt(paths: Sequence[str]) -> bool:
    """Whether files are .hapt ones, whose sites stand in a legend."""
    return any(".hapt" in "".join(Path(path).suffixes) for path in paths)


def _refuse_shared_people(train: Genotypes, test: Genotypes) -> None:
    shared = np.intersect1d(train.samples["id"].to_numpy(str), test.samples["id"].to_numpy(str))
    if len(shared):
        raise UserError(
            f"{len(shared)} people are both in --real and in --holdout, e.g. {', '.join(shared[:3])}: held-out "
            "people must have had no part in training the generator"
        )


def _match(
    found: dict[str, Genotypes], min_overlap: float
) -> tuple[dict[str, tuple[Genotypes, np.ndarray, np.ndarray]], pd.DataFrame, list[str]]:
    """Columns of the common variants in each set, and whether it counts the other allele there."""
    train = found["train"]
    present = train.dosage >= 0
    frequency = np.where(present, train.dosage, 0).sum(axis=0) / np.maximum(2 * present.sum(axis=0), 1)
    n = len(train.variants)
    columns = {"train": np.arange(n)}
    is_reversed = {"train": np.zeros(n, dtype=bool)}
    lines = []
    for name in ("test", "synthetic"):
        aligned = align_genotypes(
            found[name], train.variants, frequency, genome_build=train.genome_build, min_overlap=min_overlap
        )
        columns[name], is_reversed[name] = aligned.columns, aligned.is_reversed
        report = aligned.report
        lines.append(
            f"{name}: {report.found} of the {n} variants of train ({report.swapped} with swapped alleles, "
            f"{report.flipped + report.flipped_and_swapped} on the other strand)"
        )
    common = np.flatnonzero((columns["test"] >= 0) & (columns["synthetic"] >= 0))
    if len(common) < 3:
        raise UserError(f"the three sets share {len(common)} variants: is it the same build and array?")
    lines.append(f"compared at {len(common)} variants")
    matched = {name: (found[name], columns[name][common], is_reversed[name][common]) for name in SETS}
    return matched, train.variants.iloc[common].reset_index(drop=True), lines


def _rows(genotypes: Genotypes, columns: np.ndarray, is_reversed: np.ndarray, phased: bool) -> np.ndarray:
    source = genotypes.subset(variants=columns)
    if phased:
        # Haploid samples count 0 or 2.
        rows, highest = source.as_haploid().dosage // 2, 1
    else:
        rows, highest = source.dosage.copy(), 2
    crossed = rows[:, is_reversed]
    rows[:, is_reversed] = np.where(crossed < 0, crossed, highest - crossed)
    return rows.astype(np.int8)


def _fill_missing(rows: dict[str, np.ndarray]) -> list[str]:
    """Fill missing calls in place with the commonest value of their variant among training rows."""
    train = rows["train"]
    counts = np.stack([(train == value).sum(axis=0) for value in range(3)])
    commonest = counts.argmax(axis=0).astype(np.int8)
    lines = []
    for name, matrix in rows.items():
        row, column = np.nonzero(matrix < 0)
        if len(row):
            matrix[row, column] = commonest[column]
            lines.append(
                f"{name}: {len(row)} missing calls ({len(row) / matrix.size:.2%}) filled with the commonest "
                "genotype of training people"
            )
    return lines
