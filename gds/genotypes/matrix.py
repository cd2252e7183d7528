"""Genotypes in memory, and what anything that genotypes can be read from offers."""

from dataclasses import dataclass, field
from typing import Protocol, TypeGuard

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.read_report import ReadReport

MISSING = -1
VARIANT_COLUMNS = ("chromosome", "position", "id", "effect_allele", "other_allele")
SAMPLE_COLUMNS = ("id", "family", "sex")
# Of a person's id, where each of the two haplotypes is a sample of its own.
HAPLOTYPE_SUFFIXES = ("_A", "_B")


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


class PhasedSource(GenotypeSource, Protocol):
    """A source whose two haplotypes a person can be read apart; see :func:`is_phased`."""

    @property
    def phased(self) -> bool:
        """Whether haplotypes were asked for and are there."""
        ...

    def read_phased(
        self, variants: slice | np.ndarray, samples: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Dosages as of :meth:`read`, and haplotypes: int8 (sample, variant, 2), 1 for an effect allele.

        Both haplotypes are -1 where the genotype is missing and where a heterozygote has no phase.
        """
        ...


def is_phased(source: GenotypeSource) -> TypeGuard[PhasedSource]:
    """Whether haplotypes were asked for when the source was opened, and are there."""
    return bool(getattr(source, "phased", False))


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
        int8 (sample, variant, 2) where phase was asked for, otherwise None; -1 as in :class:`PhasedSource`.
    report
        What was read and what was left out, where the genotypes come from files.

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
    report: ReadReport | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_tables(self.samples, self.variants)
        expected = (len(self.samples), len(self.variants))
        if self.dosage.shape != expected:
            raise UserError(
                f"dosages have shape {self.dosage.shape}, but there are {expected[0]} samples and "
                f"{expected[1]} variants"
            )
        if self.haplotypes is not None and self.haplotypes.shape != (*expected, 2):
            raise UserError(f"haplotypes have shape {self.haplotypes.shape}, expected {(*expected, 2)}")
        check_dosages(self.dosage, self.samples, self.variants)

    @property
    def phased(self) -> bool:
        """Whether there are haplotypes."""
        return self.haplotypes is not None

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`GenotypeSource.read`; a view where the indexing allows one."""
        chosen = self.dosage[:, variants]
        return chosen if samples is None else chosen[samples]

    def read_phased(
        self, variants: slice | np.ndarray, samples: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`PhasedSource.read_phased`.

        Raises
        ------
        UserError
            Phase was not asked for when these genotypes were read.
        """
        if self.haplotypes is None:
            raise UserError(
                "these genotypes have no haplotypes: read them with read_genotypes(..., phased=True)"
            )
        chosen = self.haplotypes[:, variants]
        return self.read(variants, samples), chosen if samples is None else chosen[samples]

    def subset(self, samples: np.ndarray | None = None, variants: np.ndarray | None = None) -> "Genotypes":
        """The genotypes of some people at some variants.

        Parameters
        ----------
        samples, variants
            Indices or boolean masks; None for all.
        """
        people = as_indices(samples, len(self.samples))
        sites = as_indices(variants, len(self.variants))
        return Genotypes(
            dosage=self.dosage[np.ix_(people, sites)],
            samples=self.samples.iloc[people].reset_index(drop=True),
            variants=self.variants.iloc[sites].reset_index(drop=True),
            genome_build=self.genome_build,
            haplotypes=None if self.haplotypes is None else self.haplotypes[np.ix_(people, sites)],
            report=self.report,
        )

    def as_haploid(self) -> "Genotypes":
        """Every haplotype as a sample of its own, as fidelity on haplotypes compares them.

        Samples ``ID_A`` and ``ID_B`` of each person stand one below the other. As every haploid genotype in
        this package they are homozygous: dosage 0 or 2, so that frequencies are those of the people.

        Raises
        ------
        UserError
            There are no haplotypes, or the phase of a genotype is not known.
        """
        _, haplotypes = self.read_phased(slice(None))
        unknown = (haplotypes[..., 0] < 0) & (self.dosage >= 0)
        if unknown.any():
            row, column = np.argwhere(unknown)[0]
            raise UserError(
                f"sample {self.samples['id'].iloc[row]} has no phase at variant {self.variants['id'].iloc[column]} "
                f"({int(unknown.sum())} such genotypes in all): phase them, or leave these variants out"
            )
        alleles = haplotypes.swapaxes(1, 2).reshape(-1, len(self.variants))
        samples = self.samples.loc[self.samples.index.repeat(2)].reset_index(drop=True)
        samples["id"] = samples["id"] + np.tile(np.array(HAPLOTYPE_SUFFIXES, dtype=object), len(self.samples))
        return Genotypes(
            dosage=np.where(alleles < 0, np.int8(MISSING), alleles * np.int8(2)),
            samples=samples,
            variants=self.variants,
            genome_build=self.genome_build,
            haplotypes=np.repeat(alleles[..., None], 2, axis=-1),
            report=self.report,
        )


def as_indices(chosen: slice | np.ndarray | None, length: int) -> np.ndarray:
    """Indices, int64, of what a slice, a boolean mask or an array of indices chooses; None chooses all."""
    # Slices come by the thousand, of files with millions of variants: nothing here is as long as the file.
    if isinstance(chosen, slice):
        return np.arange(*chosen.indices(length), dtype=np.int64)
    everything = np.arange(length, dtype=np.int64)
    return everything if chosen is None else everything[chosen]


def check_tables(samples: pd.DataFrame, variants: pd.DataFrame, where: str = "genotypes") -> None:
    """Check the columns of both tables and that sample ids are unique.

    Raises
    ------
    UserError
        Names the column or the repeated id.
    """
    for kind, table, columns in (
        ("samples", samples, SAMPLE_COLUMNS),
        ("variants", variants, VARIANT_COLUMNS),
    ):
        absent = [name for name in columns if name not in table.columns]
        if absent:
            raise UserError(f"{where}: the table of {kind} lacks {', '.join(absent)}")
    check_unique_ids(samples["id"], where)


def check_unique_ids(ids: pd.Series, where: str) -> None:
    """Check that no sample id occurs twice.

    Raises
    ------
    UserError
        Shows up to five of the repeated ids.
    """
    repeated = ids[ids.duplicated()].unique()
    if len(repeated):
        shown = ", ".join(repr(name) for name in repeated[:5]) + (", ..." if len(repeated) > 5 else "")
        raise UserError(
            f"{where}: sample ids must be unique, but {len(repeated)} occur more than once ({shown}): "
            "rename or remove the repeated people"
        )


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
