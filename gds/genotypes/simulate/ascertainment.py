"""Which simulated variants a cohort holds, what they are called, and which one is a published variant."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

COUNT_SIGMA = 0.5  # of log variants per gene; 95 % of genes keep between 0.38 and 2.7 times the median
DISPLACEMENT_SCALE = 200_000  # base pairs of displacement worth a factor e in frequency


@dataclass(frozen=True)
class Ascertainment:
    """How variants are selected.

    Attributes
    ----------
    scheme
        ``"array"``: per gene a log-normal number of variants, common ones preferred, as on a genotyping
        array; ``"sequence"``: every variant that passes ``min_maf``.
    min_maf
        Least minor allele frequency in the cohort's mixture of populations.
    variants_per_gene
        Median number kept for ``"array"``.
    """

    scheme: str
    min_maf: float
    variants_per_gene: float


def ascertain(
    frequency: np.ndarray, required: int, rule: Ascertainment, rng: np.random.Generator
) -> np.ndarray:
    """Rows of the variants to keep, ascending.

    Parameters
    ----------
    frequency
        Of one allele in the mixture of populations, (variant,).
    required
        Row that is kept whatever its frequency (a published variant); -1 for none.
    rule
        The selection.
    rng
        Source of the selection.
    """
    maf = np.minimum(frequency, 1 - frequency)
    passing = np.flatnonzero((maf >= rule.min_maf) & (maf > 0))
    if rule.scheme == "array":
        target = max(1, round(rng.lognormal(np.log(rule.variants_per_gene), COUNT_SIGMA)))
        if target < len(passing):
            # Discovery in a small panel finds a variant in proportion to its heterozygosity.
            heterozygosity = 2 * maf[passing] * (1 - maf[passing])
            chosen = rng.choice(len(passing), target, replace=False, p=heterozygosity / heterozygosity.sum())
            passing = passing[chosen]
    return np.union1d(passing, [required] if required >= 0 else []).astype(np.int64)


def name_variants(
    gene: Any, positions: np.ndarray, locus: Any, row: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Variant table of one gene: random nucleotides, ids made of them, and the published variant's own.

    Parameters
    ----------
    gene
        A row of :func:`lay_genes`.
    positions
        (variant,).
    locus, row
        The published variant and its row; None and -1 in other genes.
    rng
        Source of nucleotides, two transitions to one transversion.
    """
    other = rng.integers(0, 4, len(positions))
    # A=0 C=1 G=2 T=3: adding 2 is a transition, 1 or 3 a transversion.
    step = rng.choice([2, 1, 3], len(positions), p=[2 / 3, 1 / 6, 1 / 6])
    letters = np.array(list("ACGT"))
    effect_allele = letters[(other + step) % 4].tolist()
    other_allele = letters[other].tolist()
    named = zip(positions.tolist(), other_allele, effect_allele, strict=True)
    ids = [f"{gene.chromosome}:{position}:{old}:{new}" for position, old, new in named]
    if locus is not None:
        ids[row], effect_allele[row], other_allele[row] = locus.rsid, locus.effect_allele, locus.other_allele
    return pd.DataFrame(
        {
            "chromosome": gene.chromosome,
            "position": positions,
            "id": ids,
            "effect_allele": effect_allele,
            "other_allele": other_allele,
            "gene": gene.Index,
        }
    )


def place_locus(
    positions: np.ndarray, alleles: np.ndarray, frequency: np.ndarray, locus: Any
) -> tuple[np.ndarray, np.ndarray, int]:
    """Let the simulated variant that resembles a published one most take its place.

    The variant with the nearest minor allele frequency, near the published position, moves to that
    position, and its counted allele becomes the published effect allele. What it is linked to stays
    what it was.

    Parameters
    ----------
    positions
        (variant,), ascending.
    alleles
        int8 (variant, haplotype).
    frequency
        Of the allele that ``alleles`` counts, (variant,).
    locus
        A row of :func:`read_als_loci`.

    Returns
    -------
    positions, alleles, row
        Ascending again; ``row`` is that of the published variant.
    """
    maf = np.minimum(frequency, 1 - frequency)
    with np.errstate(divide="ignore"):
        mismatch = np.abs(np.log(maf / locus.minor_allele_frequency))
    mismatch += np.abs(positions - locus.position) / DISPLACEMENT_SCALE
    chosen = int(np.argmin(mismatch))
    positions, alleles = positions.copy(), alleles.copy()
    counted_is_minor = frequency[chosen] < 0.5
    if counted_is_minor != (locus.effect_allele == locus.minor_allele):
        alleles[chosen] = 1 - alleles[chosen]
    # Another variant that happens to lie at the published position gives way.
    stays = positions != locus.position
    stays[chosen] = True
    positions[chosen] = locus.position
    order = np.flatnonzero(stays)[np.argsort(positions[stays], kind="stable")]
    return positions[order], alleles[order], int(np.flatnonzero(order == chosen)[0])
