"""A small committed cohort that PLINK has described, and readers of PLINK's tables."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gds.genotypes.matrix import Genotypes

ORACLE = Path(__file__).resolve().parent / "plink_oracle"


@pytest.fixture(scope="session")
def plink_cohort() -> Genotypes:
    """80 people of two populations, 20 of them children of others; 240 linked autosomal variants and 120 on X."""
    lines = [line.split() for line in (ORACLE / "dosages.txt").read_text().splitlines()]
    dosage = np.array([[".012".index(c) - 1 for c in digits] for _, _, digits in lines], dtype=np.int8).T
    variants = pd.DataFrame(
        {
            "chromosome": [chromosome for chromosome, _, _ in lines],
            "position": np.array([position for _, position, _ in lines], dtype=np.int64),
            "id": [f"v{i}" for i in range(len(lines))],
            "effect_allele": "G",
            "other_allele": "A",
        }
    )
    sex = np.array(list((ORACLE / "sex.txt").read_text().strip()), dtype=np.int8)
    samples = pd.DataFrame({"id": [f"p{i}" for i in range(len(sex))], "family": "", "sex": sex})
    return Genotypes(
        dosage=np.ascontiguousarray(dosage), samples=samples, variants=variants, genome_build=None
    )


@pytest.fixture(scope="session")
def plink_table() -> Callable[..., pd.DataFrame]:
    """Read one of PLINK's tables by name."""

    def read(name: str, header: int | None = 0) -> pd.DataFrame:
        return pd.read_csv(ORACLE / name, sep=r"\s+", header=header, dtype={"ID": str})

    return read
