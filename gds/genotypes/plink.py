"""Reading .bed and .pgen files by pgenlib, block by block."""

import threading
from pathlib import Path

import numpy as np
import pgenlib

from gds.errors import UserError
from gds.genotypes.matrix import MISSING, as_indices
from gds.genotypes.pgen_header import has_dosages
from gds.genotypes.plink_tables import read_bim, read_fam, read_psam, read_pvar
from gds.genotypes.rounding import round_dosages
from gds.genotypes.variant_rules import Chromosomes, select_variants

BED_MAGIC = b"\x6c\x1b\x01"
PGENLIB_MISSING = -9
_DOSAGES = np.int8(MISSING), np.int8(2)
# Genotypes recoded at a time: they still lie in the cache when they are touched again.
_CACHED = 2**19


class PlinkFile:
    """A .bed or .pgen file with its tables; dosages are read when they are asked for.

    pgenlib counts ALT in .pgen and A1 in .bed: the effect allele here. Males are homozygous on X in both
    formats and stay so. Expected dosages in a .pgen are rounded, see :mod:`gds.genotypes.rounding`.

    Parameters
    ----------
    path
        The ``.bed`` or ``.pgen`` file; ``.bim`` and ``.fam``, or ``.pvar`` and ``.psam``, lie beside it.
    chromosomes
        As :func:`gds.genotypes.open_genotypes` takes it.
    phased
        Whether :meth:`read_phased` will be used.

    Raises
    ------
    UserError
        A file is missing, truncated, or disagrees with its tables; or phase is asked for and not there.
    """

    def __init__(
        self, path: str | Path, chromosomes: Chromosomes = "autosomes", phased: bool = False
    ) -> None:
        self.path = Path(path)
        self.phased = phased
        self.genome_build: str | None = None
        is_bed = self.path.suffix == ".bed"
        tables = (".bim", ".fam") if is_bed else (".pvar", ".psam")
        table = (read_bim if is_bed else read_pvar)(self.path.with_suffix(tables[0]))
        self.samples = (read_fam if is_bed else read_psam)(self.path.with_suffix(tables[1]))
        if is_bed:
            _check_bed(self.path, len(self.samples), len(table))
        self._has_dosages = not is_bed and has_dosages(self.path)
        self._n_in_file = len(table)
        self._allele_offsets = _allele_offsets(table["effect_allele"])
        self._rows, self.report = select_variants(table, chromosomes, str(self.path), len(self.samples))
        self.variants = table.iloc[self._rows].reset_index(drop=True)
        self._counted = np.zeros(self._n_in_file, dtype=bool)
        # A reader holds a file position: each thread has its own.
        self._readers = threading.local()
        if phased and (is_bed or not self._reader().hardcall_phase_present()):
            raise UserError(
                f"{self.path} holds no phase: a phased .vcf.gz or .bcf, or a .pgen made from one, does"
            )

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`gds.genotypes.GenotypeSource.read`; the result is a transposed view, variant by variant."""
        rows = self._rows[variants]
        reader, n_read, order = self._reader_of(samples)
        dosage = np.empty((len(rows), n_read), dtype=np.int8)
        step = max(1, _CACHED // max(n_read, 1))
        # Ends this far apart enclose every row, if the rows are in order, as those of a slice are.
        consecutive = len(rows) > 0 and rows[-1] - rows[0] == len(rows) - 1
        if consecutive and not isinstance(variants, slice):
            consecutive = bool((np.diff(rows) == 1).all())
        for begin in range(0, len(rows), step):
            piece = dosage[begin : begin + step]
            if self._has_dosages:
                self._read_expected(reader, rows[begin : begin + step], piece, everyone=samples is None)
                continue
            try:
                if consecutive:
                    first = int(rows[begin])
                    reader.read_range(first, first + len(piece), piece)
                else:
                    reader.read_list(rows[begin : begin + step].astype(np.uint32), piece)
            except RuntimeError as error:
                raise self._unreadable(rows[begin], error) from error
            # -9 becomes -1 and 0, 1, 2 stay. Of all ways to say so clip is the fastest: ten times maximum. The
            # method with numpy's own numbers takes half the time of np.clip with Python's.
            piece.clip(*_DOSAGES, out=piece)
        return dosage.T if order is None else dosage[:, order].T

    def _read_expected(
        self, reader: pgenlib.PgenReader, rows: np.ndarray, out: np.ndarray, everyone: bool
    ) -> None:
        expected = np.empty(out.shape, dtype=np.float32)
        try:
            reader.read_dosages_list(rows.astype(np.uint32), expected)
        except RuntimeError as error:
            raise self._unreadable(rows[0], error) from error
        new = ~self._counted[rows]
        out[:], counts = round_dosages(expected, expected == PGENLIB_MISSING, count=new)
        if everyone:
            self.report.add_calls(counts)
            self._counted[rows] = True

    def read_phased(
        self, variants: slice | np.ndarray, samples: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`gds.genotypes.matrix.PhasedSource.read_phased`; hard calls, not expected dosages."""
        wanted = self._rows[variants]
        reader, n_read, order = self._reader_of(samples)
        dosage = np.empty((len(wanted), n_read), dtype=np.int8)
        haplotypes = np.empty((*dosage.shape, 2), dtype=np.int8)
        step = max(1, _CACHED // max(n_read, 1))
        for begin in range(0, len(wanted), step):
            rows = wanted[begin : begin + step].astype(np.uint32)
            alleles = np.empty((len(rows), 2 * n_read), dtype=np.int32)
            phase_known = np.empty((len(rows), n_read), dtype=np.uint8)
            try:
                reader.read_alleles_and_phasepresent_list(rows, alleles, phase_known)
            except RuntimeError as error:
                raise self._unreadable(wanted[begin], error) from error
            pairs = np.maximum(alleles, MISSING).reshape(len(rows), n_read, 2)
            dosage[begin : begin + step] = np.maximum(pairs.sum(axis=2), MISSING)
            unphased = (phase_known == 0) & (pairs[..., 0] != pairs[..., 1])
            pairs[unphased] = MISSING
            if samples is None:
                self.report.add_calls({"unphased": int(unphased.sum())})
            haplotypes[begin : begin + step] = pairs
        if order is not None:
            dosage, haplotypes = dosage[:, order], haplotypes[:, order]
        return dosage.T, haplotypes.swapaxes(0, 1)

    def _reader_of(self, samples: np.ndarray | None) -> tuple[pgenlib.PgenReader, int, np.ndarray | None]:
        """A reader of these people, how many it reads, and how to bring them into the order asked for."""
        reader = self._reader()
        if samples is None:
            people, order = None, None
        else:
            asked = as_indices(samples, len(self.samples))
            people, order = asked, None
            if (np.diff(asked) <= 0).any():
                people, order = np.unique(asked, return_inverse=True)
            if not len(people):
                people, order = None, np.empty(0, dtype=np.int64)
        current = self._readers.people
        same = current is people or (
            current is not None and people is not None and np.array_equal(current, people)
        )
        if not same:
            reader.change_sample_subset(None if people is None else people.astype(np.uint32))
            self._readers.people = people
        return reader, len(self.samples) if people is None else len(people), order

    def _reader(self) -> pgenlib.PgenReader:
        if not hasattr(self._readers, "reader"):
            try:
                self._readers.reader = pgenlib.PgenReader(
                    bytes(self.path),
                    raw_sample_ct=len(self.samples),
                    variant_ct=self._n_in_file,
                    allele_idx_offsets=self._allele_offsets,
                )
            except RuntimeError as error:
                raise UserError(
                    f"{self.path} does not fit its tables ({len(self.samples)} people, {self._n_in_file} variants), "
                    f"or is damaged: {_reason(error)}. Copy all files of the set again"
                ) from error
            self._readers.people = None
        return self._readers.reader

    def _unreadable(self, row_in_file: int, error: RuntimeError) -> UserError:
        row = self.variants.iloc[int(np.searchsorted(self._rows, row_in_file))]
        return UserError(
            f"{self.path} is truncated or damaged at or after variant {row['id']} "
            f"({row['chromosome']}:{row['position']}): {_reason(error)}. Copy the file again"
        )

    def __getstate__(self) -> dict[str, object]:
        # Readers hold open files: a copy in another process opens its own.
        return {name: value for name, value in self.__dict__.items() if name != "_readers"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._readers = threading.local()


def _reason(error: RuntimeError) -> str:
    text = error.args[0] if error.args else ""
    return (text.decode(errors="replace") if isinstance(text, bytes) else str(text)).strip().rstrip(".")


def _allele_offsets(effect_allele) -> np.ndarray | None:  # type: ignore[no-untyped-def]
    """Where each variant's alleles begin, as pgenlib needs it if any variant has more than two."""
    n_alleles = effect_allele.str.count(",").to_numpy() + 2
    if (n_alleles == 2).all():
        return None
    return np.concatenate([[0], np.cumsum(n_alleles)]).astype(np.uintp)


def _check_bed(path: Path, n_samples: int, n_variants: int) -> None:
    """The size of a .bed file follows from its tables."""
    expected = 3 + n_variants * -(-n_samples // 4)
    with path.open("rb") as file:
        magic = file.read(3)
    if magic[:2] != BED_MAGIC[:2]:
        raise UserError(f"{path} is not a PLINK .bed file (a gene or interval file also ends in .bed)")
    if magic != BED_MAGIC:
        raise UserError(
            f"{path} is in the old sample-major order: plink1.9 --bfile {path.stem} --make-bed --out NEW"
        )
    found = path.stat().st_size
    if found != expected:
        what = "truncated" if found < expected else "too long"
        raise UserError(
            f"{path} is {what}: {n_samples} people of the .fam and {n_variants} variants of the .bim need "
            f"{expected} bytes, found {found}: copy it again, or find the tables that belong to it"
        )
