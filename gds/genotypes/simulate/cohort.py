"""The whole simulation, from demography to a case/control cohort as a genotyping centre would ship it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.genotypes.matrix import Genotypes
from gds.genotypes.simulate.als_loci import read_als_loci
from gds.genotypes.simulate.ascertainment import Ascertainment
from gds.genotypes.simulate.covariates import batch_shares, draw_batches, draw_sex_and_age
from gds.genotypes.simulate.demography import HaplotypePool, simulate_pool
from gds.genotypes.simulate.design import DEFAULT_DEMOGRAPHY, DEFAULT_POPULATIONS, CohortDesign
from gds.genotypes.simulate.disease import design_disease
from gds.genotypes.simulate.genotyping import genotype
from gds.genotypes.simulate.layout import lay_genes
from gds.genotypes.simulate.people import People, recruit
from gds.genotypes.simulate.streams import Purpose, stream


@dataclass(frozen=True)
class SimulatedCohort:
    """A cohort and the truth behind it.

    Attributes
    ----------
    genotypes
        On hg19.
    phenotypes
        Index id; columns ALS (1 case, 0 control), population, sex (1 male, 2 female), age, batch, plate.
    genes
        Columns chromosome, start, end, name.
    truth
        Index id; columns genetic_liability, liability (standard deviations of liability within
        ancestry), family and related_to (id; empty for unrelated people). Never a covariate.
    causal_variants
        Columns id, gene, chromosome, position, effect_allele, other_allele, effect_allele_frequency (in
        the cohort's mixture of populations), liability_effect, log_odds_ratio (published loci), source.
    parameters
        Every option, the seed, and what followed from them: threshold, prevalence of each population,
        people screened.
    pool
        The haplotypes that the people are made from.
    """

    genotypes: Genotypes
    phenotypes: pd.DataFrame
    genes: pd.DataFrame
    truth: pd.DataFrame
    causal_variants: pd.DataFrame
    parameters: dict[str, Any]
    pool: HaplotypePool


def simulate_cohort(
    n_cases: int = 1000,
    n_controls: int = 2000,
    *,
    n_genes: int = 400,
    demography: str = DEFAULT_DEMOGRAPHY,
    populations: Mapping[str, float] | None = None,
    pool_size: int = 1000,
    ascertainment: str = "array",
    min_maf: float = 0.01,
    variants_per_gene: float = 30,
    gene_length: float = 30_000,
    prevalence: float = 1 / 350,
    heritability: float = 0.085,
    n_causal: int = 150,
    alpha: float = -0.38,
    als_loci: bool = True,
    threshold: str = "within",
    batch_confounding: str | Mapping[str, tuple[float, float]] = "none",
    covariate_effects: bool = True,
    artefact_fraction: float = 0.02,
    missing_rate: float = 0.002,
    n_related_pairs: int = 0,
    relation: str = "sibling",
    phased: bool = False,
    seed: int = 0,
    progress: bool = False,
    pool: HaplotypePool | None = None,
) -> SimulatedCohort:
    """Simulate an ascertained case/control cohort.

    Haplotypes of unlinked genes follow a published model of human demography; people are random pairs of
    them, gene by gene, within their population (:mod:`~gds.genotypes.simulate.people`); a
    liability-threshold disease (:mod:`~gds.genotypes.simulate.disease`) decides who is ill; as many
    people are screened as it takes to find the cases, and only the chosen ones get genotypes.

    Parameters
    ----------
    n_cases, n_controls
        People with and without the disease.
    n_genes
        Genes on the autosomes, those of the ALS loci included.
    demography
        Human demographic model of stdpopsim's catalogue.
    populations
        Share of each population in the cohort, e.g. ``{"CEU": 1}``. None is CEU .6, YRI .2, CHB .2 in the
        default model, and equal shares of every present-day population in another one.
    pool_size
        Haplotypes per population that people are made from.
    ascertainment
        ``"array"`` keeps a log-normal number of variants per gene, common ones preferred; ``"sequence"``
        keeps all that pass ``min_maf``.
    min_maf
        Least minor allele frequency in the mixture of populations (published loci are kept whatever theirs).
    variants_per_gene
        Median for ``"array"``.
    gene_length
        Median in base pairs; lengths are log-normal.
    prevalence
        K, of the disease in the population.
    heritability
        Of the liability, from the genotyped variants, within each ancestry; 0 is no signal at all.
        The default is the SNP heritability of ALS (van Rheenen et al. 2016).
    n_causal
        Causal variants, the ALS loci included; all are genotyped.
    alpha
        Effects go with [2 f (1 - f)]^(alpha / 2); the default is the mean over traits of Schoech et al. 2019.
    als_loci
        Put the 15 published ALS loci into their genes, with their ids, positions, alleles and effects.
    threshold
        ``"within"`` each ancestry, so that ancestry says nothing about the label, or ``"common"`` to all.
    batch_confounding
        ``"none"``, ``"published"``, or ``{batch: (share of cases, share of controls)}``;
        see :func:`~gds.genotypes.simulate.covariates.batch_shares`.
    covariate_effects
        Whether cases are more often male and a little older.
    artefact_fraction
        Of each batch's variants that it genotypes badly (:func:`~gds.genotypes.simulate.genotyping.miscall`).
    missing_rate
        Of calls, everywhere.
    n_related_pairs
        People who are a relative of another person in the cohort, with the same label.
    relation
        ``"sibling"``, ``"parent-offspring"`` or ``"duplicate"`` (one person genotyped twice).
    phased
        Also return the haplotypes, as ``genotypes.haplotypes``.
    seed
        Everything random derives from it; the same seed gives the same cohort bit by bit.
    progress
        Show progress bars on stderr.
    pool
        Haplotypes of an earlier cohort of the same genes and demography, for other people of the same populations:
        most of the time goes into them. None: simulated.

    Returns
    -------
    SimulatedCohort

    Raises
    ------
    UserError
        Impossible options; see the message.
    MissingExtraError
        stdpopsim or msprime is not installed (extra ``simulate``).
    """
    if populations is None and demography == DEFAULT_DEMOGRAPHY:
        populations = DEFAULT_POPULATIONS
    design = CohortDesign(
        n_cases=n_cases,
        n_controls=n_controls,
        n_genes=n_genes,
        demography=demography,
        populations=populations,
        pool_size=pool_size,
        ascertainment=ascertainment,
        min_maf=min_maf,
        variants_per_gene=variants_per_gene,
        gene_length=gene_length,
        prevalence=prevalence,
        heritability=heritability,
        n_causal=n_causal,
        alpha=alpha,
        als_loci=als_loci,
        threshold=threshold,
        batch_confounding=batch_confounding,
        covariate_effects=covariate_effects,
        artefact_fraction=artefact_fraction,
        missing_rate=missing_rate,
        n_related_pairs=n_related_pairs,
        relation=relation,
        phased=phased,
        seed=seed,
    )
    return _simulate(design, progress, pool)


def _simulate(design: CohortDesign, progress: bool, pool: HaplotypePool | None) -> SimulatedCohort:
    seed = design.seed
    shares = batch_shares(design.batch_confounding, design.n_cases, design.n_controls)
    loci = read_als_loci() if design.als_loci else None
    if pool is None:
        pool = simulate_pool(
            lay_genes(design.n_genes, design.gene_length, loci, stream(seed, Purpose.LAYOUT)),
            loci,
            demography=design.demography,
            populations=design.populations,
            size=design.pool_size,
            ascertainment=Ascertainment(design.ascertainment, design.min_maf, design.variants_per_gene),
            seed=seed,
            progress=progress,
        )
    elif (len(pool.genes), pool.size) != (design.n_genes, design.pool_size):
        raise UserError(
            f"the pool has {len(pool.genes)} genes of {pool.size} haplotypes, n_genes and pool_size say "
            f"{design.n_genes} and {design.pool_size}: it is of another design"
        )
    disease = design_disease(
        pool,
        loci,
        heritability=design.heritability,
        prevalence=design.prevalence,
        n_causal=design.n_causal,
        alpha=design.alpha,
        threshold=design.threshold,
        rng=stream(seed, Purpose.EFFECTS),
    )
    people, n_screened, n_ill = recruit(
        disease,
        pool.weights,
        n_cases=design.n_cases,
        n_controls=design.n_controls,
        n_pairs=design.n_related_pairs,
        relation=design.relation,
        seed=seed,
    )
    digits = max(6, len(str(len(people))))
    ids = pd.Index([f"SIM{number:0{digits}d}" for number in range(1, len(people) + 1)], name="id")
    population = np.array(pool.populations)[people.population]
    sex_and_age = draw_sex_and_age(people.is_case, design.covariate_effects, stream(seed, Purpose.COVARIATES))
    if design.relation == "duplicate":
        person = np.where(people.index_person < 0, np.arange(len(people)), people.index_person)
        sex_and_age = sex_and_age.iloc[person].reset_index(drop=True)
    phenotypes = pd.concat(
        [
            pd.DataFrame({"ALS": people.is_case.astype(np.int8), "population": population}),
            sex_and_age,
            draw_batches(people.is_case, shares, stream(seed, Purpose.BATCHES)),
        ],
        axis=1,
    ).set_index(ids)
    truth = _truth(people, ids)
    genotypes = genotype(
        pool,
        disease,
        people,
        pd.DataFrame({"id": ids, "family": truth["family"].to_numpy(), "sex": phenotypes["sex"].to_numpy()}),
        phenotypes["batch"].to_numpy(),
        relation=design.relation,
        artefact_fraction=design.artefact_fraction,
        missing_rate=design.missing_rate,
        phased=design.phased,
        seed=seed,
        progress=progress,
    )
    by_population = dict(zip(pool.populations, range(len(pool.populations)), strict=True))
    return SimulatedCohort(
        genotypes=genotypes,
        phenotypes=phenotypes,
        genes=pool.genes,
        truth=truth,
        causal_variants=disease.causal_variants,
        parameters={
            **asdict(design),
            "genome_build": "hg19",
            "liability_threshold": disease.threshold,
            "population_shares": {name: pool.weights[row] for name, row in by_population.items()},
            "population_prevalence": {name: disease.prevalence[row] for name, row in by_population.items()},
            "batch_shares": {
                name: {"cases": cases, "controls": controls} for name, (cases, controls) in shares.items()
            },
            "people_screened": n_screened,
            "ill_among_screened": n_ill,
            "n_variants": len(pool.variants),
        },
        pool=pool,
    )


def _truth(people: People, ids: pd.Index) -> pd.DataFrame:
    related = people.index_person >= 0
    family = np.full(len(people), "", dtype=object)
    related_to = np.full(len(people), "", dtype=object)
    for number, row in enumerate(np.flatnonzero(related), start=1):
        family[[row, people.index_person[row]]] = f"FAM{number:05d}"
        related_to[row] = ids[people.index_person[row]]
    return pd.DataFrame(
        {
            "genetic_liability": people.genetic,
            "liability": people.liability,
            "family": family.astype(str),
            "related_to": related_to.astype(str),
        },
        index=ids,
    )
