"""Reading .hapt, the text of the artificial-genomes benchmark: a haplotype a line, an allele a column.

``Real HG00096_A 1 1 0 1 ...``: the data set, the haplotype's id, then 0 or 1 for every site, divided by white
space. Two consecutive lines are the two haplotypes of one person; where ids end in ``_A`` and ``_B``, as the real
ones do, they must say the same. Synthetic haplotypes (AG0, AG1, ...) are paired as they come and the person is
called ``AG0_AG1``; :meth:`gds.genotypes.Genotypes.as_haploid` takes them apart again.

The sites are in a legend: ``id position a0 a1``, where column 0 or 1 of a haplotype means a0 or a1.

Source: Yelmen et al. 2021, PLoS Genetics 17:e1009303.
"""

import gzip
import re
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.matrix import HAPLOTYPE_SUFFIXES, check_unique_ids
from gds.genotypes.variant_rules import Chromosomes, clean_variants, select_variants

_CHROMOSOME_COLUMNS = ("chromosome", "chrom", "chr")


class HaptFile:
    """A .hapt file (also .hapt.gz, or alone in a .hapt.zip), held in memory; a1 is the effect allele.

    Parameters
    ----------
    path
        The file.
    chromosomes
        As :func:`gds.genotypes.open_genotypes` takes it.
    phased
        Whether :meth:`read_phased` will be used; the haplotypes are there anyway.
    legend
        The sites; None takes ``NAME.legend`` beside ``NAME.hapt``. Where there is none either, the sites are
        called ``site1``, ... on chromosome 0, at positions 1, ..., with alleles 0 and 1, and the report says so.

    Raises
    ------
    UserError
        A line that is none of this format, haplotypes that make no pairs, or a legend of other sites.
    """

    def __init__(
        self,
        path: str | Path,
        chromosomes: Chromosomes = "autosomes",
        phased: bool = False,
        legend: str | Path | None = None,
    ) -> None:
        self.path = Path(path)
        self.phased = phased
        self.genome_build: str | None = None
        ids, alleles = _read_lines(self.path)
        self.samples = pd.DataFrame(
            {"id": pd.Series(_people(ids, self.path), dtype=object), "family": "", "sex": np.int8(0)}
        )
        check_unique_ids(self.samples["id"], str(self.path))
        found = _legend_beside(self.path) if legend is None else Path(legend)
        table = _unnamed_sites(alleles.shape[1]) if found is None else read_legend(found)
        if len(table) != alleles.shape[1]:
            raise UserError(
                f"{self.path} has {alleles.shape[1]} sites a line, but {found} lists {len(table)}: give the legend "
                "that belongs to it"
            )
        if found is None and not isinstance(chromosomes, str):
            raise UserError(f"{self.path} has no legend, so its chromosomes are not known: give its legend")
        wanted = "all" if found is None else chromosomes
        rows, self.report = select_variants(table, wanted, str(self.path), len(self.samples))
        if found is None:
            self.report.noted["unplaced"] = len(rows)
        self.variants = table.iloc[rows].reset_index(drop=True)
        self._haplotypes = alleles[:, rows].reshape(len(self.samples), 2, len(rows)).swapaxes(1, 2)

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`gds.genotypes.GenotypeSource.read`."""
        return self.read_phased(variants, samples)[0]

    def read_phased(
        self, variants: slice | np.ndarray, samples: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`gds.genotypes.matrix.PhasedSource.read_phased`."""
        haplotypes = self._haplotypes[:, variants]
        if samples is not None:
            haplotypes = haplotypes[samples]
        return haplotypes[..., 0] + haplotypes[..., 1], haplotypes


def read_legend(path: str | Path) -> pd.DataFrame:
    """Sites of a .legend file (also .gz): columns ``id position a0 a1`` under a line that names them.

    The chromosome is that of a column ``chromosome``, ``chrom`` or ``chr``, otherwise what stands before the
    position in the id: ``1:1243896_C_T``.

    Returns
    -------
    pandas.DataFrame
        As :class:`gds.genotypes.GenotypeSource` has them; a1 is the effect allele, a0 the other one.

    Raises
    ------
    UserError
        A column is absent, a line has other columns, or a chromosome is not told.
    """
    path = Path(path)
    header, *lines = _content(path).decode(errors="replace").splitlines() or [""]
    names = header.split()
    absent = [name for name in ("id", "position", "a0", "a1") if name not in names]
    if absent:
        raise UserError(
            f"{path}: line 1 names no column {', '.join(absent)}: expected 'id position a0 a1', "
            f"found {header[:60]!r}"
        )
    rows = []
    for number, line in enumerate(lines, start=2):
        fields = line.split()
        if fields and len(fields) != len(names):
            raise UserError(f"{path}: line {number} has {len(fields)} columns, but line 1 names {len(names)}")
        if fields:
            rows.append(fields)
    table = pd.DataFrame(rows, columns=names, dtype=object)
    column = next((name for name in _CHROMOSOME_COLUMNS if name in names), None)
    chromosome = _chromosomes_of_ids(table, path) if column is None else table[column]
    return clean_variants(chromosome, table["position"], table["id"], table["a1"], table["a0"], str(path))


