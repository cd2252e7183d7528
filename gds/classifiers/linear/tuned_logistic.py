"""L2-penalised logistic regression whose penalty is chosen by folds of the labelled people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from gds.classifiers.inner_folds import Folds, held_out_loss, inner_folds
from gds.errors import UserError

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

PENALTIES = tuple(10.0 ** np.arange(-4, 3))
DEFAULT_C = 0.1  # where a class has a single member, so that nothing can be chosen


def class_indices(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Classes and the index of each label among them.

    Raises
    ------
    UserError
        Fewer than two classes, or an unlabelled person.
    """
    y = np.asarray(y)
    classes, index = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise UserError(f"the labelled people are all of class {classes[0] if len(classes) else None}")
    if np.issubdtype(y.dtype, np.number) and classes[0] < 0:
        raise UserError(
            f"label {classes[0]} among labelled people: pass unlabelled people apart, without a label"
        )
    return classes, index


def fit_logistic(X: np.ndarray, y: np.ndarray, C: float) -> "LogisticRegression":
    """Multinomial logistic regression (two classes: logistic) with an unpenalised intercept."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, max_iter=2000).fit(X, y)


class LogisticProbe(ClassifierMixin, BaseEstimator):
    """Standardise each column over the labelled people, then logistic regression.

    The penalty is the one with the lowest log-loss over folds of the labelled people; without possible
    folds (a class with one member) it is C = 0.1.

    Parameters
    ----------
    C
        Inverse penalty; None: choose.
    candidates
        Inverse penalties to choose among.
    n_folds
        Folds of the labelled people.
    seed
        Seed of the folds.

    Attributes
    ----------
    C_ : float
        The inverse penalty used.
    """

    def __init__(
        self,
        C: float | None = None,
        *,
        candidates: Sequence[float] = PENALTIES,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.C = C
        self.candidates = candidates
        self.n_folds = n_folds
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: np.ndarray | None = None,
        unlabelled: np.ndarray | None = None,
    ) -> "LogisticProbe":
        """Fit on labelled people.

        Parameters
        ----------
        X
            Embeddings, shape (sample, hidden).
        y
            Labels, shape (sample,).
        groups
            Families, kept within one fold.
        unlabelled
            Not looked at: taken as by every other method.
        """
        X = np.asarray(X, dtype=np.float64)
        self.classes_, index = class_indices(y)
        self.mean_, spread = X.mean(axis=0), X.std(axis=0)
        # A column that hardly varies would be blown up to noise.
        self.scale_ = np.where(spread > 1e-7 * np.abs(X).max(initial=1), 1 / np.maximum(spread, 1e-300), 0)
        Z = self._standardise(X)
        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed) if self.C is None else []
        self.C_ = choose_penalty(Z, index, folds, self.candidates) if folds else (self.C or DEFAULT_C)
        self.model_ = fit_logistic(Z, index, self.C_)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return self.model_.predict_proba(self._standardise(np.asarray(X, dtype=np.float64)))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Most probable class, shape (sample,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _standardise(self, X: np.ndarray) -> np.ndarray:
        return (X - self.mean_) * self.scale_


def choose_penalty(X: np.ndarray, y: np.ndarray, folds: Folds, candidates: Sequence[float]) -> float:
    """Inverse penalty with the lowest held-out log-loss; the stronger penalty of equals.

    Parameters
    ----------
    X
        Columns on a common scale, shape (sample, column).
    y
        Class indices, shape (sample,).
    folds
        Of :func:`inner_folds`.
    candidates
        Inverse penalties.
    """
    ordered = sorted(candidates)
    loss, _ = held_out_loss(y, folds, lambda train, held_out: penalty_path(X, y, train, held_out, ordered))
    return float(ordered[int(loss.argmin())])


def penalty_path(
    X: np.ndarray, y: np.ndarray, train: np.ndarray, held_out: np.ndarray, candidates: Sequence[float]
) -> list[np.ndarray]:
    """Held-out probabilities for each inverse penalty, each of shape (held_out, class)."""
    return [fit_logistic(X[train], y[train], C).predict_proba(X[held_out]) for C in candidates]
