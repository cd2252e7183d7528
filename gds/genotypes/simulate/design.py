"""What a simulated cohort shall be, checked before anything is simulated."""

from collections.abc import Mapping
from dataclasses import dataclass

from gds.errors import UserError, did_you_mean
from gds.genotypes.simulate.als_loci import read_als_loci
from gds.genotypes.simulate.people import RELATIONS

ASCERTAINMENTS = ("array", "sequence")
THRESHOLDS = ("within", "common")
# stdpopsim's three-population out-of-Africa model, with the European majority of ALS cohorts
DEFAULT_DEMOGRAPHY = "OutOfAfrica_3G09"
DEFAULT_POPULATIONS = {"CEU": 0.6, "YRI": 0.2, "CHB": 0.2}


@dataclass(frozen=True)
class CohortDesign:
    """The options of :func:`gds.simulate_cohort`, which explains them.

    Raises
    ------
    UserError
        An option out of its range.
    """

    n_cases: int
    n_controls: int
    n_genes: int
    demography: str
    populations: Mapping[str, float] | None
    pool_size: int
    ascertainment: str
    min_maf: float
    variants_per_gene: float
    gene_length: float
    prevalence: float
    heritability: float
    n_causal: int
    alpha: float
    als_loci: bool
    threshold: str
    batch_confounding: str | Mapping[str, tuple[float, float]]
    covariate_effects: bool
    artefact_fraction: float
    missing_rate: float
    n_related_pairs: int
    relation: str
    phased: bool
    seed: int

    def __post_init__(self) -> None:
        _at_least("n_cases", self.n_cases, 0)
        _at_least("n_controls", self.n_controls, 0)
        _at_least("n_cases + n_controls", self.n_cases + self.n_controls, 1)
        _at_least("n_genes", self.n_genes, 1)
        _at_least("n_causal", self.n_causal, 1)
        _at_least("n_related_pairs", self.n_related_pairs, 0)
        if self.als_loci:
            n_loci = len(read_als_loci())
            _at_least(f"n_genes (the {n_loci} ALS loci have one each)", self.n_genes, n_loci)
            if self.heritability > 0:
                _at_least(f"n_causal (the {n_loci} ALS loci and another)", self.n_causal, n_loci + 1)
        # 65,536 haplotypes are what the uint16 that numbers them can hold.
        _between("pool_size", self.pool_size, 2, 65_536)
        _between("min_maf", self.min_maf, 0, 0.5)
        _between("heritability", self.heritability, 0, 1)
        _between("artefact_fraction", self.artefact_fraction, 0, 1)
        _between("missing_rate", self.missing_rate, 0, 1)
        _at_least("seed", self.seed, 0)
        _at_least("variants_per_gene", self.variants_per_gene, 1)
        _at_least("gene_length", self.gene_length, 1)
        if not 0 < self.prevalence < 1:
            raise UserError(f"expected a prevalence between 0 and 1, found {self.prevalence}")
        _one_of("ascertainment", self.ascertainment, ASCERTAINMENTS)
        _one_of("threshold", self.threshold, THRESHOLDS)
        _one_of("relation", self.relation, RELATIONS)


def _at_least(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise UserError(f"expected {name} >= {least}, found {value}")


def _between(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise UserError(f"expected {name} between {least} and {most}, found {value}")


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UserError(f"unknown {name} {value!r}; {did_you_mean(value, known)}")
