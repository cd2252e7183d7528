"""One cohort from one file or from several, one per chromosome."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gds.errors import UserError, did_you_mean
from gds.genotypes.matrix import Genotypes, GenotypeSource
from gds.genotypes.plink import PlinkFile

READERS = {".bed": PlinkFile, ".pgen": PlinkFile}


class ConcatenatedFiles:
    """Several files of the same people as one source, in the order given.

    People are in the order of the first file; the others may have another order.

    Raises
    ------
    UserError
        A file has other people, or a chromosome is in two files.
    """

    def __init__(self, files: Sequence[PlinkFile]) -> None:
        self.files = list(files)
        self.samples = self.files[0].samples
        self._orders = [_order(self.files[0], file) for file in self.files]
        _check_chromosomes(self.files)
        self.variants = pd.concat([file.variants for file in self.files], ignore_index=True)
        self._starts = np.cumsum([0, *(len(file.variants) for file in self.files)])

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`gds.genotypes.GenotypeSource.read`."""
        wanted = np.arange(len(self.variants))[variants]
        people = np.arange(len(self.samples)) if samples is None else np.arange(len(self.samples))[samples]
        # Variant-major, as the files are.
        dosage = np.empty((len(wanted), len(people)), dtype=np.int8)
        owner = np.searchsorted(self._starts, wanted, side="right") - 1
        for index in np.unique(owner):
            here = owner == index
            rows = self._orders[index][people]
            dosage[here] = self.files[index].read(wanted[here] - self._starts[index], rows).T
        return dosage.T


def _order(first: PlinkFile, file: PlinkFile) -> np.ndarray:
    """Rows of a file in the order of people of the first file."""
    order = pd.Index(file.samples["id"]).get_indexer(first.samples["id"])
    if (order < 0).any() or len(file.samples) != len(first.samples):
        absent = first.samples["id"][order < 0].head(5).tolist()
        raise UserError(
            f"{file.path} and {first.path} must hold the same people: {len(file.samples)} and "
            f"{len(first.samples)} samples" + (f"; not in the former: {', '.join(absent)}" if absent else "")
        )
    return order


def _check_chromosomes(files: Sequence[PlinkFile]) -> None:
    owner: dict[str, Path] = {}
    for file in files:
        for chromosome in file.variants["chromosome"].unique():
            if chromosome in owner:
                raise UserError(
                    f"chromosome {chromosome} is in {owner[chromosome]} and in {file.path}: give each chromosome once"
                )
            owner[chromosome] = file.path


def open_genotypes(paths: str | Path | Sequence[str | Path]) -> GenotypeSource:
    """Open genotype files without reading their genotypes.

    Parameters
    ----------
    paths
        A ``.bed`` or ``.pgen`` file, or several of the same people, one per chromosome.

    Returns
    -------
    GenotypeSource
        Streams any block of variants.

    Raises
    ------
    UserError
        A file that is missing, damaged, of another format, or that does not fit the others.
    """
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    if not paths:
        raise UserError("no genotype file was given")
    files = []
    for path in map(Path, paths):
        if path.suffix not in READERS:
            raise UserError(f"{path}: unknown kind of genotype file; {did_you_mean(path.suffix, READERS)}")
        files.append(READERS[path.suffix](path))
    return files[0] if len(files) == 1 else ConcatenatedFiles(files)


def read_genotypes(paths: str | Path | Sequence[str | Path], genome_build: str | None = None) -> Genotypes:
    """Read genotype files into memory; parameters and errors as in :func:`open_genotypes`."""
    source = open_genotypes(paths)
    dosage = source.read(slice(0, len(source.variants)))
    return Genotypes(dosage, source.samples, source.variants, genome_build)
