"""Haplotype pools: human demography by stdpopsim, ancestry and mutations by msprime.

Each gene is its own coalescent simulation, so genes are unlinked, while variants of one gene have the
linkage disequilibrium that the demography and recombination give them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from gds.errors import UserError, did_you_mean, require_extra
from gds.genotypes.simulate.ascertainment import Ascertainment, ascertain, name_variants, place_locus
from gds.genotypes.simulate.streams import Purpose, msprime_seed, stream

MAX_ATTEMPTS = 20  # a short gene may by chance hold no variant that passes the filter: simulate it again


@dataclass(frozen=True)
class HaplotypePool:
    """Haplotypes of every gene and population, from which people are made.

    Attributes
    ----------
    populations
        Names, in the order of the haplotypes.
    weights
        Share of each population in the cohort, (population,).
    size
        Haplotypes per population.
    genes
        Columns chromosome, start, end, name.
    variants
        Columns chromosome, position, id, effect_allele, other_allele, gene (row of ``genes``).
    offset
        Gene g owns the variants offset[g] to offset[g + 1], (gene + 1,).
    allele_frequency
        Frequency of effect_allele, (variant, population).
    packed
        For each gene, which haplotypes carry the effect allele, bits of (haplotype, variant).
    """

    populations: tuple[str, ...]
    weights: np.ndarray
    size: int
    genes: pd.DataFrame
    variants: pd.DataFrame
    offset: np.ndarray
    allele_frequency: np.ndarray
    packed: list[np.ndarray]

    def alleles(self, gene: int) -> np.ndarray:
        """Effect alleles of one gene, int8 (population, haplotype, variant) of 0 and 1."""
        n_variants = int(self.offset[gene + 1] - self.offset[gene])
        bits = np.unpackbits(self.packed[gene], axis=1, count=n_variants)
        return bits.astype(np.int8).reshape(len(self.populations), self.size, n_variants)


def load_demography(
    model: str, populations: Mapping[str, float] | None
) -> tuple[Any, dict[str, float], float]:
    """A stdpopsim model of human demography, the cohort's populations and the mutation rate.

    Parameters
    ----------
    model
        Name in stdpopsim's catalogue, e.g. ``"OutOfAfrica_3G09"``.
    populations
        Share of each population in the cohort; None is every present-day population in equal shares.

    Returns
    -------
    model, shares, mutation_rate
        ``shares`` sum to 1.

    Raises
    ------
    UserError
        Unknown model or population, shares that are not positive.
    """
    species = require_extra("stdpopsim", "simulate").get_species("HomSap")
    known = [entry.id for entry in species.demographic_models]
    if model not in known:
        raise UserError(f"unknown human demographic model {model!r}; {did_you_mean(model, known)}")
    demography = species.get_demographic_model(model)
    present = [entry.name for entry in demography.populations if entry.default_sampling_time == 0]
    shares = dict(populations) if populations is not None else dict.fromkeys(present, 1.0)
    for name, share in shares.items():
        if name not in present:
            raise UserError(f"{model} has no present-day population {name!r}; {did_you_mean(name, present)}")
        if not share > 0:
            raise UserError(f"expected a positive share of population {name}, found {share}")
    if not shares:
        raise UserError(f"no population was chosen; known in {model}: {', '.join(present)}")
    total = sum(shares.values())
    # Models fitted with another mutation rate than today's estimate must be simulated with theirs.
    rate = demography.mutation_rate or species.genome.mean_mutation_rate
    return demography, {name: share / total for name, share in shares.items()}, rate


def simulate_pool(
    genes: pd.DataFrame,
    loci: pd.DataFrame | None,
    *,
    demography: str,
    populations: Mapping[str, float] | None,
    size: int,
    ascertainment: Ascertainment,
    seed: int,
    progress: bool = False,
) -> HaplotypePool:
    """Simulate the haplotypes of every gene.

    Parameters
    ----------
    genes
        Columns chromosome, start, end, name (:func:`lay_genes`).
    loci
        Published variants to be put into their genes; or None.
    demography, populations
        See :func:`load_demography`.
    size
        Haplotypes per population.
    ascertainment
        Which variants are kept.
    seed
        Of the whole simulation.
    progress
        Show a progress bar on stderr.

    Raises
    ------
    MissingExtraError
        stdpopsim or msprime is not installed.
    UserError
        See :func:`load_demography`; or a gene never holds a variant that passes the filter.
    """
    model, shares, mutation_rate = load_demography(demography, populations)
    coalescent = _Coalescent(
        model.model, tuple(shares), np.array(list(shares.values())), size, mutation_rate, ascertainment, seed
    )
    by_gene = {} if loci is None else {locus.gene: locus for locus in loci.itertuples()}
    tables, frequencies, packed = [], [], []
    for gene in tqdm(
        genes.itertuples(), total=len(genes), desc="haplotypes", unit="gene", disable=not progress
    ):
        locus = by_gene.get(gene.name)
        positions, alleles, row = coalescent.simulate(gene, locus)
        table = name_variants(gene, positions, locus, row, stream(seed, Purpose.NAMES, gene.Index))
        tables.append(table)
        frequencies.append(alleles.reshape(len(positions), len(shares), size).mean(axis=2))
        packed.append(np.packbits(alleles.T, axis=1))
    return HaplotypePool(
        populations=coalescent.populations,
        weights=coalescent.weights,
        size=size,
        genes=genes,
        variants=pd.concat(tables, ignore_index=True),
        offset=np.concatenate([[0], np.cumsum([len(table) for table in tables])]),
        allele_frequency=np.concatenate(frequencies),
        packed=packed,
    )


@dataclass(frozen=True)
class _Coalescent:
    """Everything that the simulations of all genes share."""

    demography: Any
    populations: tuple[str, ...]
    weights: np.ndarray
    size: int
    mutation_rate: float
    ascertainment: Ascertainment
    seed: int

    def simulate(self, gene: Any, locus: Any) -> tuple[np.ndarray, np.ndarray, int]:
        """Positions (variant,), alleles int8 (variant, haplotype), row of the published variant (or -1)."""
        for attempt in range(MAX_ATTEMPTS):
            positions, alleles = self._segment(gene, attempt)
            required = -1
            if locus is not None and len(positions):
                positions, alleles, required = place_locus(positions, alleles, self._mixture(alleles), locus)
            rng = stream(self.seed, Purpose.ASCERTAINMENT, gene.Index, attempt)
            kept = ascertain(self._mixture(alleles), required, self.ascertainment, rng)
            if len(kept):
                return positions[kept], alleles[kept], int(np.searchsorted(kept, required)) if locus else -1
        raise UserError(
            f"gene {gene.name} ({gene.end - gene.start + 1} base pairs) held no variant of minor allele "
            f"frequency >= {self.ascertainment.min_maf} in {MAX_ATTEMPTS} simulations: lower min_maf, or "
            "raise gene_length or pool_size"
        )

    def _segment(self, gene: Any, attempt: int) -> tuple[np.ndarray, np.ndarray]:
        """Positions on the chromosome (variant,), derived alleles int8 (variant, haplotype)."""
        msprime = require_extra("msprime", "simulate")
        species = require_extra("stdpopsim", "simulate").get_species("HomSap")
        ancestry = msprime.sim_ancestry(
            # The pool is a list of haplotypes, so samples are haploid; time is that of a diploid population.
            samples=[msprime.SampleSet(self.size, population=name, ploidy=1) for name in self.populations],
            demography=self.demography,
            ploidy=2,
            sequence_length=gene.end - gene.start + 1,
            recombination_rate=species.genome.get_chromosome(gene.chromosome).recombination_rate,
            random_seed=msprime_seed(self.seed, Purpose.ANCESTRY, gene.Index, attempt),
        )
        mutated = msprime.sim_mutations(
            ancestry,
            rate=self.mutation_rate,
            model=msprime.BinaryMutationModel(),
            random_seed=msprime_seed(self.seed, Purpose.MUTATION, gene.Index, attempt),
        )
        positions = mutated.sites_position.astype(np.int64) + gene.start
        return positions, mutated.genotype_matrix(isolated_as_missing=False).astype(np.int8)

    def _mixture(self, alleles: np.ndarray) -> np.ndarray:
        """Frequency of the counted allele in the cohort's mixture of populations, (variant,)."""
        return alleles.reshape(len(alleles), len(self.weights), -1).mean(axis=2) @ self.weights
