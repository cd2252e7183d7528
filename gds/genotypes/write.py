"""Writing genotypes as .bed or .pgen, whole or not at all."""

from pathlib import Path

import numpy as np
import pgenlib

from gds.errors import UserError
from gds.files import atomic_path
from gds.genotypes.matrix import GenotypeSource
from gds.genotypes.plink import BED_MAGIC, PGENLIB_MISSING
from gds.genotypes.plink_tables import write_bim, write_fam, write_psam, write_pvar

# Variants held in memory at a time.
VARIANTS_A_BLOCK = 4096
# Two bits a genotype by dosage 0, 1, 2 and, at the end, -1: homozygous A2, heterozygous, homozygous A1, missing.
BED_CODES = np.array([0b11, 0b10, 0b00, 0b01], dtype=np.uint8)


def write_genotypes(source: GenotypeSource, path: str | Path) -> None:
    """Write genotypes and the tables that belong to them.

    The effect allele is written as A1 (.bim) and as ALT (.pvar). The genotype file is renamed last, so that
    it never stands beside tables that are not its own.

    Parameters
    ----------
    source
        Genotypes in memory or in other files; read block by block.
    path
        Ends in ``.bed`` (with ``.bim`` and ``.fam``) or ``.pgen`` (with ``.pvar`` and ``.psam``).

    Raises
    ------
    UserError
        Another suffix, or a place that cannot be written.
    """
    path = Path(path)
    writers = {".bed": _write_bed, ".pgen": _write_pgen}
    if path.suffix not in writers:
        raise UserError(f"{path}: expected a name that ends in .bed or .pgen")
    with atomic_path(path) as temporary:
        writers[path.suffix](source, temporary)
        if path.suffix == ".bed":
            write_bim(source.variants, path.with_suffix(".bim"))
            write_fam(source.samples, path.with_suffix(".fam"))
        else:
            write_pvar(source.variants, path.with_suffix(".pvar"))
            write_psam(source.samples, path.with_suffix(".psam"))


def _blocks(source: GenotypeSource):  # type: ignore[no-untyped-def]
    """Dosages (variant, sample) of some thousand variants at a time."""
    for start in range(0, len(source.variants), VARIANTS_A_BLOCK):
        yield np.ascontiguousarray(source.read(slice(start, start + VARIANTS_A_BLOCK)).T)


def _write_bed(source: GenotypeSource, path: Path) -> None:
    n_samples = len(source.samples)
    with path.open("wb") as file:
        file.write(BED_MAGIC)
        for dosage in _blocks(source):
            codes = np.zeros((len(dosage), -(-n_samples // 4) * 4), dtype=np.uint8)
            codes[:, :n_samples] = BED_CODES[dosage]
            quads = codes.reshape(len(dosage), -1, 4)
            packed = quads[..., 0] | quads[..., 1] << 2 | quads[..., 2] << 4 | quads[..., 3] << 6
            file.write(packed.tobytes())


def _write_pgen(source: GenotypeSource, path: Path) -> None:
    with pgenlib.PgenWriter(
        bytes(path), len(source.samples), variant_ct=len(source.variants), nonref_flags=False
    ) as writer:
        for dosage in _blocks(source):
            # A new array: the block may be a view of the caller's.
            writer.append_biallelic_batch(np.where(dosage < 0, np.int8(PGENLIB_MISSING), dosage))
