"""Independent random streams, one for each purpose and index, all derived from one seed.

What a stream yields depends on nothing but (seed, purpose, indices): drawing more people does not
change the genes, and simulating genes in another order does not change any of them.
"""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What randomness is for. The numbers are part of what a seed means: never renumber."""

    LAYOUT = 1
    ANCESTRY = 2
    MUTATION = 3
    ASCERTAINMENT = 4
    NAMES = 5
    EFFECTS = 6
    SCREENING = 7
    RELATIVES = 8
    TRANSMISSION = 9
    ORDER = 10
    COVARIATES = 11
    BATCHES = 12
    MISSINGNESS = 13
    ARTEFACTS = 14


def stream(seed: int, purpose: Purpose, *indices: int) -> np.random.Generator:
    """The generator for one purpose, e.g. ``stream(seed, Purpose.TRANSMISSION, gene)``."""
    return np.random.default_rng(np.random.SeedSequence([seed, int(purpose), *indices]))


def msprime_seed(seed: int, purpose: Purpose, *indices: int) -> int:
    """A seed in the range that msprime takes, [1, 2^32 - 1]."""
    return int(stream(seed, purpose, *indices).integers(1, 2**32 - 1))
