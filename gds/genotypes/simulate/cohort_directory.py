"""The folder of a simulated cohort, as the other commands take it."""

from pathlib import Path

from gds.errors import UserError
from gds.files import atomic_directory, write_json
from gds.genotypes.simulate.cohort import SimulatedCohort
from gds.genotypes.write import write_genotypes
from gds.provenance import run_record

FORMATS = ("bed", "pgen")


def write_cohort(cohort: SimulatedCohort, folder: str | Path, file_format: str = "bed") -> None:
    """Write a cohort directory, whole or not at all.

    ``cohort.bed`` with .bim and .fam (or ``cohort.pgen`` with .pvar and .psam), ``phenotypes.tsv``,
    ``genes.tsv`` (a gene file: chromosome start end name), ``truth.tsv`` and ``run.json`` (how to make
    it again, its parameters and causal variants).

    Raises
    ------
    UserError
        Unknown format, or the place cannot be written.
    """
    if file_format not in FORMATS:
        raise UserError(f"expected the format {' or '.join(FORMATS)}, found {file_format!r}")
    causal = cohort.causal_variants.astype(object).where(cohort.causal_variants.notna(), None)
    record = run_record(
        cohort.parameters["seed"], parameters=cohort.parameters, causal_variants=causal.to_dict("records")
    )
    with atomic_directory(folder) as temporary:
        write_genotypes(cohort.genotypes, temporary / f"cohort.{file_format}")
        cohort.phenotypes.to_csv(temporary / "phenotypes.tsv", sep="\t")
        cohort.genes.to_csv(temporary / "genes.tsv", sep="\t", index=False, header=False)
        cohort.truth.to_csv(temporary / "truth.tsv", sep="\t")
        write_json(temporary / "run.json", record)
