"""A liability-threshold disease over the haplotypes of a pool.

Within each ancestry p a person's liability is

    l = sqrt(h2 / V_p) (g - mu_p) + m_p + sqrt(1 - h2) e,    e ~ N(0, 1),

g the sum of allele counts times effects, mu_p and V_p its mean and variance in p, both exact because
people are random pairs of pool haplotypes, gene by gene. Its variance in p is 1 and its heritability h2.
People with l > T are ill. ``threshold="within"`` sets m_p = 0 and T = Phi^-1(1 - K): the prevalence is K
in every ancestry. ``"common"`` sets m_p = mu_p - mean(mu) and solves sum_p w_p Phi(m_p - T) = K for T:
the prevalence is K overall and ancestries differ as their allele frequencies do. Both hold exactly for a
normal g, hence closely for tens of causal variants; the frequency among screened people is recorded.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from gds.errors import UserError
from gds.genotypes.simulate.als_loci import liability_effect
from gds.genotypes.simulate.demography import HaplotypePool


@dataclass(frozen=True)
class Disease:
    """What decides who is ill.

    Attributes
    ----------
    heritability
        Of liability, within each ancestry.
    threshold
        T.
    causal_genes
        Rows of the pool's genes that hold causal variants, ascending.
    scores
        Liability of each haplotype of each causal gene, (causal_gene, population, haplotype), such that
        the genetic liability of a person is the sum over both haplotypes of every causal gene, plus ``mean``.
    mean
        m_p, (population,).
    prevalence
        Of each population, (population,).
    causal_variants
        Columns id, gene, chromosome, position, effect_allele, other_allele, effect_allele_frequency,
        liability_effect (per allele, standard deviations of liability, mean over ancestries),
        log_odds_ratio (published loci only), source.
    """

    heritability: float
    threshold: float
    causal_genes: np.ndarray
    scores: np.ndarray
    mean: np.ndarray
    prevalence: np.ndarray
    causal_variants: pd.DataFrame


def design_disease(
    pool: HaplotypePool,
    loci: pd.DataFrame | None,
    *,
    heritability: float,
    prevalence: float,
    n_causal: int,
    alpha: float,
    threshold: str,
    rng: np.random.Generator,
) -> Disease:
    """Draw causal variants and scale their effects to the heritability asked for.

    Published loci have their published effect (:func:`liability_effect`); the others have
    b ~ N(0, 1) [2 f (1 - f)]^(alpha / 2), all multiplied by the one constant that makes the genetic
    variance, averaged over the cohort's ancestries, equal to the heritability.

    Parameters
    ----------
    pool
        Haplotypes.
    loci
        Published loci of which the pool holds the variants; or None.
    heritability, prevalence
        h2 in [0, 1] and K in (0, 1).
    n_causal
        Causal variants, the published ones included. With ``heritability=0`` there are none.
    alpha
        How effects depend on frequency; 0: not at all, -1: every variant explains the same on average.
    threshold
        ``"within"`` or ``"common"``.
    rng
        Source of causal variants and effects.

    Raises
    ------
    UserError
        Fewer variants than ``n_causal``; or published loci that explain more than the heritability.
    """
    frequency = pool.allele_frequency @ pool.weights
    published = np.zeros(len(pool.variants))
    is_published = np.zeros(len(pool.variants), bool)
    log_odds = np.full(len(pool.variants), np.nan)
    if loci is not None:
        at = pd.Index(pool.variants["id"]).get_indexer(loci["rsid"])
        is_published[at] = True
        log_odds[at] = loci["beta"]
        published[at] = liability_effect(loci["beta"], prevalence) if heritability > 0 else 0.0
    n_drawn = n_causal - int(is_published.sum()) if heritability > 0 else 0
    others = np.flatnonzero(~is_published)
    if n_drawn > len(others):
        raise UserError(
            f"n_causal is {n_causal}, but the genes hold only {len(pool.variants)} variants: ask for fewer "
            "causal variants, or more genes or variants per gene"
        )
    drawn = np.sort(rng.choice(others, n_drawn, replace=False))
    spread = 2 * frequency[drawn] * (1 - frequency[drawn])
    polygenic = np.zeros(len(pool.variants))
    polygenic[drawn] = rng.standard_normal(n_drawn) * spread ** (alpha / 2)

    causal_genes = np.unique(pool.variants["gene"].to_numpy()[np.union1d(drawn, np.flatnonzero(published))])
    raw = np.stack([_haplotype_scores(pool, causal_genes, effects) for effects in (published, polygenic)])
    scale = _scale(raw, pool.weights, heritability) if heritability > 0 else 0.0
    scores, mean = _standardise(raw[0] + scale * raw[1], pool.weights, heritability)
    mean = mean if threshold == "common" else np.zeros_like(mean)

    def excess(at: float) -> float:
        return float(pool.weights @ ndtr(mean - at)) - prevalence

    limit = -float(ndtri(prevalence))
    if threshold == "common":
        from scipy.optimize import brentq  # costs a third of a second

        limit = brentq(excess, limit + mean.min() - 1, limit + mean.max() + 1, xtol=1e-12)
    rows = np.union1d(drawn, np.flatnonzero(is_published))
    variants = pool.variants.iloc[rows]
    causal = variants[["id", "gene", "chromosome", "position", "effect_allele", "other_allele"]].assign(
        gene=pool.genes["name"].to_numpy()[variants["gene"]],
        effect_allele_frequency=frequency[rows],
        liability_effect=(published + scale * polygenic)[rows],
        log_odds_ratio=log_odds[rows],
        source=np.where(is_published[rows], "van Rheenen et al. 2021", "simulated"),
    )
    return Disease(
        heritability=heritability,
        threshold=limit,
        causal_genes=causal_genes,
        scores=scores,
        mean=mean,
        prevalence=ndtr(mean - limit),
        causal_variants=causal.reset_index(drop=True),
    )


def _haplotype_scores(pool: HaplotypePool, genes: np.ndarray, effects: np.ndarray) -> np.ndarray:
    """Sum of effects over the alleles of each haplotype, (causal_gene, population, haplotype)."""
    scores = np.zeros((len(genes), len(pool.populations), pool.size))
    for row, gene in enumerate(genes):
        mine = slice(pool.offset[gene], pool.offset[gene + 1])
        # Summed over causal variants one by one: a matrix product may differ between CPUs in the last bit.
        alleles = pool.alleles(gene)
        for column in np.flatnonzero(effects[mine]):
            scores[row] += effects[mine][column] * alleles[:, :, column]
    return scores


def _scale(raw: np.ndarray, weights: np.ndarray, heritability: float) -> float:
    """c > 0 with mean over ancestries of Var(published + c polygenic) = h2."""
    centred = raw - raw.mean(axis=-1, keepdims=True)
    # Two haplotypes per person and independent genes: variances add.
    a, b, c = (
        2 * float(weights @ (centred[i] * centred[j]).mean(axis=-1).sum(axis=0))
        for i, j in ((1, 1), (0, 1), (0, 0))
    )
    if c >= heritability:
        raise UserError(
            f"the published ALS loci explain {c:.4f} of the variance of liability at this prevalence, more "
            f"than the heritability of {heritability}: ask for more, for 0, or leave the loci out"
        )
    if a == 0:
        raise UserError("the causal variants drawn do not vary: ask for more of them (n_causal)")
    return (-b + np.sqrt(b * b - a * (c - heritability))) / a


def _standardise(
    scores: np.ndarray, weights: np.ndarray, heritability: float
) -> tuple[np.ndarray, np.ndarray]:
    """Scores with variance h2 and mean 0 in every ancestry, and how far the ancestries' means were apart."""
    mean = scores.mean(axis=-1)  # (causal_gene, population)
    total = 2 * mean.sum(axis=0)
    centred = scores - mean[:, :, None]
    variance = 2 * (centred**2).mean(axis=-1).sum(axis=0)
    if heritability == 0:
        return centred, np.zeros(len(weights))
    if not variance.all():
        raise UserError("in one population no causal variant varies: ask for more of them (n_causal)")
    return centred * np.sqrt(heritability / variance)[:, None], total - weights @ total
