"""The inbred cohort that PLINK has associated, clumped and scored; see ``gwas_oracle/make_tables.py``."""

from pathlib import Path

import numpy as np
import pandas as pd

from gds.genotypes.matrix import Genotypes

GWAS = Path(__file__).resolve().parent / "gwas_oracle"


def gwas_cohort() -> Genotypes:
    """90 people, 80 linked variants of chromosome 7, 2 % missing."""
    lines = [line.split() for line in (GWAS / "dosages.txt").read_text().splitlines()]
    dosage = np.array([[".012".index(c) - 1 for c in digits] for _, _, digits in lines], dtype=np.int8).T
    variants = pd.DataFrame(
        {
            "chromosome": "7",
            "position": np.array([position for _, position, _ in lines], dtype=np.int64),
            "id": [name for name, _, _ in lines],
            "effect_allele": "G",
            "other_allele": "A",
        }
    )
    samples = pd.DataFrame({"id": [f"p{i}" for i in range(len(dosage))], "family": "", "sex": 0})
    return Genotypes(np.ascontiguousarray(dosage), samples, variants, genome_build="hg19")
