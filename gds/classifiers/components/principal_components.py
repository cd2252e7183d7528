"""Principal components of dosages, fitted on training people with and without a label."""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import eigh

from gds.classifiers.linear.standardised import DosageScaler
from gds.errors import UserError

LARGEST_EXACT = 6000  # people or variants, whichever are fewer; beyond, a Krylov space is used
OVERSAMPLING = 10
KRYLOV_BLOCKS = 6


class DosagePCA:
    """Leading principal components of standardised dosages.

    Exact (an eigendecomposition on the smaller side of the matrix) up to :data:`LARGEST_EXACT` people or
    variants; beyond, the best components within a randomised block Krylov space (Musco and Musco 2015), which takes 13
    passes over the genotypes: components that stand out from the rest are exact to several digits,
    those amid noise are approximate.

    Parameters
    ----------
    n_components
        Components wanted; there are fewer where people or variants are fewer.
    seed
        Of the start of the Krylov space.

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
            self.loadings_, squares = self._krylov(parts, k)
        elif n <= len(self.scaler_.mean_):
            values, vectors = eigh(self.scaler_.kernel(parts), subset_by_index=[n - k, n - 1])
            squares = values[::-1] * self.scaler_.n_varying
            self.loadings_ = self.scaler_.back_project(parts, vectors[:, ::-1])
        else:
            m = len(self.scaler_.mean_)
            # At most LARGEST_EXACT variants: all of them for a thousand people at a time.
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

    def reconstruct(self, scores: np.ndarray) -> np.ndarray:
        """Expected dosages of people with these scores, float64, shape (sample, variant); not confined to 0 ... 2."""
        scale = self.scaler_.scale_
        # Standardising multiplied by scale; variants that do not vary have scale 0 and keep their mean.
        spread = np.where(scale > 0, 1 / np.where(scale > 0, scale, 1), 0)
        return self.scaler_.mean_ + (scores @ self.loadings_.T) * spread

    def _krylov(self, parts: Sequence[np.ndarray], k: int) -> tuple[np.ndarray, np.ndarray]:
        """Loadings and squared singular values by Rayleigh-Ritz in a block Krylov space of Z'Z."""
        m = len(self.scaler_.mean_)
        width = min(k + OVERSAMPLING, m)
        block = np.random.default_rng(self.seed).standard_normal((m, width))
        blocks = []
        for _ in range(KRYLOV_BLOCKS):
            scores = np.linalg.qr(self.scaler_.project(parts, block))[0]
            block = np.linalg.qr(self.scaler_.back_project(parts, scores))[0]
            blocks.append(block)
        space = np.linalg.qr(np.concatenate(blocks, axis=1)[:, :m])[0]
        image = self.scaler_.project(parts, space)
        squares, rotation = eigh(image.T @ image)
        return space @ rotation[:, : -k - 1 : -1], squares[: -k - 1 : -1]
