"""Correlations of variants, block by block: what a method on summary statistics needs to know of LD."""

from dataclasses import dataclass

import numpy as np

from gds.genotypes.blocks import contiguous_blocks, genomic_order
from gds.genotypes.ld_blocks import split_by_ld
from gds.genotypes.matrix import Genotypes


@dataclass(frozen=True)
class LDBlock:
    """Variants that may be linked to each other and to no other.

    Attributes
    ----------
    variants
        Indices, int64 (variant,).
    correlation
        Of their dosages, missing ones at the mean, float64 (variant, variant).
    n_people
        People it was estimated in.
    """

    variants: np.ndarray
    correlation: np.ndarray
    n_people: int


def ld_reference(people: Genotypes, max_variants: int = 200) -> list[LDBlock]:
    """Cut every chromosome where LD is weakest, and correlate the variants of each part.

    Parameters
    ----------
    people
        Training people, labelled or not; every variant must vary.
    max_variants
        Of a block; parts have a quarter of that or more (see :func:`~gds.genotypes.ld_blocks.split_by_ld`).
    """
    order, chromosome = genomic_order(people.variants)
    whole = contiguous_blocks(people.variants, order, np.append(True, np.diff(chromosome) != 0))
    blocks = split_by_ld(whole, people, max_variants)
    return [_block(people.dosage[:, blocks[i]], blocks[i]) for i in range(len(blocks))]


def _block(dosage: np.ndarray, variants: np.ndarray) -> LDBlock:
    missing = dosage < 0
    x = np.where(missing, 0, dosage).astype(np.float64)
    mean = x.sum(axis=0) / np.maximum((~missing).sum(axis=0), 1)
    z = np.where(missing, 0, x - mean)
    z /= np.sqrt((z**2).mean(axis=0))
    return LDBlock(variants, z.T @ z / len(z), len(z))
