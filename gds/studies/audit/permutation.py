"""What would be seen if labels had nothing to do with anything else: labels dealt anew, families whole."""

import numpy as np
import pandas as pd


def permuted_labels(
    labels: np.ndarray,
    n: int,
    *,
    strata: np.ndarray | None = None,
    families: np.ndarray | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Labels exchanged among people, or among whole families of the same make-up.

    Families exchange the labels of all their members: relatives share labels, and that likeness must survive
    in what chance is taken to be. Families of other sizes, or of other strata, are not exchangeable.

    Parameters
    ----------
    labels
        Shape (sample,).
    n
        Permutations.
    strata
        E.g. batches: labels stay within them; shape (sample,).
    families
        Names, shape (sample,); None: everyone is alone.
    seed
        Of the order.

    Returns
    -------
    numpy.ndarray
        As ``labels``, shape (sample, n).
    """
    rng = np.random.default_rng(seed)
    stratum = np.zeros(len(labels), int) if strata is None else np.unique(strata, return_inverse=True)[1]
    family = np.arange(len(labels)) if families is None else np.unique(families, return_inverse=True)[1]
    order = np.lexsort((stratum, family))
    members = pd.Series(order).groupby(family[order]).agg(list)
    kinds: dict[tuple[int, ...], list[list[int]]] = {}
    for rows in members:
        kinds.setdefault(tuple(stratum[rows]), []).append(rows)
    result = np.repeat(np.asarray(labels)[:, None], n, axis=1)
    for families_alike in kinds.values():
        rows = np.array(families_alike)  # (family, member)
        dealt = rng.permuted(np.repeat(np.arange(len(rows))[:, None], n, axis=1), axis=0)
        for member in range(rows.shape[1]):
            result[rows[:, member]] = np.asarray(labels)[rows[dealt, member]]
    return result


def p_value(observed: float, under_chance: np.ndarray) -> float:
    """Share of permutations that do at least as well, the observed one counted as one of them."""
    return float((1 + (under_chance >= observed).sum()) / (1 + len(under_chance)))


def adjusted_p_values(observed: np.ndarray, under_chance: np.ndarray) -> np.ndarray:
    """P-values of several statistics, adjusted for their number by the largest of them.

    Each is centred and scaled by its own permutations; the adjusted p-value is the share of permutations whose
    largest statistic is at least as large (Westfall and Young 1993, single step). Correlated statistics, such as
    those of a batch and of its plates, cost less than by Bonferroni.

    Parameters
    ----------
    observed
        Shape (statistic,).
    under_chance
        Shape (statistic, permutation): the same permutation in each column.

    Returns
    -------
    numpy.ndarray
        Shape (statistic,).
    """
    centre, spread = under_chance.mean(axis=1), under_chance.std(axis=1)
    spread = np.where(spread > 0, spread, 1)
    largest = ((under_chance - centre[:, None]) / spread[:, None]).max(axis=0)
    scaled = (np.asarray(observed) - centre) / spread
    return np.array([p_value(value, largest) for value in scaled])
