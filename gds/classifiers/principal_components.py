"""Principal components of dosages, fitted on training people with and without a label."""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import eigh

from gds.classifiers.standardised import DosageScaler
from gds.errors import UserError

LARGEST_EXACT = 6000  # people or variants, whichever are fewer; above it subspace iteration is used
OVERSAMPLING = 16
MAX_ITERATIONS = 60
TOLERANCE = 1e-4


class DosagePCA:
    """Leading principal components of standardised dosages.

    Exact (an eigendecomposition on the smaller side of the matrix) up to :data:`LARGEST_EXACT` people or variants;
    beyond, block subspace iteration from a fixed start until no eigenvalue changes by more than 1 in 10^4.

    Parameters
    ----------
    n_components
        Components wanted; there are fewer where people or variants are fewer.
    seed
        Start of the subspace iteration.

    Attributes
    ----------
    loadings_ : numpy.ndarray
        Orthonormal columns, shape (variant, component).
    variance_ : numpy.ndarray
        Variance of each component over the people fitted on, shape (component,).
    scaler_ : DosageScaler
        Means and scales of the variants.
    """

    def __init__(self, n_components: int, seed: int = 0) -> None:
        self.n_components = n_components
        self.seed = seed

    def fit(self, parts: Sequence[np.ndarray]) -> "DosagePCA":
        """Fit on the people of all parts (int8, shape (sample, variant), -1 missing)."""
        self.scaler_ = DosageScaler().fit(parts)
        n = sum(len(part) for part in parts)
        self.n_samples_ = n
        smaller = min(n, len(self.scaler_.mean_))
        # Centred data of n people span n - 1 dimensions.
        k = min(self.n_components, n - 1, self.scaler_.n_varying)
        if k < 1:
            raise UserError(f"{n} training people have no principal components: give more people")
        if smaller > LARGEST_EXACT:
            self.loadings_, squares = self._iterate(parts, k)
        elif n <= len(self.scaler_.mean_):
            values, vectors = eigh(self.scaler_.kernel(parts), subset_by_index=[n - k, n - 1])
            squares = values[::-1] * self.scaler_.n_varying
            self.loadings_ = self.scaler_.back_project(parts, vectors[:, ::-1])
        else:
            m = len(self.scaler_.mean_)
            # All variants fit into one tile a few thousand people at a time.
            gram = np.zeros((m, m))
            for part in parts:
                for start in range(0, len(part), 1024):
                    z = np.concatenate(
                        [tile for _, tile in self.scaler_.tiles([part[start : start + 1024]])], axis=1
                    )
                    gram += z.T @ z
            squares, vectors = eigh(gram, subset_by_index=[m - k, m - 1])
            squares, self.loadings_ = squares[::-1], vectors[:, ::-1]
        kept = squares > 1e-6 * squares[0]
        self.loadings_, self.variance_ = self.loadings_[:, kept], squares[kept] / n
        self.loadings_ = self.loadings_ / np.linalg.norm(self.loadings_, axis=0)
        # An eigenvector's sign is arbitrary: the largest loading is made positive.
        peak = np.abs(self.loadings_).argmax(axis=0)
        self.loadings_ = self.loadings_ * np.sign(self.loadings_[peak, np.arange(self.loadings_.shape[1])])
        return self

    def transform(self, dosages: np.ndarray) -> np.ndarray:
        """Scores of people, float64, shape (sample, component)."""
        return self.scaler_.project([dosages], self.loadings_)

    def _iterate(self, parts: Sequence[np.ndarray], k: int) -> tuple[np.ndarray, np.ndarray]:
        """Subspace iteration on Z'Z: loadings and squared singular values (Rutishauser 1969)."""
        m = len(self.scaler_.mean_)
        rng = np.random.default_rng(self.seed)
        basis = np.linalg.qr(rng.standard_normal((m, min(k + OVERSAMPLING, m))))[0]
        before = np.zeros(k)
        for _ in range(MAX_ITERATIONS):
            scores = np.linalg.qr(self.scaler_.project(parts, basis))[0]
            image, singular, _ = np.linalg.svd(self.scaler_.back_project(parts, scores), full_matrices=False)
            basis, squares = image, singular[:k] ** 2
            if np.all(np.abs(squares - before) <= TOLERANCE * squares):
                break
            before = squares
        return basis[:, :k], squares
