"""gds: semi-supervised classification of people from their genotypes.

The public names below are imported on first use, so that ``import gds`` stays cheap.
"""

import importlib
from typing import Any

from gds.registration import register_when_imported

__version__ = "0.1.0"

_PUBLIC = {
    "Genotypes": "gds.genotypes",
    "open_genotypes": "gds.genotypes",
    "read_genotypes": "gds.genotypes",
    "write_genotypes": "gds.genotypes",
    "read_phenotypes": "gds.genotypes",
    "assign_blocks": "gds.genotypes",
    "Blocks": "gds.genotypes",
    "simulate_cohort": "gds.genotypes",
    "GenePCA": "gds.features",
    "GeneTokens": "gds.features",
    "Featurizer": "gds.features",
    "GdsConfig": "gds.models",
    "GdsModel": "gds.models",
    "GdsForContrastive": "gds.models",
    "GdsForDiffusion": "gds.models",
    "GdsForMaskedModeling": "gds.models",
    "GdsForClassification": "gds.models",
    "GenotypeGenerator": "gds.generation",
    "UserError": "gds.errors",
}

__all__ = ["__version__", *_PUBLIC]

# AutoModel and pipeline() of transformers know these classes as soon as transformers is there.
register_when_imported()


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'gds' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
