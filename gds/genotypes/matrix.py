"""Genotypes in memory, and what anything that genotypes can be read from offers."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from gds.errors import UserError

MISSING = -1
VARIANT_COLUMNS = ("chromosome", "position", "id", "effect_allele", "other_allele")
SAMPLE_COLUMNS = ("id", "family", "sex")


class GenotypeSource(Protocol):
    """Anything that dosages can be read from, block by block.

    Attributes
    ----------
    samples : pandas.DataFrame
        ``id`` (unique), ``family`` (empty if none), ``sex`` (1 male, 2 female, 0 unknown).
    variants : pandas.DataFrame
        ``chromosome`` (without "chr"), ``position``, ``id``, ``effect_allele``, ``other_allele``.
    """

    samples: pd.DataFrame
    variants: pd.DataFrame

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """Counts of the effect allele, int8 (sample, variant), -1 missing.

        Parameters
        ----------
        variants
            Slice, indices or boolean mask of the variants.
        samples
            Indices or boolean mask of the people; None for everyone.
        """
        ...


@dataclass
class Genotypes:
    """A whole matrix of dosages in memory; itself a :class:`GenotypeSource`.

    Attributes
    ----------
    dosage
        Count of the effect allele, int8 (sample, variant); -1 missing.
    samples, variants
        As in :class:`GenotypeSource`.
    genome_build
        E.g. ``"hg19"``; None if not known.
    haplotypes
        int8 (sample, variant, 2) where phase was asked for, otherwise None.

    Raises
    ------
    UserError
        Shapes that disagree, columns that are missing, repeated ids, or values other than -1, 0, 1, 2.
    """

    dosage: np.ndarray
    samples: pd.DataFrame
    variants: pd.DataFrame
    genome_build: str | None = None
    haplotypes: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_tables(self.samples, self.variants)
        expected = (len(self.samples), len(self.variants))
        if self.dosage.shape != expected:
            raise UserError(
                f"dosages have shape {self.dosage.shape}, but there are {expected[0]} samples and {expected[1]} variants"
            )
        check_dosages(self.dosage, self.samples, self.variants)

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`GenotypeSource.read`; a view where the indexing allows one."""
        chosen = self.dosage[:, variants]
        return chosen if samples is None else chosen[samples]

    def subset(self, samples: np.ndarray | None = None, variants: np.ndarray | None = None) -> "Genotypes":
        """The genotypes of some people at some variants.

        Parameters
        ----------
        samples, variants
            Indices or boolean masks; None for all.
        """
        people = np.arange(len(self.samples)) if samples is None else _indices(samples)
        sites = np.arange(len(self.variants)) if variants is None else _indices(variants)
        return Genotypes(
            dosage=self.dosage[np.ix_(people, sites)],
            samples=self.samples.iloc[people].reset_index(drop=True),
            variants=self.variants.iloc[sites].reset_index(drop=True),
            genome_build=self.genome_build,
            haplotypes=None if self.haplotypes is None else self.haplotypes[np.ix_(people, sites)],
        )


def _indices(chosen: np.ndarray) -> np.ndarray:
    chosen = np.asarray(chosen)
    return np.flatnonzero(chosen) if chosen.dtype == bool else chosen


def check_tables(samples: pd.DataFrame, variants: pd.DataFrame, where: str = "genotypes") -> None:
    """Check the columns of both tables and that sample ids are unique.

    Raises
    ------
    UserError
        Names the column or the repeated id.
    """
    for kind, table, columns in (("samples", samples, SAMPLE_COLUMNS), ("variants", variants, VARIANT_COLUMNS)):
        absent = [name for name in columns if name not in table.columns]
        if absent:
            raise UserError(f"{where}: the table of {kind} lacks {', '.join(absent)}")
    repeated = samples["id"][samples["id"].duplicated()]
    if len(repeated):
        raise UserError(f"{where}: sample id {repeated.iloc[0]!r} occurs more than once; ids must be unique")


def check_dosages(dosage: np.ndarray, samples: pd.DataFrame, variants: pd.DataFrame) -> None:
    """Check that dosages are -1, 0, 1 or 2.

    Raises
    ------
    UserError
        Names the first other value, its sample and its variant.
    """
    if dosage.dtype != np.int8:
        raise UserError(f"expected dosages as int8, found {dosage.dtype}: round expected dosages first")
    if dosage.size and (dosage.min() < MISSING or dosage.max() > 2):
        row, column = np.argwhere((dosage < MISSING) | (dosage > 2))[0]
        raise UserError(
            f"expected dosages in {{0, 1, 2}} or -1 for missing, found {dosage[row, column]} at sample "
            f"{samples['id'].iloc[row]}, variant {variants['id'].iloc[column]}: is this another kind of count?"
        )
