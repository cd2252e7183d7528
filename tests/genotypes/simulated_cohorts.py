"""A small pool of genomes, a disease of it and people drawn from it, shared by the tests of simulation."""

import numpy as np
import pandas as pd

from gds.genotypes.simulate import read_als_loci, simulate_cohort
from gds.genotypes.simulate.ascertainment import Ascertainment
from gds.genotypes.simulate.demography import simulate_pool
from gds.genotypes.simulate.disease import design_disease
from gds.genotypes.simulate.genotyping import genotype
from gds.genotypes.simulate.layout import lay_genes
from gds.genotypes.simulate.people import recruit

TINY = {"n_genes": 18, "pool_size": 100, "n_causal": 60, "prevalence": 0.1, "heritability": 0.4}


def small_pool():
    """Two hundred people's worth of genomes of three populations, 20 genes."""
    loci = read_als_loci()
    return simulate_pool(
        lay_genes(20, 20_000, loci, np.random.default_rng(0)),
        loci,
        demography="OutOfAfrica_3G09",
        populations={"CEU": 0.5, "YRI": 0.3, "CHB": 0.2},
        size=200,
        ascertainment=Ascertainment("array", 0.01, 20),
        seed=1,
    )


def tiny_cohort():
    """60 cases and 120 controls."""
    return simulate_cohort(60, 120, **TINY, seed=3, phased=True)


def disease_of(pool, **changes):
    options = {
        "heritability": 0.3,
        "prevalence": 0.05,
        "n_causal": 100,
        "alpha": -0.38,
        "threshold": "within",
    }
    return design_disease(pool, read_als_loci(), **(options | changes), rng=np.random.default_rng(5))


def recruits(pool, disease, n_cases, n_controls, **changes):
    options = {"n_pairs": 0, "relation": "sibling", "seed": 2}
    return recruit(disease, pool.weights, n_cases=n_cases, n_controls=n_controls, **(options | changes))


def genotyped(pool, disease, people):
    samples = pd.DataFrame(
        {"id": [f"P{row}" for row in range(len(people))], "family": "", "sex": np.zeros(len(people), np.int8)}
    )
    return genotype(
        pool, disease, people, samples, np.full(len(people), "A"),
        relation="sibling", artefact_fraction=0, missing_rate=0, phased=False, seed=2,
    )  # fmt: skip
