"""Reading, writing, describing and simulating genotypes: numpy and pandas, no torch."""

from gds.genotypes.blocks import Blocks, assign_blocks
from gds.genotypes.concatenate import open_genotypes, read_genotypes
from gds.genotypes.matrix import Genotypes, GenotypeSource
from gds.genotypes.phenotypes import read_phenotypes
from gds.genotypes.simulate import simulate_cohort
from gds.genotypes.write import write_genotypes

__all__ = [
    "Blocks",
    "GenotypeSource",
    "Genotypes",
    "assign_blocks",
    "open_genotypes",
    "read_genotypes",
    "read_phenotypes",
    "simulate_cohort",
    "write_genotypes",
]
