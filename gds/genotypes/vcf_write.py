"""Writing VCF as BGZF text, a line at a time from tables of bytes."""

import importlib.metadata
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gds.genotypes.bgzf import BgzfWriter
from gds.genotypes.matrix import GenotypeSource

# GT by dosage 0, 1, 2 and, at the end, -1.
_UNPHASED = np.frombuffer(b"\t0/0\t0/1\t1/1\t./.", dtype=np.uint8).reshape(4, 4)
# GT by 2 * first + second haplotype, 0 to 3.
_PHASED = np.frombuffer(b"\t0|0\t0|1\t1|0\t1|1", dtype=np.uint8).reshape(4, 4)


def header_lines(source: GenotypeSource, provenance: str | None, version: str = "VCFv4.3") -> str:
    """The lines that say what a file is and how it was made, each with its end of line.

    Parameters
    ----------
    source
        Its chromosomes get a contig line each, in order of appearance; its genome build a reference line.
    provenance
        What the genotypes were made from and how. No paths and no time by themselves: the same content gives
        the same bytes, and files are shared.
    version
        Name and version of the format.
    """
    lines = [f"##fileformat={version}", f"##source=genotype-diffusion {_version()}"]
    if provenance:
        # One line, whatever file names hold.
        lines.append("##gdsProvenance=" + "".join(c if c.isprintable() else "?" for c in provenance))
    build = getattr(source, "genome_build", None)
    if build:
        lines.append(f"##reference={build}")
    lines += [f"##contig=<ID={name}>" for name in source.variants["chromosome"].unique()]
    return "\n".join(lines) + "\n"


def _version() -> str:
    try:
        return importlib.metadata.version("genotype-diffusion")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return "(not installed)"


def vcf_header(source: GenotypeSource, provenance: str | None) -> str:
    """The whole header of a VCF or BCF; see :func:`header_lines`."""
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *source.samples["id"]]
    return (
        header_lines(source, provenance)
        + '##FILTER=<ID=PASS,Description="All filters passed">\n'
        + '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        + "\t".join(columns)
        + "\n"
    )


def encode_calls(
    dosage: np.ndarray, haplotypes: np.ndarray | None, i: int, unphased: np.ndarray, phased: np.ndarray
) -> bytes:
    """Everyone's GT at variant ``i`` of a block, from tables of its bytes by dosage and by haplotypes."""
    # Missing is -1, the last row of the table.
    calls = unphased[dosage[i]]
    if haplotypes is not None:
        known = haplotypes[i, :, 0] >= 0
        calls[known] = phased[haplotypes[i, known] @ np.array([2, 1], dtype=np.int8)]
    return calls.tobytes()


def write_vcf(
    source: GenotypeSource,
    blocks: Iterable[tuple[np.ndarray, np.ndarray | None]],
    path: Path,
    provenance: str | None = None,
) -> None:
    """Write a .vcf.gz of GT only; missing genotypes are ``./.``, heterozygotes without phase ``0/1``.

    Parameters
    ----------
    source
        Its tables.
    blocks
        Consecutive blocks of its dosages, int8 (variant, sample), and haplotypes, int8 (variant, sample, 2).
    path
        The file.
    provenance
        A line of the header, see :func:`header_lines`.
    """
    names = ("chromosome", "position", "id", "other_allele", "effect_allele")
    sites = zip(*(source.variants[name] for name in names), strict=True)
    with BgzfWriter(path) as file:
        file.write(vcf_header(source, provenance).encode())
        for dosage, haplotypes in blocks:
            for i in range(len(dosage)):
                chromosome, position, name, reference, alternative = next(sites)
                line = f"{chromosome}\t{position}\t{name}\t{reference}\t{alternative}\t.\tPASS\t.\tGT"
                calls = encode_calls(dosage, haplotypes, i, _UNPHASED, _PHASED)
                file.write(line.encode() + calls + b"\n")
