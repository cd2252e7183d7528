"""How much of a person is copied from each person of a panel, as features."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.linalg import eigh

from gds.classifiers.haplotypes.copying_panel import fitted_copying
from gds.classifiers.haplotypes.haplotype_copying import HaplotypeCopying


def copying_profile(shares: sparse.csr_matrix, rows_of_person: int) -> np.ndarray:
    """Share of both haplotypes that is copied from each person of the panel, (sample, reference person)."""
    n = shares.shape[0] // rows_of_person
    ends = np.arange(0, shares.shape[0] + 1, rows_of_person)
    weights = np.full(shares.shape[0], 1 / rows_of_person, dtype=np.float32)
    average = sparse.csr_matrix((weights, np.arange(shares.shape[0]), ends), shape=(n, shares.shape[0]))
    return (average @ shares).toarray()


class CopyingProfile:
    """Principal components of square roots of copying profiles; a representation without labels.

    The square root makes the Euclidean distance of two profiles that of Hellinger, in which a rare ancestor that
    two people share counts.

    Parameters
    ----------
    n_components
        Components.
    copying
        A fitted :class:`~gds.classifiers.haplotypes.haplotype_copying.HaplotypeCopying`, to share it among methods;
        None: one of the training people.
    seed
        Of the thinning of the panel.
    """

    def __init__(
        self, n_components: int = 10, *, copying: HaplotypeCopying | None = None, seed: int = 0
    ) -> None:
        self.n_components = n_components
        self.copying = copying
        self.seed = seed

    def fit_transform(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See :class:`~gds.classifiers.components.representation.Representation`."""
        self.copying_ = fitted_copying(self.copying, parts, self.seed)
        roots = [self._roots(part) for part in parts]
        everyone = np.concatenate(roots)
        self.mean_ = everyone.mean(axis=0)
        everyone = everyone - self.mean_
        m = everyone.shape[1]
        k = min(self.n_components, m, len(everyone) - 1)
        _, vectors = eigh(everyone.T @ everyone, subset_by_index=[m - k, m - 1])
        self.loadings_ = vectors[:, ::-1]
        return [(root - self.mean_) @ self.loadings_ for root in roots]

    def transform(self, X: np.ndarray) -> np.ndarray:
        """See :class:`~gds.classifiers.components.representation.Representation`."""
        return (self._roots(X) - self.mean_) @ self.loadings_

    def _roots(self, haplotypes: np.ndarray) -> np.ndarray:
        shares = self.copying_.shares(haplotypes)
        return np.sqrt(copying_profile(shares, 2 * self.copying_.n_windows_)).astype(np.float64)
