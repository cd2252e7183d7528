"""Synthetic genotypes from trained models."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gds.generation.generator import GenotypeGenerator

__all__ = ["GenotypeGenerator"]


def __getattr__(name: str) -> Any:
    # On first use: the generator needs the file formats, and gds.generation.diffusion, the samplers, does not.
    if name != "GenotypeGenerator":
        raise AttributeError(f"module 'gds.generation' has no attribute {name!r}")
    from gds.generation.generator import GenotypeGenerator

    return GenotypeGenerator
