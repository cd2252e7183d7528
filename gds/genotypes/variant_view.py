"""Some of the variants of a source, read as if there were no others."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.counts import is_autosomal
from gds.genotypes.matrix import GenotypeSource, as_indices
from gds.genotypes.merge import How, MergedCohorts, merge_cohorts
from gds.genotypes.reading import open_genotypes


class VariantView:
    """A :class:`~gds.genotypes.matrix.GenotypeSource` of chosen variants; nothing is copied but their table.

    Parameters
    ----------
    source
        Where dosages are read from.
    chosen
        Indices into its variants, shape (variant,).
    """

    def __init__(self, source: GenotypeSource, chosen: np.ndarray) -> None:
        self._source = source
        self._chosen = np.asarray(chosen, dtype=np.int64)
        self.samples: pd.DataFrame = source.samples
        self.variants: pd.DataFrame = source.variants.iloc[self._chosen].reset_index(drop=True)

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`GenotypeSource.read`, of the chosen variants."""
        index = self._chosen[as_indices(variants, len(self._chosen))]
        # Files read a run of neighbours faster than a list of them.
        if len(index) and index[-1] - index[0] == len(index) - 1 and (np.diff(index) == 1).all():
            return self._source.read(slice(int(index[0]), int(index[-1]) + 1), samples)
        return self._source.read(index, samples)


def n_genotyped(source: GenotypeSource, samples: np.ndarray) -> np.ndarray:
    """How many of these people each variant was genotyped in: fewer where a merged cohort lacks it.

    Returns
    -------
    numpy.ndarray
        int64 (variant,).
    """
    if isinstance(source, VariantView):
        return n_genotyped(source._source, samples)[source._chosen]
    if isinstance(source, MergedCohorts):
        people = np.bincount(source.cohort_of(samples), minlength=len(source.names))
        return people @ source.is_present.astype(np.int64)
    return np.full(len(source.variants), len(samples))


def in_every_cohort(source: GenotypeSource) -> GenotypeSource:
    """The variants that every merged cohort has; of one cohort alone, itself."""
    everyone = np.arange(len(source.samples))
    shared = np.flatnonzero(n_genotyped(source, everyone) == len(everyone))
    return source if len(shared) == len(source.variants) else VariantView(source, shared)


def cohort_name(path: str | Path) -> str:
    """Name of a genotype file, or of its folder where that says more."""
    stem = Path(path).name.split(".")[0]
    return Path(path).resolve().parent.name if stem == "cohort" else stem


def cohort_names(cohorts: Sequence[Sequence[str]]) -> list[str]:
    """A name for each cohort: that of its first file, numbered where two are alike."""
    names = [cohort_name(files[0]) for files in cohorts]
    return [name if names.count(name) == 1 else f"{name}-{i + 1}" for i, name in enumerate(names)]


def open_autosomes(
    cohorts: Sequence[Sequence[str]], merge: How = "intersection"
) -> tuple[GenotypeSource, GenotypeSource]:
    """The autosomal variants of genotype files, and everything in them, read once.

    Parameters
    ----------
    cohorts
        The files of each cohort; several cohorts hold different people and are merged.
    merge
        Variants of several cohorts: ``"intersection"`` or ``"union"``.

    Returns
    -------
    autosomes
        What features are made of.
    whole
        The same people with X and whatever else the files hold, for the sex check.

    Raises
    ------
    UserError
        There are no autosomal variants, or a file cannot be read.
    """
    sources = [open_genotypes(list(files), chromosomes="all") for files in cohorts]
    whole = sources[0] if len(sources) == 1 else merge_cohorts(sources, cohort_names(cohorts), merge)
    chosen = np.flatnonzero(is_autosomal(whole.variants["chromosome"].to_numpy(object)))
    if len(chosen) == len(whole.variants):
        return whole, whole
    if not len(chosen):
        found = ", ".join(map(str, pd.unique(whole.variants["chromosome"])[:5]))
        raise UserError(
            f"{cohorts[0][0]}: expected variants on autosomes (chromosomes with a number), found {found}"
        )
    return VariantView(whole, chosen), whole
