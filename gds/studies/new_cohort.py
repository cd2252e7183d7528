"""People of another cohort before a saved model: aligned to its featurizer, a bounded number at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gds.classifiers.polygenic.score_file import CALIBRATION, LinearScore, is_linear_score
from gds.errors import UserError, did_you_mean
from gds.features.featurizer import Featurizer
from gds.files import read_json
from gds.genotypes import GenotypeSource, open_genotypes, read_phenotypes
from gds.genotypes.alignment import AlignedSource, align_genotypes

_FEATURE_BYTES = 2**30  # features held at a time


@dataclass(frozen=True)
class AlignmentOptions:
    """How the variants of a cohort are found; see :func:`gds.genotypes.alignment.align_genotypes`."""

    genome_build: str | None = None  # of the cohort; None: what its files say
    match_by: Any = "auto"
    palindromic: Any = "auto"
    min_overlap: float = 0.5


@dataclass(frozen=True)
class NewCohort:
    """A cohort as a model sees it.

    Attributes
    ----------
    files
        The genotype files.
    featurizer
        That of the model; of a polygenic score, itself: its one feature is the score.
    cohort
        The people as they are in the files.
    aligned
        The same people with the variants and alleles of the featurizer.
    """

    files: tuple[str, ...]
    featurizer: Featurizer | LinearScore
    cohort: GenotypeSource
    aligned: AlignedSource

    @property
    def ids(self) -> pd.Index:
        """Sample ids in the order of the files."""
        return pd.Index(self.aligned.samples["id"].astype(str), name="id")

    def features(self) -> Iterator[np.ndarray]:
        """Features of all people in their order, some people at a time; (sample, block, channel)."""
        n, cells = len(self.ids), self.featurizer.n_blocks * self.featurizer.n_channels
        step = max(1, _FEATURE_BYTES // (4 * cells))
        for start in range(0, n, step):
            yield self.featurizer.transform(self.aligned, np.arange(start, min(start + step, n)))

    def lines(self) -> list[str]:
        """What was read and what was found of the model's variants, in words."""
        report = getattr(self.cohort, "report", None)
        return (report.lines() if report else []) + self.aligned.report.lines()

    def counts(self) -> dict[str, Any]:
        """The same for a record in JSON."""
        report = getattr(self.cohort, "report", None)
        return {"reading": vars(report) if report else None, "alignment": vars(self.aligned.report)}


def open_new_cohort(
    model: str | Path, files: Sequence[str], options: AlignmentOptions | None = None
) -> NewCohort:
    """Open genotypes and align them to the featurizer of a model.

    Parameters
    ----------
    model
        Folder with the featurizer.
    files
        Genotype files: one, or one per chromosome.
    options
        How variants are matched.

    Raises
    ------
    UserError
        Files that cannot be read, or too few of the model's variants in them.
    """
    options = options or AlignmentOptions()
    if is_linear_score(model):
        score = LinearScore.from_pretrained(model)
        return align_cohort(score, files, read_json(Path(model) / CALIBRATION).get("genome_build"), options)
    return align_cohort(Featurizer.from_pretrained(model), files, recorded(model, "genome_build"), options)


def align_cohort(
    featurizer: Featurizer | LinearScore,
    files: Sequence[str | Path],
    genome_build: str | None,
    options: AlignmentOptions,
) -> NewCohort:
    """Open genotypes and align them to a featurizer whose variants are of a genome build, None for not known.

    Raises
    ------
    UserError
        Files that cannot be read, or too few of the featurizer's variants in them.
    """
    cohort = open_genotypes(list(files), genome_build=options.genome_build)
    if not len(cohort.samples):
        raise UserError(f"{files[0]}: there are no people in it")
    aligned = align_genotypes(
        cohort,
        featurizer.variants_,
        featurizer.allele_frequency_,
        genome_build=genome_build,
        match_by=options.match_by,
        palindromic=options.palindromic,
        min_overlap=options.min_overlap,
    )
    return NewCohort(tuple(map(str, files)), featurizer, cohort, aligned)


def architecture(folder: str | Path) -> str:
    """Class of the saved model, e.g. ``"GdsForClassification"``.

    Raises
    ------
    UserError
        There is no model.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        inside = folder / "model"
        hint = f"; give {inside}" if (inside / "config.json").is_file() else ""
        raise UserError(f"{folder} holds no model (no config.json){hint}")
    return str((read_json(folder / "config.json").get("architectures") or ["model of unknown kind"])[0])


def phenotypes_of(ids: pd.Index, path: str | Path, id_column: str | None = None) -> pd.DataFrame:
    """Rows of a phenotype table for the given people, in their order; missing where there is none.

    Raises
    ------
    UserError
        The table cannot be read, or has none of these people.
    """
    table = read_phenotypes(path, id_column=id_column)
    if not table.index.isin(ids).any():
        raise UserError(
            f"no sample id of {path} (e.g. {', '.join(table.index[:5])}) is among those of the genotypes "
            f"(e.g. {', '.join(ids[:5])}): is another column the id (--id-column)?"
        )
    return table.reindex(ids)


def column_of(phenotypes: pd.DataFrame, name: str | None) -> pd.Series:
    """A column of a phenotype table.

    Raises
    ------
    UserError
        There is none of that name, or none was named.
    """
    if name is None or name not in phenotypes:
        hint = did_you_mean(str(name), phenotypes.columns)
        raise UserError(f"the phenotype table has no column {name!r}; {hint}")
    return phenotypes[name]


def recorded(folder: str | Path, key: str) -> Any:
    """An entry of a model's ``run.json``; None where the record does not say."""
    record = Path(folder) / "run.json"
    return read_json(record).get(key) if record.is_file() else None
