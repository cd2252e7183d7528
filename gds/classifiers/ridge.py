"""Ridge regression on all dosages at once: GBLUP, the classifier to beat for polygenic diseases."""

import numpy as np
from scipy.linalg import eigh
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin

from gds.classifiers.inner_folds import Folds, inner_folds
from gds.classifiers.standardised import DosageScaler
from gds.classifiers.tuned_logistic import class_indices

HERITABILITIES = (0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97)
DEFAULT_HERITABILITY = 0.5  # where nothing can be chosen: a class with a single member
SMALLEST_SLOPE = 0.01


class DosageRidge(ClassifierMixin, BaseEstimator):
    """Every variant with a small effect: ridge regression of class indicators on standardised dosages.

    With relationship matrix K = Z Z' / m and penalty lambda = (1 - h2) / h2 the fitted values are
    K (K + lambda I)^-1 y, the best linear unbiased prediction when all variants together explain a share
    h2 of the variance (GBLUP; VanRaden 2008). The dual form costs one pass over the variants and
    one eigendecomposition of the labelled people a fold, however many variants there are.

    h2 is the one with the lowest squared error over folds of the labelled people. The held-out scores of those
    folds then calibrate: logistic regression of the class on the score, one class against the rest, rows normalised.
    The slope is kept at 0.01 a standard deviation or above: where held-out scores point the wrong way, which is
    chance, the probabilities are close to the class frequencies but people keep their order.
    Without possible folds h2 is 0.5 and the scores are read as probabilities of a linear model, clipped to 1 ... 99 %.

    Parameters
    ----------
    heritability
        Share h2, or None: choose.
    candidates
        Shares to choose among.
    n_folds
        Folds of the labelled people.
    seed
        Seed of the folds.

    Attributes
    ----------
    heritability_, penalty_ : float
        The share used and its lambda.
    held_out_error_ : numpy.ndarray
        Mean squared error of each candidate over the folds; empty where there were none.
    coef_ : numpy.ndarray
        Effect of each standardised dosage on each class indicator (two classes: on the second), shape (variant, score).
    """

    def __init__(
        self,
        heritability: float | None = None,
        *,
        candidates: tuple[float, ...] = HERITABILITIES,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.heritability = heritability
        self.candidates = candidates
        self.n_folds = n_folds
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> "DosageRidge":
        """Fit on labelled people.

        Parameters
        ----------
        X
            Dosages of labelled people, int8, shape (sample, variant), -1 missing.
        y
            Labels, shape (sample,).
        unlabelled
            Dosages of further training people: means and scales of variants are taken over everyone.
        groups
            Families, kept within one fold.
        """
        self.classes_, index = class_indices(y)
        self.scaler_ = DosageScaler().fit([X] if unlabelled is None else [X, unlabelled])
        K = self.scaler_.kernel([X])
        targets = (index[:, None] == np.arange(len(self.classes_))).astype(np.float64)
        if len(self.classes_) == 2:
            targets = targets[:, 1:]
        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        candidates = self.candidates if self.heritability is None else (self.heritability,)
        self.held_out_error_ = np.empty(0)
        self.calibration_: tuple[np.ndarray, np.ndarray] | None = None
        if folds:
            rows, scores = held_out_scores(K, targets, folds, candidates)
            self.held_out_error_ = ((scores - targets[rows]) ** 2).mean(axis=(1, 2))
            best = int(self.held_out_error_.argmin())
            self.heritability_ = candidates[best]
            self.calibration_ = fit_calibration(scores[best], targets[rows])
        else:
            self.heritability_ = DEFAULT_HERITABILITY if self.heritability is None else self.heritability
        self.penalty_ = (1 - self.heritability_) / self.heritability_
        self.intercept_ = targets.mean(axis=0)
        duals = dual_path(K, targets - self.intercept_, [self.heritability_])[0]
        self.coef_ = self.scaler_.back_project([X], duals) / self.scaler_.n_varying
        # Scores of the centred kernel differ from those of K by a constant.
        self.intercept_ = self.intercept_ - (K @ duals).mean(axis=0)
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Predicted class indicators before calibration, shape (sample, score)."""
        return self.scaler_.project([X], self.coef_) + self.intercept_

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        score = self.decision_function(X)
        if self.calibration_ is None:
            probability = np.clip(score, 0.01, 0.99)
        else:
            probability = expit(self.calibration_[0] + self.calibration_[1] * score)
        if len(self.classes_) == 2:
            probability = np.column_stack([1 - probability, probability])
        return probability / probability.sum(axis=1, keepdims=True)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Most probable class, shape (sample,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def dual_path(K: np.ndarray, targets: np.ndarray, heritabilities: tuple | list) -> list[np.ndarray]:
    """Weights of people for each heritability: (HKH + lambda I)^-1 y, H centring; each (sample, score)."""
    centred = K - K.mean(axis=0)
    centred = centred - centred.mean(axis=1, keepdims=True)
    values, vectors = eigh(centred)
    rotated = vectors.T @ targets
    shrunk = [vectors @ (rotated / (np.maximum(values, 0) + (1 - h2) / h2)[:, None]) for h2 in heritabilities]
    return [duals - duals.mean(axis=0) for duals in shrunk]


def held_out_scores(
    K: np.ndarray, targets: np.ndarray, folds: Folds, heritabilities: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Rows held out over all folds, and their scores, shape (candidate, held_out, score)."""
    parts = []
    for train, held_out in folds:
        mean = targets[train].mean(axis=0)
        within = K[np.ix_(train, train)]
        across = K[np.ix_(held_out, train)] - within.mean(axis=0)
        duals = dual_path(within, targets[train] - mean, heritabilities)
        parts.append(np.stack([mean + across @ each for each in duals]))
    return np.concatenate([held_out for _, held_out in folds]), np.concatenate(parts, axis=1)


def fit_calibration(scores: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intercept and slope of each score: Platt's logistic regression on held-out scores."""
    from sklearn.linear_model import LogisticRegression

    intercepts, slopes = [], []
    for score, target in zip(scores.T, targets.T, strict=True):
        spread = max(score.std(), 1e-12)
        standard = (score - score.mean()) / spread
        slope, intercept = 0.0, logit(np.clip(target.mean(), 0.01, 0.99))
        if 0 < target.sum() < len(target):
            model = LogisticRegression(C=1.0).fit(standard[:, None], target)
            slope, intercept = model.coef_[0, 0], model.intercept_[0]
        if slope < SMALLEST_SLOPE:
            slope, intercept = SMALLEST_SLOPE, logit(np.clip(target.mean(), 0.01, 0.99))
        slopes.append(slope / spread)
        intercepts.append(intercept - slope / spread * score.mean())
    return np.array(intercepts), np.array(slopes)
