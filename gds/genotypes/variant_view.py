"""Some of the variants of a source, read as if there were no others."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.counts import is_autosomal
from gds.genotypes.matrix import GenotypeSource, as_indices, is_phased
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
        self.phased = is_phased(source)

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`GenotypeSource.read`, of the chosen variants."""
        return self._source.read(self._indices(variants), samples)

    def read_phased(
        self, variants: slice | np.ndarray, samples: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`~gds.genotypes.matrix.PhasedSource.read_phased`, of the chosen variants."""
        if not is_phased(self._source):
            raise UserError("these genotypes have no haplotypes: open phased files with phased=True")
        return self._source.read_phased(self._indices(variants), samples)

    def _indices(self, variants: slice | np.ndarray) -> slice | np.ndarray:
        index = self._chosen[as_indices(variants, len(self._chosen))]
        # Files read a run of neighbours faster than a list of them.
        if len(index) and index[-1] - index[0] == len(index) - 1 and (np.diff(index) == 1).all():
            return slice(int(index[0]), int(index[-1]) + 1)
        return index


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
    cohorts: Sequence[Sequence[str]], merge: How = "intersection", *, phased: bool = False
) -> tuple[GenotypeSource, GenotypeSource]:
    """The autosomal variants of genotype files, and everything in them, read once.

    Parameters
    ----------
    cohorts
        The files of each cohort; several cohorts hold different people and are merged.
    merge
        Variants of several cohorts: ``"intersection"`` or ``"union"``.
    phased
        Keep the haplotypes apart; of one cohort only.

    Returns
    -------
    autosomes
        What features are made of.
    whole
        The same people with X and whatever else the files hold, for the sex check.

    Raises
    ------
    UserError
        There are no autosomal variants, a file cannot be read or holds no phase, or phase of merged cohorts is
        asked for.
    """
    if phased and len(cohorts) > 1:
        raise UserError(
            f"haplotypes of {len(cohorts)} merged cohorts are not kept apart: prepare one cohort, or merge the "
            "phased files first"
        )
    sources = [open_genotypes(list(files), chromosomes="all", phased=phased) for files in cohorts]
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
