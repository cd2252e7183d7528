"""Small cohorts for the tests of features: haplotypes in linkage disequilibrium, and blocks."""

from itertools import pairwise

import numpy as np
import pandas as pd

from gds.genotypes.blocks import Blocks
from gds.genotypes.matrix import Genotypes


def linked_dosages(
    n_samples: int, n_variants: int, *, seed: int = 0, missing: float = 0.0, factors: int | None = None
) -> np.ndarray:
    """int8 (sample, variant): two haplotypes a person, thresholded mixtures of neighbouring factors."""
    rng = np.random.default_rng(seed)
    factors = factors or max(2, n_variants // 6)
    centre = np.linspace(0, factors - 1, n_variants)
    weights = np.exp(-np.abs(np.arange(factors)[:, None] - centre)) * rng.choice(
        [-1, 1], (factors, n_variants)
    )
    cut = rng.normal(0.5, 0.7, n_variants)
    dosage = np.zeros((n_samples, n_variants), dtype=np.int8)
    for _ in range(2):
        latent = rng.normal(size=(n_samples, factors)) @ weights + 0.3 * rng.normal(
            size=(n_samples, n_variants)
        )
        dosage += latent > cut
    dosage[rng.random(dosage.shape) < missing] = -1
    return dosage


def awkward_dosages(n_samples: int, sizes: tuple[int, ...]) -> np.ndarray:
    """int8 (sample, variant) of consecutive blocks with missing calls; the fourth is constant, the sixth of rank
    one, and the seventh starts with variants that nobody has a call of."""
    dosage = linked_dosages(n_samples, sum(sizes), missing=0.03, seed=5)
    start = np.cumsum([0, *sizes])
    dosage[:, start[3] : start[4]] = 1
    dosage[:, start[5] : start[6]] = dosage[:, start[5] : start[5] + 1]
    dosage[:, start[6] : start[6] + 2] = -1
    return dosage


def cohort(dosage: np.ndarray) -> Genotypes:
    """A cohort of these dosages, on one chromosome."""
    n_samples, n_variants = dosage.shape
    samples = pd.DataFrame({"id": [f"P{i:04d}" for i in range(n_samples)], "family": "", "sex": np.int8(0)})
    variants = pd.DataFrame(
        {
            "chromosome": "22",
            "position": np.arange(1, n_variants + 1, dtype=np.int64) * 100,
            "id": [f"rs{j}" for j in range(n_variants)],
            "effect_allele": "A",
            "other_allele": "G",
        }
    )
    return Genotypes(dosage=dosage, samples=samples, variants=variants, genome_build=None, haplotypes=None)


def blocks_of(members: list[np.ndarray]) -> Blocks:
    """Blocks with these indices of variants; they may overlap."""
    n = len(members)
    return Blocks(
        name=np.array([f"GENE{i}" for i in range(n)]),
        chromosome=np.full(n, "22"),
        start=np.array([100 * (m[0] + 1) for m in members], dtype=np.int64),
        end=np.array([100 * (m[-1] + 1) for m in members], dtype=np.int64),
        variant_index=np.concatenate(members).astype(np.int64),
        offset=np.concatenate([[0], np.cumsum([len(m) for m in members])]).astype(np.int64),
    )


def consecutive_blocks(*sizes: int) -> Blocks:
    """Blocks of these sizes, one after the other."""
    edges = np.concatenate([[0], np.cumsum(sizes)])
    return blocks_of([np.arange(a, b) for a, b in pairwise(edges)])


def imputed(dosage: np.ndarray, training: np.ndarray | slice = slice(None)) -> np.ndarray:
    """float64 dosages with missing calls at the training mean."""
    values = np.where(dosage < 0, np.nan, dosage.astype(np.float64))
    mean = np.nanmean(values[training], axis=0)
    return np.where(np.isnan(values), mean, values)
