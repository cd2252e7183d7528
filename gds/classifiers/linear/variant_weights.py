"""Variants that count by the effects around them: what ridge regression misses where few regions have large ones."""

from itertools import pairwise

import numpy as np


def effect_weights(effects: np.ndarray, window: int, chromosome: np.ndarray | None = None) -> np.ndarray:
    """Mean squared effect of the variants around each variant, scaled to a mean of 1.

    A single squared effect is mostly noise, and a causal region's effect is shared out among linked variants: the
    mean over a window is steadier than either.

    Parameters
    ----------
    effects
        Of standardised dosages, shape (variant, score).
    window
        Variants of a window, centred on each; fewer at the ends of a chromosome.
    chromosome
        Of each variant, shape (variant,); None: all are of one.

    Returns
    -------
    numpy.ndarray
        float64, shape (variant,).

    Notes
    -----
    Iterated weights of weighted GBLUP (Wang et al. 2012, Genetics Research 94:73-83), one round, over windows.
    """
    squares = (effects**2).sum(axis=1)
    chromosome = np.zeros(len(squares)) if chromosome is None else np.asarray(chromosome)
    borders = [0, *(np.flatnonzero(chromosome[1:] != chromosome[:-1]) + 1), len(squares)]
    weights = np.empty(len(squares))
    for begin, end in pairwise(borders):
        total = np.concatenate([[0.0], np.cumsum(squares[begin:end])])
        start = np.arange(end - begin) - window // 2
        first, last = np.maximum(start, 0), np.minimum(start + window, end - begin)
        weights[begin:end] = (total[last] - total[first]) / (last - first)
    return weights / max(weights.mean(), 1e-300)
