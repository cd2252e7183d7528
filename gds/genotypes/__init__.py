"""Reading, writing, describing and simulating genotypes: numpy and pandas, no torch."""

from gds.genotypes.align import match_variants
from gds.genotypes.alignment import AlignedSource, align_genotypes
from gds.genotypes.alignment_report import AlignmentReport
from gds.genotypes.blocks import Blocks, assign_blocks
from gds.genotypes.matrix import Genotypes, GenotypeSource, PhasedSource
from gds.genotypes.merge import MergedCohorts, merge_cohorts
from gds.genotypes.phenotypes import read_phenotypes
from gds.genotypes.read_report import ReadReport
from gds.genotypes.reading import open_genotypes, open_in_order, read_genotypes
from gds.genotypes.simulate import simulate_cohort
from gds.genotypes.write import write_genotypes

__all__ = [
    "AlignedSource",
    "AlignmentReport",
    "Blocks",
    "GenotypeSource",
    "Genotypes",
    "MergedCohorts",
    "PhasedSource",
    "ReadReport",
    "align_genotypes",
    "assign_blocks",
    "match_variants",
    "merge_cohorts",
    "open_genotypes",
    "open_in_order",
    "read_genotypes",
    "read_phenotypes",
    "simulate_cohort",
    "write_genotypes",
]
