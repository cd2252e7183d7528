"""Simulated cohorts: human demography, genes, a liability-threshold disease, batches, relatives."""

from gds.genotypes.simulate.als_loci import liability_effect, read_als_loci
from gds.genotypes.simulate.cohort import SimulatedCohort, simulate_cohort
from gds.genotypes.simulate.cohort_directory import write_cohort

__all__ = ["SimulatedCohort", "liability_effect", "read_als_loci", "simulate_cohort", "write_cohort"]
