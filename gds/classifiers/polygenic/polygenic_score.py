"""Scores whose weights were fixed before any label was seen: one is chosen, and calibrated, by the labelled few."""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from gds.classifiers.base import PeopleClassifier
from gds.classifiers.inner_folds import held_out_loss, inner_folds
from gds.classifiers.linear.ridge import fit_calibration
from gds.classifiers.linear.standardised import DosageScaler
from gds.classifiers.linear.tuned_logistic import class_indices
from gds.errors import UserError


class PolygenicScore(PeopleClassifier):
    """Weighted sums of dosages with published weights, as ``plink2 --score``; missing dosages at the training mean.

    Labels choose one candidate, by log-loss over folds, and then calibrate its score: logistic regression of the class
    on the score, whose slope is kept positive, since the sign of the effects is known. Without possible folds the
    first candidate is used.

    Parameters
    ----------
    weights
        Weight of each allele counted, float, shape (variant, candidate).
    names
        Of the candidates.
    n_folds, seed
        Folds of the labelled people.

    Attributes
    ----------
    chosen_ : str
        Name of the candidate used.
    weight_ : numpy.ndarray
        Its weights, (variant,).
    slope_, intercept_ : float
        Log odds of the second class are ``intercept_ + slope_ * score``.
    """

    def __init__(self, weights: np.ndarray, names: Sequence[str], *, n_folds: int = 5, seed: int = 0) -> None:
        self.weights = weights
        self.names = names
        self.n_folds = n_folds
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> "PolygenicScore":
        """Choose and calibrate.

        Parameters
        ----------
        X
            Dosages of labelled people, int8 (sample, variant), -1 missing.
        y
            Labels of two classes, shape (sample,).
        unlabelled
            Dosages of further training people: means are taken over everyone.
        groups
            Families, kept within one fold.

        Raises
        ------
        UserError
            There are more than two classes.
        """
        self.classes_, index = class_indices(y)
        if len(self.classes_) != 2:
            raise UserError(
                f"a polygenic score is of one disease: expected two classes, found {len(self.classes_)}"
            )
        self.mean_ = DosageScaler().fit([X] if unlabelled is None else [X, unlabelled]).mean_
        scores = self.score(X, self.weights)
        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        best = 0
        if folds:

            def fitted(train: np.ndarray, held_out: np.ndarray) -> list[np.ndarray]:
                intercepts, slopes = fit_calibration(scores[train], _targets(index[train], scores.shape[1]))
                positive = expit(intercepts + slopes * scores[held_out]).T
                return [np.column_stack([1 - p, p]) for p in positive]

            best = int(held_out_loss(index, folds, fitted)[0].argmin())
        self.chosen_, self.weight_ = self.names[best], np.asarray(self.weights)[:, best]
        intercept, slope = fit_calibration(scores[:, [best]], _targets(index, 1))
        self.intercept_, self.slope_ = float(intercept[0]), float(slope[0])
        return self

    def score(self, X: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Weighted sums, missing dosages at the mean of training; float64, shape (sample, candidate)."""
        used = np.flatnonzero(np.any(weights != 0, axis=1))
        dosage = np.where(X[:, used] < 0, self.mean_[used], X[:, used])
        return dosage @ np.asarray(weights, dtype=np.float64)[used]

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, 2)."""
        positive = expit(self.intercept_ + self.slope_ * self.score(X, self.weight_[:, None])[:, 0])
        return np.column_stack([1 - positive, positive])


def _targets(index: np.ndarray, n: int) -> np.ndarray:
    return np.repeat(index[:, None].astype(np.float64), n, axis=1)
