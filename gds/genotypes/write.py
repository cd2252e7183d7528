"""Writing genotypes as .bed, .pgen, .vcf.gz or .bcf, block by block, whole or not at all."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pgenlib
from tqdm import tqdm

from gds.errors import UserError
from gds.files import atomic_path
from gds.genotypes.bcf_write import write_bcf
from gds.genotypes.matrix import GenotypeSource, is_phased
from gds.genotypes.plink import BED_MAGIC, PGENLIB_MISSING
from gds.genotypes.plink_tables import write_bim, write_fam, write_psam, write_pvar
from gds.genotypes.variant_rules import NO_ALLELE
from gds.genotypes.vcf_write import header_lines, write_vcf

# Dosages held in memory at a time.
_BLOCK_BYTES = 2**23
# Two bits a genotype by dosage as a byte: homozygous A2, heterozygous, homozygous A1; -1, missing, is byte 255.
_BED_CODES = bytes([0b11, 0b10, 0b00]).ljust(256, b"\x01")


def write_genotypes(source: GenotypeSource, path: str | Path, provenance: str | None = None) -> None:
    """Write genotypes and the tables that belong to them.

    The effect allele is written as A1 (.bim) or ALT (.pvar, VCF), the other one as A2 or REF; a .bed does not
    say which allele is the reference, so neither does what is made from one. Haplotypes are kept in .pgen, .vcf.gz
    and .bcf where the source has them (``phased=True``); a .bed cannot hold them. X of males is written
    diploid. The genotype file is renamed last, so that it never stands beside tables that are not its own.

    Parameters
    ----------
    source
        Genotypes in memory or in other files; read forwards, block by block.
    path
        Ends in ``.bed`` (with ``.bim`` and ``.fam``), ``.pgen`` (with ``.pvar`` and ``.psam``), ``.vcf.gz`` or
        ``.bcf``.
    provenance
        What the genotypes were made from and how: a line in the header of a .pvar, VCF or BCF.

    Raises
    ------
    UserError
        Another suffix, ids that the format cannot hold, a place that cannot be written, a full disk.
    """
    path = Path(path)
    ending = ending_of(path)
    _check_ids(source, path)
    _WRITERS[ending](source, path, provenance)


def ending_of(path: str | Path) -> str:
    """The format of a file to be written, by its name: ``.bed``, ``.pgen``, ``.vcf.gz`` or ``.bcf``.

    Raises
    ------
    UserError
        Another ending, or nothing before it.
    """
    name = Path(path).name.lower()
    ending = next((ending for ending in _WRITERS if name.endswith(ending)), None)
    if ending is None:
        raise UserError(f"{path}: expected a name that ends in {', '.join(_WRITERS)}")
    if name == ending:
        raise UserError(f"{path}: expected a name before {ending}")
    return ending


def blocks_of(source: GenotypeSource) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Dosages, int8 (variant, sample), and haplotypes, int8 (variant, sample, 2), of some variants at a time."""
    n_variants = len(source.variants)
    step = max(1, _BLOCK_BYTES // max(len(source.samples), 1))
    with tqdm(total=n_variants, desc="writing genotypes", unit=" variants", delay=5, disable=None) as bar:
        for begin in range(0, n_variants, step):
            block = slice(begin, min(begin + step, n_variants))
            if is_phased(source):
                dosage, haplotypes = source.read_phased(block)
                yield np.ascontiguousarray(dosage.T), np.ascontiguousarray(haplotypes.swapaxes(0, 1))
            else:
                yield np.ascontiguousarray(source.read(block).T), None
            bar.update(block.stop - begin)


def _write_bed(source: GenotypeSource, path: Path, provenance: str | None) -> None:
    n_samples = len(source.samples)
    with ExitStack() as stack:
        genotypes = stack.enter_context(atomic_path(path))
        bim, fam = (stack.enter_context(atomic_path(path.with_suffix(end))) for end in (".bim", ".fam"))
        write_bim(source.variants, bim)
        write_fam(source.samples, fam)
        with genotypes.open("wb") as file:
            file.write(BED_MAGIC)
            for dosage, _ in blocks_of(source):
                # The people that pad the last byte have code 0, as the format demands.
                codes = np.zeros((len(dosage), -(-n_samples // 4) * 4), dtype=np.uint8)
                recoded = dosage.tobytes().translate(_BED_CODES)
                codes[:, :n_samples] = np.frombuffer(recoded, dtype=np.uint8).reshape(dosage.shape)
                quads = codes.reshape(len(dosage), -1, 4)
                packed = quads[..., 0] | quads[..., 1] << 2 | quads[..., 2] << 4 | quads[..., 3] << 6
                file.write(packed.tobytes())


def _write_pgen(source: GenotypeSource, path: Path, provenance: str | None) -> None:
    phased = is_phased(source)
    with ExitStack() as stack:
        genotypes = stack.enter_context(atomic_path(path))
        pvar, psam = (stack.enter_context(atomic_path(path.with_suffix(end))) for end in (".pvar", ".psam"))
        write_pvar(source.variants, pvar, header=header_lines(source, provenance, "PVARv1.0"))
        write_psam(source.samples, psam)
        # Not in a with statement: its end would complain of the missing variants and hide what interrupted us.
        try:
            writer = pgenlib.PgenWriter(
                bytes(genotypes),
                len(source.samples),
                variant_ct=len(source.variants),
                nonref_flags=False,
                hardcall_phase_present=phased,
            )
            for dosage, haplotypes in blocks_of(source):
                if haplotypes is None:
                    # A new array: the block may be a view of the caller's.
                    writer.append_biallelic_batch(np.where(dosage < 0, np.int8(PGENLIB_MISSING), dosage))
                else:
                    writer.append_partially_phased_batch(*_phased_alleles(dosage, haplotypes))
            writer.close()
        except RuntimeError as error:
            raise UserError(f"{path} could not be written ({error}): is the disk full?") from error


def _phased_alleles(dosage: np.ndarray, haplotypes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Allele codes, int32 (variant, 2 sample), and whether their order is known, uint8 (variant, sample)."""
    alleles = haplotypes.astype(np.int32)
    unphased = (dosage == 1) & (haplotypes[..., 0] < 0)
    alleles[unphased] = (0, 1)
    alleles[dosage < 0] = PGENLIB_MISSING
    known = ((dosage == 1) & ~unphased).astype(np.uint8)
    return alleles.reshape(len(alleles), -1), known


def _write_vcf(source: GenotypeSource, path: Path, provenance: str | None) -> None:
    with atomic_path(path) as temporary:
        write_vcf(source, blocks_of(source), temporary, provenance)


def _write_bcf(source: GenotypeSource, path: Path, provenance: str | None) -> None:
    with atomic_path(path) as temporary:
        write_bcf(source, blocks_of(source), temporary, provenance)


_WRITERS: dict[str, Callable[[GenotypeSource, Path, str | None], None]] = {
    ".bed": _write_bed,
    ".pgen": _write_pgen,
    ".vcf.gz": _write_vcf,
    ".bcf": _write_bcf,
}


def _check_ids(source: GenotypeSource, path: Path) -> None:
    """White space would move the columns of every line."""
    samples, variants = source.samples, source.variants
    if not len(samples) or not len(variants):
        raise UserError(f"{path}: nothing to write: {len(samples)} people, {len(variants)} variants")
    texts = {
        "sample id": samples["id"],
        "family": samples["family"],
        "variant id": variants["id"],
        "allele": variants["effect_allele"],
    }
    for what, column in texts.items():
        wrong = column.astype(str).str.contains(r"\s", regex=True)
        if wrong.any():
            raise UserError(
                f"{path}: {what} {column[wrong].iloc[0]!r} holds white space, which no genotype file can"
            )
    empty = samples["id"].astype(str) == ""
    if empty.any():
        raise UserError(f"{path}: person {int(empty.argmax()) + 1} has an empty id")
    if (variants["other_allele"] == NO_ALLELE).any():
        row = variants[variants["other_allele"] == NO_ALLELE].iloc[0]
        raise UserError(
            f"{path}: variant {row['id']} ({row['chromosome']}:{row['position']}) has no other allele, which would "
            "be the reference: leave it out"
        )