def _chromosomes_of_ids(table: pd.DataFrame, path: Path) -> pd.Series:
    chromosomes = []
    for number, (name, position) in enumerate(zip(table["id"], table["position"], strict=True), start=2):
        match = re.match(rf"(\w+):{re.escape(position)}(?!\d)", name)
        if match is None:
            raise UserError(
                f"{path}: line {number}: the chromosome of {name!r} is not told: expected an id such as "
                f"1:{position}, or a column named chromosome"
            )
        chromosomes.append(match[1])
    return pd.Series(chromosomes, dtype=object)


def _read_lines(path: Path) -> tuple[list[str], np.ndarray]:
    """Ids of haplotypes, and their alleles: int8 (haplotype, site)."""
    ids: list[str] = []
    rows: list[bytes] = []
    for number, line in enumerate(_content(path).splitlines(), start=1):
        fields = line.split()
        if not fields:
            continue
        alleles = b"".join(fields[2:])
        if len(fields) < 3 or len(alleles) != len(fields) - 2 or alleles.strip(b"01"):
            wrong = next((field for field in fields[2:] if field not in (b"0", b"1")), None)
            what = f"{len(fields)} columns" if wrong is None else f"allele {wrong.decode(errors='replace')!r}"
            raise UserError(
                f"{path}: line {number} has {what}: expected two columns of ids, then 0 or 1 for every site"
            )
        if rows and len(alleles) != len(rows[0]):
            raise UserError(f"{path}: line {number} has {len(alleles)} sites, line 1 has {len(rows[0])}")
        ids.append(fields[1].decode(errors="replace"))
        rows.append(alleles)
    if not rows:
        raise UserError(f"{path} holds no haplotypes")
    digits = np.frombuffer(b"".join(rows), dtype=np.int8).reshape(len(rows), -1)
    return ids, digits - np.int8(ord("0"))


def _people(ids: list[str], path: Path) -> list[str]:
    """Ids of people, of the ids of their haplotypes, two by two."""
    if len(ids) % 2:
        raise UserError(
            f"{path} has {len(ids)} haplotypes, an odd number: two consecutive lines are one person, so one is "
            "missing or too many"
        )
    people = []
    for first, second in zip(ids[::2], ids[1::2], strict=True):
        stems = first.removesuffix(HAPLOTYPE_SUFFIXES[0]), second.removesuffix(HAPLOTYPE_SUFFIXES[1])
        named = [name for name in (first, second) if name.endswith(HAPLOTYPE_SUFFIXES)]
        if not named:
            people.append(f"{first}_{second}")
        elif stems[0] == stems[1] and len(named) == 2:
            people.append(stems[0])
        else:
            raise UserError(
                f"{path}: line {2 * len(people) + 1} is haplotype {first}, the next one {second}: expected the "
                "haplotypes _A and _B of one person on consecutive lines"
            )
    return people


def _legend_beside(path: Path) -> Path | None:
    legend = path.with_name(path.name[: path.name.lower().rindex(".hapt")] + ".legend")
    return legend if legend.is_file() else None


def _unnamed_sites(n_sites: int) -> pd.DataFrame:
    number = np.arange(1, n_sites + 1)
    return pd.DataFrame(
        {
            "chromosome": "0", "position": number, "id": [f"site{i}" for i in number],
            "effect_allele": "1", "other_allele": "0",
        }
    ).astype(dict.fromkeys(("chromosome", "id", "effect_allele", "other_allele"), object))  # fmt: skip


def _content(path: Path) -> bytes:
    """The bytes of a file, of a .gz, or of the one member of a .zip."""
    try:
        if path.suffix.lower() == ".gz":
            return gzip.decompress(path.read_bytes())
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                members = [name for name in archive.namelist() if name.lower().endswith(".hapt")]
                if len(members) != 1:
                    raise UserError(f"{path}: expected one .hapt file inside, found {len(members)}")
                return archive.read(members[0])
        return path.read_bytes()
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path} is damaged or cut short ({error}): copy it again") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
