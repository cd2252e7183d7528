"""Reading .bed and .pgen files by pgenlib, block by block."""

import threading
from pathlib import Path

import numpy as np
import pgenlib

from gds.errors import UserError
from gds.genotypes.matrix import MISSING
from gds.genotypes.plink_tables import read_bim, read_fam, read_psam, read_pvar

BED_MAGIC = b"\x6c\x1b\x01"
PGENLIB_MISSING = -9


class PlinkFile:
    """A .bed or .pgen file with its tables; dosages are read when they are asked for.

    Both formats are read by pgenlib, which counts ALT in .pgen and A1 in .bed: the effect allele here.

    Parameters
    ----------
    path
        The ``.bed`` or ``.pgen`` file; ``.bim`` and ``.fam``, or ``.pvar`` and ``.psam``, lie beside it.

    Raises
    ------
    UserError
        A file is missing, truncated, or disagrees with its tables.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise UserError(f"{self.path} does not exist")
        if self.path.suffix == ".bed":
            self.variants = read_bim(self.path.with_suffix(".bim"))
            self.samples = read_fam(self.path.with_suffix(".fam"))
            _check_bed(self.path, len(self.samples), len(self.variants))
        else:
            self.variants = read_pvar(self.path.with_suffix(".pvar"))
            self.samples = read_psam(self.path.with_suffix(".psam"))
        # A reader holds a file position: each thread has its own.
        self._readers = threading.local()
        self._check_counts(self._reader())

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`gds.genotypes.GenotypeSource.read`; the result is a transposed view, variant by variant."""
        n_variants, n_samples = len(self.variants), len(self.samples)
        reader = self._reader()
        if isinstance(variants, slice) and variants.step in (None, 1):
            start, stop, _ = variants.indices(n_variants)
            dosage = np.empty((max(stop - start, 0), n_samples), dtype=np.int8)
            if len(dosage):
                reader.read_range(start, stop, dosage)
        else:
            wanted = np.arange(n_variants, dtype=np.uint32)[variants]
            dosage = np.empty((len(wanted), n_samples), dtype=np.int8)
            if len(wanted):
                reader.read_list(wanted, dosage)
        # Bitwise: -9 becomes -1 and 0, 1, 2 stay, several times faster than a masked assignment.
        np.maximum(dosage, MISSING, out=dosage)
        return dosage.T if samples is None else dosage[:, samples].T

    def _reader(self) -> pgenlib.PgenReader:
        if not hasattr(self._readers, "reader"):
            try:
                self._readers.reader = pgenlib.PgenReader(
                    bytes(self.path), raw_sample_ct=len(self.samples), variant_ct=len(self.variants)
                )
            except RuntimeError as error:
                raise UserError(
                    f"{self.path} cannot be read with its tables ({len(self.samples)} samples, "
                    f"{len(self.variants)} variants): {error}"
                ) from error
        return self._readers.reader

    def _check_counts(self, reader: pgenlib.PgenReader) -> None:
        found = reader.get_raw_sample_ct(), reader.get_variant_ct()
        expected = len(self.samples), len(self.variants)
        if found != expected:
            raise UserError(
                f"{self.path} holds {found[0]} samples and {found[1]} variants, but its tables hold "
                f"{expected[0]} and {expected[1]}: do they belong together?"
            )


def _check_bed(path: Path, n_samples: int, n_variants: int) -> None:
    """The size of a .bed file follows from its tables."""
    expected = 3 + n_variants * -(-n_samples // 4)
    with path.open("rb") as file:
        magic = file.read(3)
    if magic[:2] != BED_MAGIC[:2]:
        raise UserError(f"{path} is not a PLINK .bed file (a gene or interval file also ends in .bed)")
    if magic != BED_MAGIC:
        raise UserError(f"{path} is in the old sample-major order: plink2 --bfile {path.stem} --make-bed --out NEW")
    found = path.stat().st_size
    if found != expected:
        what = "truncated" if found < expected else "too long"
        raise UserError(
            f"{path} is {what}: {n_samples} samples of the .fam and {n_variants} variants of the .bim need "
            f"{expected} bytes, found {found}: copy it again, or find the tables that belong to it"
        )
