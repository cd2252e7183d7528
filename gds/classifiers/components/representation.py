"""A representation learned from everyone, and on it a classifier of the labelled."""

from collections.abc import Sequence
from copy import copy
from typing import Any, Protocol, Self

import numpy as np
from sklearn.base import clone

from gds.classifiers.base import PeopleClassifier
from gds.classifiers.components.principal_components import DosagePCA


class Representation(Protocol):
    """Anything that learns from genotypes without labels what to say about a person in few numbers."""

    def fit_transform(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Learn from training people, and score them; for each part float, shape (sample, component)."""
        ...

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Score other people, float, shape (sample, component)."""
        ...


class PCScores(DosagePCA):
    """Principal components of dosages as a :class:`Representation`, as multiples of the first one's spread."""

    def fit_transform(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See :class:`Representation`."""
        self.fit(parts)
        return [self.transform(part) for part in parts]

    def transform(self, X: np.ndarray) -> np.ndarray:
        """See :class:`Representation`."""
        return super().transform(X) / np.sqrt(self.variance_[0])


class EmbeddingComponents:
    """Leading principal components of embeddings, as multiples of the first one's spread; a :class:`Representation`.

    Parameters
    ----------
    n_components
        Components kept.
    standardise
        Whether every column is brought to variance 1 first; unit vectors are compared as they are.
    n_kept
        So many columns at the end are no embedding: they are appended as they are, e.g. components of dosages.
    """

    def __init__(self, n_components: int = 12, *, standardise: bool = True, n_kept: int = 0) -> None:
        self.n_components = n_components
        self.standardise = standardise
        self.n_kept = n_kept

    def fit_transform(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See :class:`Representation`."""
        from sklearn.decomposition import PCA

        everyone = np.concatenate([self._divided(part)[0] for part in parts if len(part)])
        self.mean_, spread = everyone.mean(axis=0), everyone.std(axis=0)
        spread = np.where(spread > 1e-7 * np.abs(everyone).max(initial=1), spread, np.inf)
        self.scale_ = 1 / spread if self.standardise else np.ones_like(spread)
        n = min(self.n_components, len(everyone) - 1, everyone.shape[1])
        solver = "full" if min(everyone.shape) <= 512 else "randomized"
        pca = PCA(n, svd_solver=solver, random_state=0).fit((everyone - self.mean_) * self.scale_)
        self.loadings_ = pca.components_.T
        self.spread_ = max(float(np.sqrt(pca.explained_variance_[0])), 1e-12)
        return [self.transform(part) for part in parts]

    def transform(self, X: np.ndarray) -> np.ndarray:
        """See :class:`Representation`."""
        embedding, kept = self._divided(X)
        scores = (embedding - self.mean_) * self.scale_ @ self.loadings_ / self.spread_
        return np.concatenate([scores, kept], axis=1)

    def _divided(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = np.asarray(X, dtype=np.float64)
        edge = values.shape[1] - self.n_kept
        return values[:, :edge], values[:, edge:]


class RepresentationClassifier(PeopleClassifier):
    """A classifier of the scores that a representation gives.

    Parameters
    ----------
    representation
        Learned from all training people; not fitted, and copied before it is.
    head
        A :class:`~gds.classifiers.base.PeopleClassifier` of scores; copied likewise.
    """

    def __init__(self, representation: Representation, head: Any) -> None:
        self.representation = representation
        self.head = head

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> Self:
        """Fit the representation on everyone given, the head on labelled people.

        Parameters
        ----------
        X
            What the representation reads of labelled people: dosages, int8 (sample, variant), or haplotypes,
            int8 (sample, variant, 2); -1 missing.
        y
            Labels, shape (sample,).
        unlabelled
            The same of further training people.
        groups
            Families of the labelled people, kept within one fold.
        """
        self.representation_ = copy(self.representation)  # shallow: what is shared stays shared
        scores = self.representation_.fit_transform([X] if unlabelled is None else [X, unlabelled])
        self.head_ = clone(self.head).fit(
            scores[0], y, unlabelled=None if unlabelled is None else scores[1], groups=groups
        )
        self.classes_ = self.head_.classes_
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return self.head_.predict_proba(self.representation_.transform(X))
