"""Synthetic genotypes from trained models."""

from gds.generation.generator import GenotypeGenerator

__all__ = ["GenotypeGenerator"]
