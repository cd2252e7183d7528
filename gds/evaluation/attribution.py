"""Can attributions be believed? Their stability over refits, and how they stand against permuted labels."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from gds.errors import UserError


def importance_shares(attributions: np.ndarray) -> np.ndarray:
    """Mean size of each block's attribution, as a share of all blocks'.

    Shares, because a stronger penalty makes all attributions smaller without changing what they say.

    Parameters
    ----------
    attributions
        (..., sample, block).

    Returns
    -------
    numpy.ndarray
        (..., block); each sums to 1, or is 0 throughout where nothing is attributed to anything.
    """
    size = np.abs(attributions).mean(axis=-2)
    total = size.sum(axis=-1, keepdims=True)
    return np.divide(size, total, out=np.zeros_like(size), where=total > 0)


def stability(shares: np.ndarray, top: int = 10) -> dict[str, float]:
    """How alike several refits are, over all pairs of them.

    Parameters
    ----------
    shares
        Importance of each block in each refit, (refit, block).
    top
        Number of leading blocks compared.

    Returns
    -------
    dict
        ``rank_correlation`` (Spearman, mean over pairs), ``top_overlap`` (mean share of the leading blocks that two
        refits have in common), ``top_overlap_by_chance`` (top / blocks) and ``top``; NaN with fewer than two refits.
    """
    if shares.ndim != 2:
        raise UserError(f"expected importance of shape (refit, block), found {shares.shape}")
    n_refits, n_blocks = shares.shape
    top = min(top, n_blocks)
    ranks = rankdata(shares, axis=1)
    leading = [set(np.argsort(-row, kind="stable")[:top]) for row in shares]
    pairs = list(combinations(range(n_refits), 2))
    correlations = [_correlation(ranks[i], ranks[j]) for i, j in pairs]
    overlaps = [len(leading[i] & leading[j]) / top for i, j in pairs]
    return {
        "rank_correlation": float(np.mean(correlations)) if pairs else np.nan,
        "top_overlap": float(np.mean(overlaps)) if pairs else np.nan,
        "top_overlap_by_chance": top / n_blocks,
        "top": top,
    }


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(), y - y.mean()
    norm = np.sqrt((x**2).sum() * (y**2).sum())
    return float((x * y).sum() / norm) if norm > 0 else np.nan


def permutation_p(observed: np.ndarray, permuted: np.ndarray) -> pd.DataFrame:
    """Empirical p-values of importance against that with permuted labels.

    p = (1 + number of permutations at least as large) / (1 + permutations), so that the least possible one is stated
    and never 0 (Phipson and Smyth 2010); adjusted: the largest block of each permutation is compared, which holds the
    chance of any false finding (Westfall and Young 1993).

    Parameters
    ----------
    observed
        (block,).
    permuted
        (permutation, block); without permutations all p-values are NaN.

    Returns
    -------
    pandas.DataFrame
        A row a block; columns ``p`` and ``p_adjusted``.
    """
    n = len(permuted)
    if not n:
        return pd.DataFrame({"p": np.full(len(observed), np.nan), "p_adjusted": np.nan})
    above = (permuted >= observed).sum(axis=0)
    largest = (permuted.max(axis=1)[:, None] >= observed).sum(axis=0)
    return pd.DataFrame({"p": (1 + above) / (1 + n), "p_adjusted": (1 + largest) / (1 + n)})
