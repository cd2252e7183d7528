"""The doors by which genotype files come in: opened to be streamed, or read into memory."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gds.errors import UserError, did_you_mean
from gds.genotypes.concatenate import ConcatenatedFiles, GenotypeFile
from gds.genotypes.hapt import HaptFile
from gds.genotypes.matrix import Genotypes, GenotypeSource
from gds.genotypes.plink import PlinkFile
from gds.genotypes.variant_rules import Chromosomes
from gds.genotypes.vcf import VcfFile

Paths = str | Path | Sequence[str | Path]

READERS: dict[str, type[GenotypeFile]] = {
    ".bed": PlinkFile,
    ".pgen": PlinkFile,
    ".vcf": VcfFile,
    ".vcf.gz": VcfFile,
    ".vcf.bgz": VcfFile,
    ".bcf": VcfFile,
    ".hapt": HaptFile,
    ".hapt.gz": HaptFile,
    ".hapt.zip": HaptFile,
}
_TABLES = {".bim": ".bed", ".fam": ".bed", ".pvar": ".pgen", ".psam": ".pgen"}
_CONVERTED_BY = {
    ".bgen": "plink2 --bgen {path} ref-first --sample {stem}.sample --make-pgen --out {stem}",
    ".ped": "plink1.9 --file {stem} --make-bed --out {stem}",
    ".tped": "plink1.9 --tfile {stem} --make-bed --out {stem}",
    ".gen": "plink2 --gen {path} ref-first --sample {stem}.sample --make-pgen --out {stem}",
    ".haps": "plink2 --haps {path} --sample {stem}.sample --make-pgen --out {stem}",
}
# Dosages read at a time into memory.
_READ_BYTES = 2**26


def open_genotypes(
    paths: Paths,
    *,
    chromosomes: Chromosomes = "autosomes",
    phased: bool = False,
    genome_build: str | None = None,
    legend: str | Path | None = None,
) -> GenotypeSource:
    """Open genotype files; those that can be read at any place are read only when asked.

    ``.bed`` and ``.pgen`` are streamed. VCF and BCF cannot be read at random and are read into memory, as
    :func:`read_genotypes` does: ``gds convert`` makes a ``.pgen`` of a large one, once.

    Parameters
    ----------
    paths
        One file, or several of the same people, one per chromosome: ``.bed``, ``.pgen``, ``.vcf``,
        ``.vcf.gz``, ``.bcf`` or ``.hapt``. .bim and .fam, or .pvar and .psam, lie beside theirs.
    chromosomes
        ``"autosomes"`` (chromosomes with a number), ``"all"`` or names such as ``["1", "X"]``.
    phased
        Keep the haplotypes apart (not in .bed files).
    genome_build
        E.g. ``"hg19"``; None takes it from a VCF's header if that has contig lengths.
    legend
        The sites of a .hapt file; None takes the ``.legend`` of the same name beside it.

    Returns
    -------
    GenotypeSource
        With an attribute ``report`` (:class:`gds.genotypes.ReadReport`) of what was left out, by the rules of
        :mod:`gds.genotypes.variant_rules` and :mod:`gds.genotypes.vcf_calls`.

    Raises
    ------
    UserError
        A file that is missing, damaged, of another format, or that does not fit the others.
    """
    source = open_in_order(
        paths, chromosomes=chromosomes, phased=phased, genome_build=genome_build, legend=legend
    )
    files = source.files if isinstance(source, ConcatenatedFiles) else [source]
    if any(isinstance(file, VcfFile) for file in files):
        return _in_memory(source, files)
    return source


def read_genotypes(
    paths: Paths,
    genome_build: str | None = None,
    *,
    chromosomes: Chromosomes = "autosomes",
    phased: bool = False,
    legend: str | Path | None = None,
) -> Genotypes:
    """Read genotype files into memory; parameters, rules and errors as of :func:`open_genotypes`."""
    source = open_in_order(
        paths, chromosomes=chromosomes, phased=phased, genome_build=genome_build, legend=legend
    )
    return _in_memory(source, source.files if isinstance(source, ConcatenatedFiles) else [source])


def open_in_order(
    paths: Paths,
    *,
    chromosomes: Chromosomes = "autosomes",
    phased: bool = False,
    genome_build: str | None = None,
    legend: str | Path | None = None,
) -> GenotypeFile | ConcatenatedFiles:
    """As :func:`open_genotypes`, but VCF and BCF are streamed too: for callers that only read forwards."""
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    if not listed:
        raise UserError("no genotype file was given")
    formats = [_format(Path(path)) for path in listed]
    if legend is not None and not all(READERS[ending] is HaptFile for ending in formats):
        raise UserError(f"legend {legend}: only .hapt files have one, found {listed[0]}")
    files = [
        _opened(Path(path), READERS[ending], chromosomes, phased, legend)
        for path, ending in zip(listed, formats, strict=True)
    ]
    source = files[0] if len(files) == 1 else ConcatenatedFiles(files)
    if genome_build is not None:
        if source.genome_build not in (None, genome_build):
            raise UserError(
                f"{listed[0]} is on {source.genome_build} by the contig lengths of its header, "
                f"but {genome_build} was stated"
            )
        source.genome_build = genome_build
    return source


def _opened(
    path: Path, reader: type[GenotypeFile], chromosomes: Chromosomes, phased: bool, legend: str | Path | None
) -> GenotypeFile:
    if issubclass(reader, HaptFile):
        return reader(path, chromosomes, phased, legend)
    return reader(path, chromosomes, phased)


def _format(path: Path) -> str:
    """The ending that decides how a file is read."""
    name = path.name.lower()
    ending = next((ending for ending in READERS if name.endswith(ending)), None)
    if ending is not None:
        if not path.is_file():
            raise UserError(f"{path} does not exist")
        return ending
    suffix = path.suffix.lower()
    if suffix in _CONVERTED_BY:
        command = _CONVERTED_BY[suffix].format(path=path, stem=path.with_suffix(""))
        raise UserError(f"{path}: {suffix} files are not read; convert it with: {command}")
    if suffix in _TABLES:
        raise UserError(f"{path} is the table beside a {_TABLES[suffix]} file: give that one")
    beside = [ending for ending in READERS if path.with_name(path.name + ending).is_file()]
    if beside:
        raise UserError(f"{path} is no file, but {path.name}{beside[0]} is: give the name with its ending")
    hint = did_you_mean(suffix, READERS) if suffix else f"known endings: {', '.join(READERS)}"
    raise UserError(f"{path}: unknown kind of genotype file; {hint}")


def _in_memory(source: GenotypeFile | ConcatenatedFiles, files: Sequence[GenotypeFile]) -> Genotypes:
    n_samples, n_variants = len(source.samples), len(source.variants)
    dosage = np.empty((n_variants, n_samples), dtype=np.int8)
    haplotypes = np.empty((n_variants, n_samples, 2), dtype=np.int8) if source.phased else None
    step = max(1, _READ_BYTES // max(n_samples, 1))
    with tqdm(total=n_variants, desc="reading genotypes", unit=" variants", delay=5, disable=None) as bar:
        for begin in range(0, n_variants, step):
            block = slice(begin, min(begin + step, n_variants))
            if haplotypes is not None:
                whole, pairs = source.read_phased(block)
                haplotypes[block] = pairs.swapaxes(0, 1)
            else:
                whole = source.read(block)
            dosage[block] = whole.T
            bar.update(block.stop - begin)
    return Genotypes(
        dosage=dosage.T,
        samples=source.samples,
        variants=source.variants,
        genome_build=source.genome_build,
        haplotypes=None if haplotypes is None else haplotypes.swapaxes(0, 1),
        report=source.report,
    )
