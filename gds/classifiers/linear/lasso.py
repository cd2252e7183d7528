"""Few variants with an effect: L1-penalised logistic regression on dosages."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from scipy.special import softmax

from gds.classifiers.base import PeopleClassifier
from gds.classifiers.inner_folds import held_out_loss, inner_folds
from gds.classifiers.linear.standardised import DosageScaler
from gds.classifiers.linear.tuned_logistic import class_indices

PENALTIES = tuple(10.0 ** np.linspace(-0.2, -1.6, 5))  # of the smallest that leaves no variant in the model
DEFAULT_PENALTY = PENALTIES[1]


class DosageLasso(PeopleClassifier):
    """Multinomial logistic regression on standardised dosages with an L1 penalty: most effects are 0.

    Minimises mean log-loss + penalty * sum |effect|; intercepts are free. The penalty has the lowest log-loss over
    folds of the labelled people, as a share of the smallest penalty at which no variant enters; without possible
    folds the share is :data:`DEFAULT_PENALTY`. Where there are more than ``max_variants``, those with the
    smallest correlation with the classes are left out, anew in every training part.

    Parameters
    ----------
    penalties
        Shares to choose among.
    max_variants
        Variants that may enter.
    tolerance
        Largest violation of the optimality conditions, as a share of the penalty at which no variant enters.
    n_folds, seed
        Folds of the labelled people.

    Attributes
    ----------
    penalty_ : float
        The share used.
    variants_ : numpy.ndarray
        Columns that could enter.
    coef_, intercept_ : numpy.ndarray
        Effects of standardised dosages, shape (variant, class), and (class,).

    Notes
    -----
    Tibshirani 1996, JRSS B 58:267-288; screening as in Fan and Lv 2008, JRSS B 70:849-911.
    """

    def __init__(
        self,
        *,
        penalties: Sequence[float] = PENALTIES,
        max_variants: int = 20_000,
        tolerance: float = 1e-2,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.penalties = penalties
        self.max_variants = max_variants
        self.tolerance = tolerance
        self.n_folds = n_folds
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> Self:
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
        targets = np.eye(len(self.classes_), dtype=np.float32)[index]
        path = sorted(self.penalties, reverse=True)
        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        self.penalty_ = DEFAULT_PENALTY
        if folds:

            def candidates(train: np.ndarray, held_out: np.ndarray) -> list[np.ndarray]:
                Z, variants = self._screened(X[train], targets[train])
                inside = self._standardised(X[held_out], variants)
                fits = lasso_path(Z, targets[train], path, self.tolerance)
                return [softmax(inside @ coef + intercept, axis=1) for coef, intercept in fits]

            loss, _ = held_out_loss(index, folds, candidates)
            self.penalty_ = path[int(loss.argmin())]
        Z, self.variants_ = self._screened(X, targets)
        # Warm starts along the path make the last penalty cheap.
        down_to = [share for share in path if share > self.penalty_] + [self.penalty_]
        self.coef_, self.intercept_ = lasso_path(Z, targets, down_to, self.tolerance)[-1]
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return softmax(self._standardised(X, self.variants_) @ self.coef_ + self.intercept_, axis=1)

    def _screened(self, X: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Standardised dosages of the variants that may enter, and their columns."""
        gradient = np.abs(self.scaler_.back_project([X], targets - targets.mean(axis=0))).max(axis=1)
        kept = np.sort(np.argsort(-gradient, kind="stable")[: self.max_variants])
        return self._standardised(X, kept), kept

    def _standardised(self, X: np.ndarray, variants: np.ndarray) -> np.ndarray:
        wanted = np.zeros(len(self.scaler_.mean_), dtype=bool)
        wanted[variants] = True
        return np.concatenate([z[:, wanted[columns]] for columns, z in self.scaler_.tiles([X])], axis=1)


def lasso_path(
    Z: np.ndarray, targets: np.ndarray, shares: Sequence[float], tolerance: float, max_iterations: int = 500
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Effects and intercepts at each penalty, from the largest on, each started from the one before.

    Accelerated proximal gradient with restarts (Beck and Teboulle 2009, SIAM J. Imaging Sci. 2:183-202;
    O'Donoghue and Candes 2015, Found. Comput. Math. 15:715-732). The curvature of the mean multinomial log-loss is at
    most half the largest eigenvalue of Z'Z / n (Boehning 1992).

    Parameters
    ----------
    Z
        Standardised dosages, float32, shape (sample, variant).
    targets
        Class indicators, float32, shape (sample, class).
    shares
        Penalties, falling, as shares of the smallest at which all effects are 0.
    tolerance
        Largest violation of the optimality conditions, as such a share.
    """
    n = np.float32(len(Z))
    at_null = float(np.abs(Z.T @ (targets - targets.mean(axis=0))).max() / n)
    step = np.float32(2 * n / max(np.linalg.eigvalsh(Z @ Z.T + 1)[-1], 1e-12))
    coef = np.zeros((Z.shape[1], targets.shape[1]), dtype=np.float32)
    intercept = np.log(np.maximum(targets.mean(axis=0), 1e-6))
    fits = []
    for share in shares:
        penalty = np.float32(share * at_null)
        ahead, ahead_intercept, momentum = coef, intercept, 1.0
        for _ in range(max_iterations):
            residual = (softmax(Z @ ahead + ahead_intercept, axis=1) - targets) / n
            moved = ahead - step * (Z.T @ residual)
            new = np.sign(moved) * np.maximum(np.abs(moved) - step * penalty, 0)
            new_intercept = ahead_intercept - step * residual.sum(axis=0)
            # How far a proximal step moves is, over its length, the violation of the optimality conditions.
            violation = max(np.abs(new - ahead).max(), np.abs(new_intercept - ahead_intercept).max()) / step
            uphill = ((ahead - new) * (new - coef)).sum() > 0
            following = 1.0 if uphill else (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            weight = np.float32(0 if uphill else (momentum - 1) / following)
            ahead = new + weight * (new - coef)
            ahead_intercept = new_intercept + weight * (new_intercept - intercept)
            coef, intercept, momentum = new, new_intercept, following
            if violation <= tolerance * at_null:
                break
        fits.append((coef, intercept))
    return fits
