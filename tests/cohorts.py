"""Tiny cohorts for tests: genotype files and phenotype tables made in a moment."""

from pathlib import Path

import numpy as np
import pandas as pd

from gds.genotypes import Genotypes, write_genotypes


def tiny_genotypes(
    n_samples: int = 120, n_variants: int = 96, n_populations: int = 2, seed: int = 0
) -> Genotypes:
    """Genotypes of a few diverged populations in linked runs of four variants; 1 % missing."""
    rng = np.random.default_rng(seed)
    population = np.arange(n_samples) % n_populations
    frequency = rng.beta(0.8, 0.8, size=(n_populations, n_variants // 4)).clip(0.05, 0.95)
    founder = rng.random((2, n_samples, n_variants // 4)) < frequency[population]
    haplotype = np.repeat(founder, 4, axis=2) ^ (rng.random((2, n_samples, n_variants)) < 0.05)
    dosage = haplotype.sum(axis=0).astype(np.int8)
    dosage[rng.random(dosage.shape) < 0.01] = -1
    samples = pd.DataFrame(
        {
            "id": [f"P{i:04d}" for i in range(n_samples)],
            "family": "",
            "sex": rng.integers(1, 3, n_samples).astype(np.int8),
        }
    )
    variants = pd.DataFrame(
        {
            "chromosome": "1",
            "position": np.arange(n_variants, dtype=np.int64) * 1000 + 1000,
            "id": [f"rs{i}" for i in range(n_variants)],
            "effect_allele": "A",
            "other_allele": "G",
        }
    )
    return Genotypes(dosage=dosage, samples=samples, variants=variants)


def tiny_phenotypes(genotypes: Genotypes, n_classes: int = 2, seed: int = 0) -> pd.DataFrame:
    """A label that is the population, with sex, age and batch columns."""
    rng = np.random.default_rng(seed)
    n = len(genotypes.samples)
    return pd.DataFrame(
        {
            "id": genotypes.samples["id"],
            "status": np.array(["control", "case", "other", "further"])[np.arange(n) % n_classes],
            "sex": genotypes.samples["sex"],
            "age": rng.integers(30, 80, n),
            "batch": rng.choice(["A", "B"], n),
        }
    )


def write_tiny_cohort(folder: Path, n_classes: int = 2, **options: int) -> tuple[Path, Path]:
    """Genotype file and phenotype table of a tiny cohort, in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    genotypes = tiny_genotypes(n_populations=n_classes, **options)
    write_genotypes(genotypes, folder / "cohort.bed")
    tiny_phenotypes(genotypes, n_classes).to_csv(folder / "phenotypes.tsv", sep="\t", index=False)
    return folder / "cohort.bed", folder / "phenotypes.tsv"
