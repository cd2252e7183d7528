"""Genotypes as features, fitted on training people only: numpy and scipy, no torch at module level."""

from gds.features.featurizer import Featurizer
from gds.features.gene_pca import GenePCA
from gds.features.gene_tokens import GeneTokens

__all__ = ["Featurizer", "GenePCA", "GeneTokens"]
