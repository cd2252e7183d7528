"""Several files of the same people, one per chromosome, as one cohort."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.hapt import HaptFile
from gds.genotypes.matrix import as_indices
from gds.genotypes.plink import PlinkFile
from gds.genotypes.read_report import ReadReport, join_reports
from gds.genotypes.vcf import VcfFile

GenotypeFile = PlinkFile | VcfFile | HaptFile


class ConcatenatedFiles:
    """Several files of the same people as one source, in the order of their chromosomes.

    People are in the order of the file that was given first; the others may have another order.

    Raises
    ------
    UserError
        A file has other people, or a chromosome is in two files.
    """

    def __init__(self, files: Sequence[GenotypeFile]) -> None:
        first = files[0]
        _check_chromosomes(files)
        self.files = sorted(files, key=lambda file: chromosome_rank(file.variants["chromosome"].iloc[0]))
        self.samples = first.samples
        self.phased = first.phased
        self.genome_build = _common_build(files)
        # None where the order of people is that of the first file.
        self._orders = [_order(first, file) for file in self.files]
        self.variants = pd.concat([file.variants for file in self.files], ignore_index=True)
        self._starts = np.cumsum([0, *(len(file.variants) for file in self.files)])

    @property
    def report(self) -> ReadReport:
        """What was read and left out, in all files together."""
        return join_reports([file.report for file in self.files])

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`gds.genotypes.GenotypeSource.read`."""
        return self._read(lambda file, rows, people: (file.read(rows, people),), variants, samples)[0]

    def read_phased(
        self, variants: slice | np.ndarray, samples: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`gds.genotypes.matrix.PhasedSource.read_phased`."""
        dosage, haplotypes = self._read(
            lambda file, rows, people: file.read_phased(rows, people), variants, samples
        )
        return dosage, haplotypes

    def _read(
        self,
        read: Callable[[GenotypeFile, np.ndarray, np.ndarray | None], tuple[np.ndarray, ...]],
        variants: slice | np.ndarray,
        samples: np.ndarray | None,
    ) -> tuple[np.ndarray, ...]:
        wanted = as_indices(variants, len(self.variants))
        people = None if samples is None else as_indices(samples, len(self.samples))
        owner = np.searchsorted(self._starts, wanted, side="right") - 1
        owners = np.unique(owner)
        joined: tuple[np.ndarray, ...] = ()
        for index in owners if len(owners) else [0]:
            here = owner == index
            order = self._orders[index]
            rows = order if people is None else people if order is None else order[people]
            parts = read(self.files[index], wanted[here] - self._starts[index], rows)
            if len(owners) < 2:
                return parts
            if not joined:
                # Variant by variant, as the files are.
                shapes = [(len(wanted), len(part), *part.shape[2:]) for part in parts]
                joined = tuple(np.empty(shape, dtype=np.int8) for shape in shapes)
            for whole, part in zip(joined, parts, strict=True):
                whole[here] = part.swapaxes(0, 1)
        return tuple(whole.swapaxes(0, 1) for whole in joined)


def chromosome_rank(name: str) -> tuple[int, str]:
    """Sorts chromosomes 1, 2, ..., 22, X, Y and the others by name."""
    return (int(name), "") if name.isdigit() else (10_000, name)


def _order(first: GenotypeFile, file: GenotypeFile) -> np.ndarray | None:
    """Rows of a file in the order of people of the first file; None where they agree."""
    ours, theirs = first.samples["id"], file.samples["id"]
    if ours.equals(theirs):
        return None
    order = pd.Index(theirs).get_indexer(pd.Index(ours))
    if (order < 0).any() or len(ours) != len(theirs):
        only_first = ours[order < 0].head(5).tolist()
        only_other = theirs[~theirs.isin(ours)].head(5).tolist()
        raise UserError(
            f"{first.path} and {file.path} must hold the same people, in any order: {len(ours)} and {len(theirs)}; "
            f"only in the first: {', '.join(only_first) or 'none'}; only in the second: "
            f"{', '.join(only_other) or 'none'}. Keep the people that all files share (plink2 --keep, bcftools view -S)"
        )
    return order


def _check_chromosomes(files: Sequence[GenotypeFile]) -> None:
    owner: dict[str, GenotypeFile] = {}
    for file in files:
        for chromosome in file.variants["chromosome"].unique():
            if chromosome in owner:
                raise UserError(
                    f"chromosome {chromosome} is given twice, in {owner[chromosome].path} and in {file.path}: give "
                    "each chromosome once (pieces of one are joined by bcftools concat or plink2 --pmerge-list)"
                )
            owner[chromosome] = file


def _common_build(files: Sequence[GenotypeFile]) -> str | None:
    builds = {file.genome_build: file.path for file in files if file.genome_build is not None}
    if len(builds) > 1:
        places = ", ".join(f"{path} is {build}" for build, path in builds.items())
        raise UserError(f"the files are on different genome builds: {places}; lift one over first")
    return next(iter(builds), None)
