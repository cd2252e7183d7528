"""Genotypes of the chosen people, as the batches of a genotyping centre call them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from tqdm import tqdm

from gds.genotypes.matrix import Genotypes
from gds.genotypes.simulate.demography import HaplotypePool
from gds.genotypes.simulate.disease import Disease
from gds.genotypes.simulate.people import People, gene_haplotypes
from gds.genotypes.simulate.streams import Purpose, stream

MISSING = -1
BATCH_MISSING_RATE = (0.02, 0.10)  # at a variant that is called badly in a batch
DROPOUT_RATE = (0.10, 0.40)  # of heterozygotes called homozygous, at a variant with allele dropout


def genotype(
    pool: HaplotypePool,
    disease: Disease,
    people: People,
    samples: pd.DataFrame,
    batch: np.ndarray,
    *,
    relation: str,
    artefact_fraction: float,
    missing_rate: float,
    phased: bool,
    seed: int,
    progress: bool = False,
) -> Genotypes:
    """Pair everybody's haplotypes, gene by gene, and call them.

    Parameters
    ----------
    pool, disease, people
        Who carries what.
    samples
        Columns id, family, sex, in the order of ``people``.
    batch
        Of each person, (person,).
    relation
        Of the relatives among ``people``.
    artefact_fraction, missing_rate
        See :func:`miscall`.
    phased
        Keep the haplotypes.
    seed
        Of the whole simulation.
    progress
        Show a progress bar on stderr.
    """
    dosage = np.empty((len(people), len(pool.variants)), dtype=np.int8)
    haplotypes = np.empty((*dosage.shape, 2), dtype=np.int8) if phased else None
    names = sorted(set(batch))
    for gene in tqdm(range(len(pool.genes)), desc="genotypes", unit="gene", disable=not progress):
        pairs = gene_haplotypes(disease, people, gene, pool.size, relation, seed)
        calls = pool.alleles(gene)[people.population[:, None], pairs]  # (person, 2, variant)
        miscall(
            calls,
            batch,
            {name: stream(seed, Purpose.ARTEFACTS, gene, number) for number, name in enumerate(names)},
            artefact_fraction,
            missing_rate,
            stream(seed, Purpose.MISSINGNESS, gene),
        )
        mine = slice(pool.offset[gene], pool.offset[gene + 1])
        dosage[:, mine] = np.where(calls[:, 0] == MISSING, MISSING, calls[:, 0] + calls[:, 1])
        if haplotypes is not None:
            haplotypes[:, mine] = calls.transpose(0, 2, 1)
    variants = pool.variants.drop(columns="gene")
    return Genotypes(
        dosage=dosage, samples=samples, variants=variants, genome_build="hg19", haplotypes=haplotypes
    )


def miscall(
    haplotypes: np.ndarray,
    batch: np.ndarray,
    batches: Mapping[str, np.random.Generator],
    fraction: float,
    missing_rate: float,
    rng: np.random.Generator,
) -> None:
    """Spoil the genotypes of one gene in place.

    In each batch every variant is, with probability ``fraction``, an artefact of that batch: half of
    these lose calls, half lose one of the two alleles of some heterozygotes (the same allele every time,
    which shifts the batch's allele frequency). Everywhere calls are missing at a small rate.

    Parameters
    ----------
    haplotypes
        int8 (person, 2, variant) of 0 and 1; missing calls become -1 in both.
    batch
        Batch of each person, (person,).
    batches
        A generator for each batch.
    fraction
        Of the variants of each batch that are artefacts.
    missing_rate
        Of all calls.
    rng
        Source of the missing calls.
    """
    n_variants = haplotypes.shape[-1]
    if fraction > 0:
        for name, source in batches.items():
            people = np.flatnonzero(batch == name)
            for variant in np.flatnonzero(source.random(n_variants) < fraction):
                calls = haplotypes[people, :, variant]
                if source.random() < 0.5:
                    calls[source.random(len(people)) < source.uniform(*BATCH_MISSING_RATE)] = MISSING
                else:
                    heterozygous = calls[:, 0] != calls[:, 1]
                    dropped = heterozygous & (source.random(len(people)) < source.uniform(*DROPOUT_RATE))
                    calls[dropped] = source.integers(0, 2)
                haplotypes[people, :, variant] = calls
    if missing_rate > 0:
        lost = rng.random((len(haplotypes), n_variants)) < missing_rate
        haplotypes[np.broadcast_to(lost[:, None, :], haplotypes.shape)] = MISSING
