r"""Relatives on both sides of a split, from the relationship matrix that the audit has anyway.

The genotype relationship of two people less what their principal components share, scaled to 1 with oneself, is
an estimate of twice their kinship (as PC-Relate: Conomos et al. 2016, Am J Hum Genet 98:127). What unrelated people
scatter around 0 is measured on the cohort itself, so that few or linked variants end in "not estimable" and not in
everyone being everyone's cousin.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtri

from gds.genotypes.relatedness import SECOND_DEGREE

LARGEST_THRESHOLD = 0.4  # beyond it siblings (.5) are missed
FALSE_PAIRS = 0.01  # expected among all pairs of unrelated people


@dataclass(frozen=True)
class RelatedPairs:
    """Pairs of close relatives.

    Attributes
    ----------
    pairs
        Columns first, second (rows), relationship (1 the same person, .5 first degree, .25 second).
    threshold
        Relationship above which a pair is listed; NaN where relatives cannot be told from others.
    """

    pairs: pd.DataFrame
    threshold: float

    @property
    def is_estimable(self) -> bool:
        """Whether the genotypes can tell relatives from others."""
        return bool(np.isfinite(self.threshold))


def related_by_genotype(kernel: np.ndarray, values: np.ndarray, vectors: np.ndarray) -> RelatedPairs:
    """Pairs whose relationship is that of second-degree relatives or closer, and beyond chance.

    Parameters
    ----------
    kernel
        Relationship Z Z' / m, (sample, sample).
    values, vectors
        Its leading eigenvalues and eigenvectors: ancestry, which is taken out.
    """
    rest = kernel - (vectors * values) @ vectors.T
    scale = np.sqrt(np.maximum(np.diag(rest), 1e-9))
    rest /= scale[:, None]
    rest /= scale
    first, second = np.triu_indices(min(len(rest), 1000), 1)
    sample = rest[first, second]
    centre = float(np.median(sample))
    spread = 1.4826 * float(np.median(np.abs(sample - centre)))
    n_pairs = len(rest) * (len(rest) - 1) / 2
    threshold = max(2 * SECOND_DEGREE, centre + float(ndtri(1 - FALSE_PAIRS / n_pairs)) * spread)
    if threshold > LARGEST_THRESHOLD:
        return RelatedPairs(pd.DataFrame({"first": [], "second": [], "relationship": []}), float("nan"))
    rows, columns = np.nonzero(np.triu(rest > threshold, 1))
    table = pd.DataFrame({"first": rows, "second": columns, "relationship": rest[rows, columns]})
    return RelatedPairs(table, threshold)


def joined_families(families: np.ndarray | None, pairs: pd.DataFrame, n: int) -> np.ndarray:
    """Codes of people joined by a family name or by a related pair, int64 (sample,)."""
    known = np.arange(n) if families is None else np.unique(families, return_inverse=True)[1]
    names = n + known  # a node for each family, beside those of people
    first = np.concatenate([np.arange(n), pairs["first"].to_numpy(int)])
    second = np.concatenate([names, pairs["second"].to_numpy(int)])
    size = n + int(known.max()) + 1
    graph = coo_array((np.ones(len(first), dtype=bool), (first, second)), shape=(size, size))
    return connected_components(graph, directed=False)[1][:n].astype(np.int64)


def related_to_training(families: np.ndarray, is_test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Test people with a relative who trains, and those relatives; two boolean arrays (sample,)."""
    trains, tests = (
        pd.Series(side).groupby(families).transform("any").to_numpy() for side in (~is_test, is_test)
    )
    return is_test & trains, ~is_test & tests
