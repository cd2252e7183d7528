"""What can be asked of ``gds prepare``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gds.errors import UserError
from gds.files import read_json


@dataclass(frozen=True)
class PrepareOptions:
    """Everything that decides what ``gds prepare`` writes.

    ``relatives`` None means families where a column or the genotype file has them, otherwise kinship (with
    ``qc``). ``qc`` False keeps every person and every variant. ``further_cohorts`` are the files of other people,
    merged with the first by ``merge``: the variants that all have, or those of any.
    """

    genotypes: Sequence[str]
    further_cohorts: Sequence[Sequence[str]] = ()
    merge: Literal["intersection", "union"] = "intersection"
    phenotypes: str | None = None
    label_column: str | None = None
    label_threshold: float | Literal["median"] | None = None  # cuts a measurement into low and high
    id_column: str | None = None
    covariates: Sequence[str] | None = None  # None: sex and age, where the table has them
    batch_columns: Sequence[str] | None = None  # None: batch, plate, site, array, ... where it has them
    pcs: int = 0  # principal components of training people, as further columns
    group_column: str | None = None
    relatives: Literal["families", "kinship", "none"] | None = None
    kinship: float = 0.0884  # of relatives, at least: halfway between second and third degree
    split_column: str | None = None
    fractions: tuple[float, float, float] = (0.7, 0.1, 0.2)

    qc: bool = True
    min_sample_call_rate: float = 0.95
    heterozygosity_sd: float = 5.0
    sex_check: bool = True
    min_call_rate: float = 0.95
    min_frequency: float = 0.01
    min_allele_count: int = 0
    min_hwe_p: float = 1e-6
    keep_few_heterozygotes: bool = True  # what several ancestries in one cohort look like

    blocks: str = "window:64"
    flank: int = 0
    overlap: Literal["both", "first"] = "both"
    intergenic: Literal["drop", "nearest"] = "drop"
    max_variants: int | None = None  # bigger blocks are split; None: max_slots for tokens
    features: str = "pca"
    split_by: Literal["size", "ld"] = "size"  # into equal parts, or where LD is weakest
    n_components: int | float | Literal["reference"] = 8
    max_components: int = 64  # where n_components is a share of the variance
    cut_points: bool = True
    max_slots: int = 64
    phased: bool = False  # also features of single haplotypes, which contrastive pre-training takes
    genome_build: str | None = None
    prevalence: float | None = None
    heritability: float | None = None
    seed: int = 0

    @property
    def cohorts(self) -> list[list[str]]:
        """The files of each cohort."""
        return [list(self.genotypes), *(list(files) for files in self.further_cohorts)]

    @property
    def genotype_files(self) -> list[str]:
        """All genotype files."""
        return [path for files in self.cohorts for path in files]


def options_for_simulated(folder: str | Path, **changes: Any) -> PrepareOptions:
    """Options for a cohort directory written by ``gds simulate``: its own genes, labels and columns."""
    folder = Path(folder)
    candidates = [folder / f"cohort{suffix}" for suffix in (".bed", ".pgen")]
    found = [str(path) for path in candidates if path.is_file()]
    if not found:
        raise UserError(f"{folder} holds no simulated cohort (no cohort.bed or cohort.pgen)")
    parameters = read_json(folder / "run.json")["parameters"]
    defaults: dict[str, Any] = {
        "genotypes": found,
        "phenotypes": str(folder / "phenotypes.tsv"),
        "label_column": "ALS",
        "blocks": str(folder / "genes.tsv"),
        "genome_build": "hg19",
        "prevalence": parameters["prevalence"],
        "heritability": parameters["heritability"],
    }
    return PrepareOptions(**(defaults | changes))
