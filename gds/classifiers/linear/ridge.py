"""Ridge regression on all dosages at once: GBLUP, the classifier to beat for polygenic diseases."""

import numpy as np
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin

from gds.classifiers.inner_folds import inner_folds
from gds.classifiers.linear.kernel_ridge import HERITABILITIES, fit_ridge
from gds.classifiers.linear.standardised import DosageScaler
from gds.classifiers.linear.tuned_logistic import class_indices

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

    With a ``window`` variants are weighted by the effects around them, found by a first ridge regression of the same
    people (:mod:`gds.classifiers.linear.variant_weights`), and K becomes Z W Z' / sum(w).

    Parameters
    ----------
    heritability
        Share h2, or None: choose.
    window
        Variants of a window of weights; None: equal weights.
    chromosome
        Of each variant, so that no window crosses from one to the next; None: all are of one.
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
        Mean squared error of each candidate over the folds, empty where there were none.
    coef_ : numpy.ndarray
        Effect of each standardised dosage on each class indicator (two classes: on the second), shape (variant, score).
    """

    def __init__(
        self,
        heritability: float | None = None,
        *,
        window: int | None = None,
        chromosome: np.ndarray | None = None,
        candidates: tuple[float, ...] = HERITABILITIES,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.heritability = heritability
        self.window = window
        self.chromosome = chromosome
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
        targets = (index[:, None] == np.arange(len(self.classes_))).astype(np.float64)
        if len(self.classes_) == 2:
            targets = targets[:, 1:]
        fit = fit_ridge(
            self.scaler_, X, targets, inner_folds(index, self.n_folds, groups=groups, seed=self.seed),
            self.candidates if self.heritability is None else (self.heritability,),
            window=self.window, chromosome=self.chromosome,
        )  # fmt: skip
        self.heritability_ = fit.heritability
        self.penalty_ = (1 - fit.heritability) / fit.heritability
        self.coef_, self.intercept_, self.held_out_error_ = fit.coef, fit.intercept, fit.errors
        self.calibration_ = fit_calibration(fit.scores, targets[fit.held_out]) if len(fit.held_out) else None
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
