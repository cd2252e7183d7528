"""What all classifiers of people share."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


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
