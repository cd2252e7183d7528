"""What all classifiers of people share."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone


class PeopleClassifier(ClassifierMixin, BaseEstimator):
    """A scikit-learn classifier that may also learn from people without a label.

    ``fit(X, y, unlabelled=None, groups=None)`` takes labelled people, their labels, further training people,
    and families of the labelled people, which are kept within one fold wherever something is tuned.
    ``predict_proba(X)`` returns shape (sample, class), classes in the order of ``classes_``.
    """

    classes_: np.ndarray

    def predict_proba(self, X: Any) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        raise NotImplementedError

    def predict(self, X: Any) -> np.ndarray:
        """Most probable class, shape (sample,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@dataclass(frozen=True)
class Candidate:
    """One of several methods: an unfitted estimator, and what it is given of the same people.

    Attributes
    ----------
    estimator
        Copied before it is fitted.
    variants
        Which variants.
    reads
        ``"dosages"`` or ``"haplotypes"``; dosages are added up where people are given as haplotypes.
    """

    estimator: Any
    variants: np.ndarray | slice = field(default_factory=lambda: slice(None))
    reads: str = "dosages"

    def view(self, X: np.ndarray) -> np.ndarray:
        """Its part of the genotypes, int8, shape (sample, variant) or (sample, variant, 2)."""
        chosen = X[:, self.variants]
        if chosen.ndim == 3 and self.reads == "dosages":
            return np.where((chosen < 0).any(axis=2), -1, chosen.sum(axis=2)).astype(np.int8)
        return chosen

    def fitted(
        self, X: np.ndarray, y: np.ndarray, unlabelled: np.ndarray | None, groups: np.ndarray | None
    ) -> Any:
        """A copy of the estimator, fitted on its part of the genotypes."""
        further = None if unlabelled is None else self.view(unlabelled)
        return clone(self.estimator).fit(self.view(X), y, unlabelled=further, groups=groups)
