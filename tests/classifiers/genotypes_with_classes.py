"""Small genotype matrices whose answer is known."""

import numpy as np


def populations(
    n: int = 300, n_variants: int = 200, n_classes: int = 3, divergence: float = 0.25, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Dosages (int8) of independent sites of diverged populations, and the population of each person."""
    rng = np.random.default_rng(seed)
    ancestral = rng.uniform(0.1, 0.9, n_variants)
    frequency = np.clip(ancestral + divergence * rng.normal(size=(n_classes, n_variants)), 0.02, 0.98)
    label = np.arange(n) % n_classes
    return rng.binomial(2, frequency[label]).astype(np.int8), label


def polygenic(
    n: int = 400, n_variants: int = 500, heritability: float = 0.8, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Dosages of independent sites, and case status by a polygenic liability."""
    rng = np.random.default_rng(seed)
    dosage = rng.binomial(2, rng.uniform(0.1, 0.5, n_variants), (n, n_variants)).astype(np.int8)
    standard = (dosage - dosage.mean(axis=0)) / dosage.std(axis=0)
    genetic = standard @ rng.normal(size=n_variants)
    genetic *= np.sqrt(heritability) / genetic.std()
    return dosage, (genetic + rng.normal(size=n) * np.sqrt(1 - heritability) > 0).astype(int)


def with_missing(dosage: np.ndarray, rate: float, seed: int = 0) -> np.ndarray:
    """The same with some calls missing (-1)."""
    return np.where(np.random.default_rng(seed).random(dosage.shape) < rate, -1, dosage).astype(np.int8)
