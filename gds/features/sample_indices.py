"""Which people are meant: indices, a boolean mask, or everyone."""

import numpy as np

from gds.errors import UserError
from gds.genotypes.matrix import GenotypeSource


def sample_indices(source: GenotypeSource, samples: np.ndarray | None) -> np.ndarray:
    """Indices of the people meant by indices, a boolean mask, or None for all.

    Raises
    ------
    UserError
        There is no such sample.
    """
    n = len(source.samples)
    if samples is None:
        return np.arange(n)
    samples = np.asarray(samples)
    if samples.dtype == bool:
        if samples.shape != (n,):
            raise UserError(f"expected a mask of {n} samples, found shape {samples.shape}")
        return np.flatnonzero(samples)
    if samples.size and not np.issubdtype(samples.dtype, np.integer):
        raise UserError(f"expected indices of samples, found values of type {samples.dtype}")
    if samples.size and (samples.min() < 0 or samples.max() >= n):
        raise UserError(f"expected indices of samples in 0..{n - 1}, found {samples.min()}..{samples.max()}")
    return samples.astype(np.int64)
