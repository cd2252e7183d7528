"""Reading .vcf, .vcf.gz and .bcf files by cyvcf2, in one pass over the sites and one over the genotypes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gds.errors import UserError, require_extra
from gds.genotypes.matrix import MISSING, as_indices, check_unique_ids
from gds.genotypes.rounding import round_dosages
from gds.genotypes.variant_rules import Chromosomes, clean_variants, select_variants
from gds.genotypes.vcf_calls import decode_calls

# Calls decoded at a time: many records, yet still in the cache.
_CACHED = 2**18
_HAPLOID_IN_SOME = ("X", "Y", "MT")
# Lengths by which a header's contig lines give the build away.
_BUILDS = {
    249250621: "hg19", 248956422: "hg38",  # chromosome 1
    243199373: "hg19", 242193529: "hg38",  # 2
    51304566: "hg19", 50818468: "hg38",  # 22
}  # fmt: skip


class VcfFile:
    """A VCF or BCF file as a source of genotypes; ALT is the effect allele.

    The tables are read at once (genotypes are skipped, which is ten times faster); dosages when they are asked
    for. Such files can only be read forwards: reading on from where the last read ended costs nothing extra,
    going back starts the file again.

    GT is used where a record has it, otherwise DS, rounded (:mod:`gds.genotypes.rounding`). The rules for calls
    are those of :mod:`gds.genotypes.vcf_calls`.

    Parameters
    ----------
    path
        The file.
    chromosomes
        As :func:`gds.genotypes.open_genotypes` takes it.
    phased
        Whether :meth:`read_phased` will be used.

    Raises
    ------
    UserError
        The file is malformed or truncated, or has neither GT nor DS.
    """

    def __init__(
        self, path: str | Path, chromosomes: Chromosomes = "autosomes", phased: bool = False
    ) -> None:
        self.path = Path(path)
        self.phased = phased
        header = self._open()
        ids = pd.Series(list(header.samples), dtype=object)
        if not len(ids):
            raise UserError(f"{self.path} has no samples: it lists sites only")
        check_unique_ids(ids, str(self.path))
        _check_formats(header, self.path)
        self.genome_build = _genome_build(header)
        self.samples = pd.DataFrame({"id": ids, "family": "", "sex": np.zeros(len(ids), dtype=np.int8)})
        table = self._sites()
        self._records, self.report = select_variants(table, chromosomes, str(self.path), len(ids))
        self.variants = table.iloc[self._records].reset_index(drop=True)
        self._can_be_haploid = self.variants["chromosome"].isin(_HAPLOID_IN_SOME).to_numpy()
        self._n_counted = 0
        self._iterator: Iterator[Any] | None = None
        self._next_record = 0

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`gds.genotypes.GenotypeSource.read`; the result is a transposed view, variant by variant."""
        return self._read(variants, samples, haplotypes=False)[0]

    def read_phased(
        self, variants: slice | np.ndarray, samples: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`gds.genotypes.matrix.PhasedSource.read_phased`."""
        return self._read(variants, samples, haplotypes=True)

    def _read(
        self, variants: slice | np.ndarray, samples: np.ndarray | None, haplotypes: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        asked = as_indices(variants, len(self.variants))
        wanted, order = np.unique(asked, return_inverse=True)
        people = slice(None) if samples is None else as_indices(samples, len(self.samples))
        n_people = len(self.samples) if samples is None else len(self.samples["id"].to_numpy()[people])
        dosage = np.empty((len(wanted), n_people), dtype=np.int8)
        pairs = np.empty((len(wanted) if haplotypes else 0, n_people, 2), dtype=np.int8)
        step = max(1, _CACHED // len(self.samples))
        for begin in range(0, len(wanted), step):
            block = wanted[begin : begin + step]
            whole, both = self._decode(block, haplotypes)
            dosage[begin : begin + step] = whole[:, people]
            if haplotypes:
                pairs[begin : begin + step] = both[:, people]
        if len(wanted) != len(asked) or (order != np.arange(len(order))).any():
            dosage, pairs = dosage[order], pairs[order] if haplotypes else pairs
        return dosage.T, pairs.transpose(1, 0, 2)

    def _decode(self, wanted: np.ndarray, haplotypes: bool) -> tuple[np.ndarray, np.ndarray]:
        """Everyone's dosages (variant, sample) and haplotypes (variant, sample, 2) of some variants."""
        n = len(self.samples)
        calls = np.empty((len(wanted), n, 3), dtype=np.int16)
        expected: dict[int, np.ndarray] = {}
        for i, record in enumerate(self._walk(self._records[wanted])):
            genotype = _genotype_array(record)
            if genotype is None:
                calls[i] = MISSING
                dosage = record.format("DS")
                if dosage is not None:
                    expected[i] = dosage[:, 0]
                else:
                    self._count({"without_genotypes": n}, wanted[i])
            elif genotype.shape[1] == 3:
                calls[i] = genotype
            elif genotype.shape[1] == 2:  # everyone haploid: allele, phased
                calls[i, :, 0], calls[i, :, 1], calls[i, :, 2] = genotype[:, 0], -2, 1
            else:
                raise UserError(
                    f"{self.path}: {_place(record)} has {genotype.shape[1] - 1} alleles a person, expected 1 or 2: "
                    "leave polyploid records out"
                )
        dosage, pairs, counts = decode_calls(calls, self._can_be_haploid[wanted], haplotypes)
        if dosage.max(initial=0) > 2:
            i, person = np.argwhere(dosage > 2)[0]
            row = self.variants.iloc[wanted[i]]
            raise UserError(
                f"{self.path}: sample {self.samples['id'].iloc[person]} has an allele at "
                f"{row['chromosome']}:{row['position']} that the record does not list"
            )
        for i, values in expected.items():
            dosage[i] = self._expected(values, wanted[i])
            if haplotypes:
                pairs[i] = np.where(dosage[i] == 1, MISSING, dosage[i] // 2)[:, None]
        new = np.flatnonzero(wanted >= self._n_counted)
        self.report.add_calls({name: int(each[new].sum()) for name, each in counts.items()})
        if len(wanted):
            self._n_counted = max(self._n_counted, int(wanted[-1]) + 1)
        return dosage, pairs

    def _expected(self, values: np.ndarray, variant: int) -> np.ndarray:
        missing = np.isnan(values)
        out_of_range = np.flatnonzero(~missing & ((values < -0.001) | (values > 2.001)))
        if len(out_of_range):
            row, person = self.variants.iloc[variant], out_of_range[0]
            raise UserError(
                f"{self.path}: sample {self.samples['id'].iloc[person]} has DS {values[person]:g} at "
                f"{row['chromosome']}:{row['position']}, expected 0 to 2"
            )
        dosage, counts = round_dosages(values[None].clip(0, 2), missing[None])
        self._count(counts, variant)
        return dosage[0]

    def _count(self, counts: dict[str, int], variant: int) -> None:
        # A variant that is read again is not counted again.
        if variant >= self._n_counted:
            self.report.add_calls(counts)

    def _walk(self, records: np.ndarray) -> Iterator[Any]:
        """The records with these ascending numbers."""
        if self._iterator is None or (len(records) and records[0] < self._next_record):
            self._iterator, self._next_record = iter(self._open()), 0
        for number in records:
            while True:
                record = self._advance(self._iterator)
                self._next_record += 1
                if record is None:
                    raise UserError(f"{self.path} has fewer records than when it was opened: did it change?")
                if self._next_record > number:
                    break
            yield record

    def _sites(self) -> pd.DataFrame:
        columns: list[list[Any]] = [[], [], [], [], []]
        # With no samples chosen, htslib does not parse genotypes.
        iterator = iter(self._open(samples=[]))
        while (record := self._advance(iterator, len(columns[0]))) is not None:
            alternative = ",".join(record.ALT) or "."
            row = (record.CHROM, record.POS, record.ID or ".", alternative, record.REF)
            for column, value in zip(columns, row, strict=True):
                column.append(value)
        chromosome, position, ids, effect, other = (pd.Series(column, dtype=object) for column in columns)
        return clean_variants(chromosome, position, ids, effect, other, str(self.path))

    def _advance(self, iterator: Iterator[Any], number: int | None = None) -> Any:
        """The next record, or None at the end of the file."""
        try:
            return next(iterator, None)
        # cyvcf2 raises a bare Exception where htslib cannot parse on.
        except Exception as error:
            number = self._next_record if number is None else number
            raise UserError(
                f"{self.path} is truncated or malformed after record {number} ({error}): copy it again, or see the "
                f"place with bcftools view {self.path} > /dev/null"
            ) from error

    def _open(self, **options: Any) -> Any:
        cyvcf2 = require_extra("cyvcf2", "vcf")
        try:
            return cyvcf2.VCF(str(self.path), **options)
        # cyvcf2 raises an OSError for other kinds of files and a bare Exception for a malformed header.
        except Exception as error:
            raise UserError(
                f"{self.path} is not a readable VCF or BCF file, or cut short ({error}): copy it again; "
                f"bcftools view -h {self.path} says more, for example that a sample is named twice"
            ) from error

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_iterator": None, "_next_record": 0}


def _genotype_array(record: Any) -> np.ndarray | None:
    """Allele numbers and a phase flag of everyone, int16 (sample, ploidy + 1); None without GT."""
    try:
        return record.genotype.array()
    # cyvcf2 raises a bare Exception where a record has no GT.
    except Exception:
        if "GT" in record.FORMAT:
            raise
        return None


def _place(record: Any) -> str:
    return f"the record at {record.CHROM}:{record.POS}"


def _check_formats(header: Any, path: Path) -> None:
    declared = [line["ID"] for line in header.header_iter() if line["HeaderType"] == "FORMAT"]
    if "GT" not in declared and "DS" not in declared:
        found = ", ".join(declared) or "none"
        how = next((name for name in ("HDS", "GP") if name in declared), None)
        hint = (
            f"plink2 --vcf {path} dosage={how} --make-pgen --out NEW converts it"
            if how
            else "genotypes must be called first"
        )
        raise UserError(
            f"{path} has neither GT (genotypes) nor DS (dosages) among its FORMAT lines (found: {found}): {hint}"
        )


def _genome_build(header: Any) -> str | None:
    """The human build that the contig lengths of the header belong to."""
    try:
        lengths = header.seqlens
    except AttributeError:  # no contig line has a length
        return None
    builds = {_BUILDS[length] for length in lengths if length in _BUILDS}
    return builds.pop() if len(builds) == 1 else None
