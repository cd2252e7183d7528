"""Random numbers on which a guarantee rests: from the operating system, or from a seed for tests and benchmarks."""

import os

import numpy as np
import torch
from torch import Tensor


class Randomness:
    """Who is drawn, what noise is added, and the noise levels and masks of each row.

    Without a seed every number comes from the operating system's cryptographic generator and none is kept: nobody can
    compute the noise and take it off again. With a seed runs can be repeated, and whoever learns the seed can do so:
    then there is no guarantee.

    Parameters
    ----------
    seed
        None for the operating system.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self._seeded: np.random.Generator | None = None
        self.start_step(0)

    def start_step(self, step: int) -> None:
        """Numbers of a seed depend on the step alone, so that a resumed run sees those that it would have seen."""
        if self.seed is not None:
            self._seeded = np.random.default_rng([self.seed, step])

    def uniform(self, n: int) -> np.ndarray:
        """Strictly between 0 and 1, float64 (n,), multiples of 2**-53 up to half of one."""
        return ((self._words(n) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53

    def keys(self, n: int) -> Tensor:
        """Draw keys of ``gds.models``, int64 (n,)."""
        return torch.from_numpy(self._words(n).view(np.int64))

    def normal(self, shape: tuple[int, ...]) -> np.ndarray:
        """Standard normal, float64.

        The sum of four Box-Muller numbers, halved: from one alone, the gaps between floating-point numbers could tell
        what the noise was added to (Holohan & Braghin 2021, "Secure random sampling in differential privacy").
        """
        n = int(np.prod(shape))
        total = np.zeros(n)
        for _ in range(2):
            radius = np.sqrt(-2 * np.log(self.uniform(n)))
            angle = 2 * np.pi * self.uniform(n)
            total += radius * np.cos(angle) + radius * np.sin(angle)
        return (total / 2).reshape(shape)

    def _words(self, n: int) -> np.ndarray:
        if self._seeded is not None:
            return self._seeded.integers(0, 2**64, n, dtype=np.uint64)
        return np.frombuffer(os.urandom(8 * n), dtype=np.uint64).copy()
