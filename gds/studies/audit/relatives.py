r"""Relatives among the people, from the relationship matrix that the audit has anyway.

The genotype relationship of two people less what their principal components share, scaled to 1 with oneself, is
an estimate of twice their kinship (as PC-Relate: Conomos et al. 2016, Am J Hum Genet 98:127). What unrelated people
scatter around is measured on the cohort itself, for each person among those of like ancestry: where an ancestry is
less varied than the others, its people share more by chance, and few or linked variants scatter more. One scatter
for everyone accuses the least varied ancestry of being relatives.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.special import ndtri

from gds.genotypes.relatedness import SECOND_DEGREE

LARGEST_THRESHOLD = 0.4  # beyond it siblings (.5) are missed
FALSE_PAIRS = 0.01  # expected among all pairs of unrelated people
N_ALIKE = 200  # nearest people in ancestry, whose scatter is taken for chance


@dataclass(frozen=True)
class RelatedPairs:
    """Pairs of close relatives.

    Attributes
    ----------
    pairs
        Columns first, second (rows), relationship (1 the same person, .5 first degree, .25 second).
    threshold
        Relationship above which a pair is listed, the median over people; NaN where relatives cannot be told from
        others.
    """

    pairs: pd.DataFrame
    threshold: float

    @property
    def is_estimable(self) -> bool:
        """Whether the genotypes can tell relatives from others."""
        return bool(np.isfinite(self.threshold))


def related_by_genotype(kernel: np.ndarray, values: np.ndarray, vectors: np.ndarray) -> RelatedPairs:
    """Pairs whose relationship is that of second-degree relatives or closer, and beyond chance for both.

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
    centre, spread = _chance(rest, vectors * np.sqrt(values))
    n_pairs = len(rest) * (len(rest) - 1) / 2
    threshold = np.maximum(2 * SECOND_DEGREE, centre + float(ndtri(1 - FALSE_PAIRS / n_pairs)) * spread)
    too_wide = threshold > LARGEST_THRESHOLD
    above = rest > np.where(too_wide, np.inf, threshold)[:, None]
    above &= above.T
    rows, columns = np.nonzero(np.triu(above, 1))
    table = pd.DataFrame({"first": rows, "second": columns, "relationship": rest[rows, columns]})
    return RelatedPairs(table, float("nan") if too_wide.mean() > 0.5 else float(np.median(threshold)))


def _chance(relationship: np.ndarray, components: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and robust sd of each person's relationships with those nearest in ancestry, each (sample,)."""
    alike = relationship
    n = len(relationship)
    if components.shape[1] and n > N_ALIKE + 1:
        nearest = cKDTree(components).query(components, N_ALIKE + 1)[1]
        alike = relationship[np.arange(n)[:, None], nearest]
    centre = np.median(alike, axis=1)
    return centre, 1.4826 * np.median(np.abs(alike - centre[:, None]), axis=1)


def joined_families(families: np.ndarray | None, pairs: pd.DataFrame, n: int) -> np.ndarray:
    """Codes of people joined by a family name or by a related pair, int64 (sample,)."""
    known = np.arange(n) if families is None else np.unique(families, return_inverse=True)[1]
    names = n + known  # a node for each family, beside those of people
    first = np.concatenate([np.arange(n), pairs["first"].to_numpy(int)])
    second = np.concatenate([names, pairs["second"].to_numpy(int)])
    size = n + int(known.max()) + 1
    graph = coo_array((np.ones(len(first), dtype=bool), (first, second)), shape=(size, size))
    return connected_components(graph, directed=False)[1][:n].astype(np.int64)
