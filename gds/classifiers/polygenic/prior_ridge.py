"""Ridge regression that shrinks towards published effects instead of towards zero: a few-label prior."""

import numpy as np

from gds.classifiers.inner_folds import inner_folds
from gds.classifiers.linear.kernel_ridge import (
    DEFAULT_HERITABILITY,
    HERITABILITIES,
    dual_path,
    held_out_scores,
)
from gds.classifiers.linear.ridge import DosageRidge, fit_calibration
from gds.classifiers.linear.standardised import DosageScaler
from gds.classifiers.linear.tuned_logistic import class_indices
from gds.errors import UserError

AMOUNTS = (1.0, 0.0, 0.25, 0.5, 2.0)  # the first is kept unless another is clearly better


class PriorRidge(DosageRidge):
    """Effects b of standardised dosages with prior N(c sd(y) b0, I): b0 published, the amount c chosen by labels.

    With the offset o = Z b0 sd(y), the minimum of |y - Z b|^2 + lambda m |b - c sd(y) b0|^2 is c sd(y) b0 plus the
    ridge regression of y - c o. That is linear in c, so that the folds of :class:`DosageRidge` give the held-out
    error of every pair (c, h2) at the price of one more target. c = 0 is :class:`DosageRidge`; c = 1 and h2 near 0 is
    the published score; joint effects in units of correlation
    (:mod:`gds.classifiers.polygenic.effect_shrinkage`) are of the right size where half the
    labelled people are cases. c is the first amount, 1, unless another one, each at its best
    h2, has a lower held-out error by more than one standard error of the difference: a hundred labels are too few to
    argue with a large study for less. Without possible folds h2 is 0.5.

    Parameters
    ----------
    prior
        Joint effects b0 of standardised dosages on the standardised class, (variant,).
    amounts
        Values of c to choose among, the default first.
    candidates, n_folds, seed
        As of :class:`DosageRidge`.

    Attributes
    ----------
    amount_, heritability_ : float
        c and h2 as chosen.
    held_out_error_ : numpy.ndarray
        Mean squared error, shape (amount, heritability); empty where there were no folds.
    coef_ : numpy.ndarray
        Effect of each standardised dosage on the class indicator, prior included, (variant, 1).
    """

    def __init__(
        self,
        prior: np.ndarray,
        *,
        amounts: tuple[float, ...] = AMOUNTS,
        candidates: tuple[float, ...] = HERITABILITIES,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__(candidates=candidates, n_folds=n_folds, seed=seed)
        self.prior = prior
        self.amounts = amounts

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> "PriorRidge":
        """As :meth:`DosageRidge.fit`, of two classes.

        Raises
        ------
        UserError
            There are more than two classes.
        """
        self.classes_, index = class_indices(y)
        if len(self.classes_) != 2:
            raise UserError(
                f"published effects are on one disease: expected two classes, found {len(self.classes_)}"
            )
        self.scaler_ = DosageScaler().fit([X] if unlabelled is None else [X, unlabelled])
        K = self.scaler_.kernel([X])
        target = index.astype(np.float64)[:, None]
        prior = np.asarray(self.prior, dtype=np.float64)[:, None] * target.std()
        both = np.concatenate([target, self.scaler_.project([X], prior)], axis=1)
        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        self.amount_, self.heritability_ = self.amounts[0], DEFAULT_HERITABILITY
        self.held_out_error_, self.calibration_ = np.empty((0, 0)), None
        if folds:
            rows, scores = held_out_scores(K, both, folds, self.candidates)
            # What ridge does not see of the offset is added back whole.
            unseen = both[rows, 1] - scores[:, :, 1]
            held_out = np.stack([scores[:, :, 0] + c * unseen for c in self.amounts])
            errors = (held_out - both[rows, 0]) ** 2
            self.held_out_error_ = errors.mean(axis=2)
            amount, share = self._choose(errors)
            self.amount_, self.heritability_ = self.amounts[amount], self.candidates[share]
            self.calibration_ = fit_calibration(held_out[amount, share][:, None], both[rows, :1])
        self.penalty_ = (1 - self.heritability_) / self.heritability_
        residual = both[:, :1] - self.amount_ * both[:, 1:]
        duals = dual_path(K, residual - residual.mean(), [self.heritability_])[0]
        self.coef_ = self.scaler_.back_project([X], duals) / self.scaler_.n_varying + self.amount_ * prior
        self.intercept_ = residual.mean(axis=0) - (K @ duals).mean(axis=0)
        return self

    @staticmethod
    def _choose(errors: np.ndarray) -> tuple[int, int]:
        """Amount and heritability by the squared errors of held-out people, (amount, heritability, sample)."""
        shares = errors.mean(axis=2).argmin(axis=1)
        at_best = errors[np.arange(len(errors)), shares]
        gain = at_best[0] - at_best
        clear = gain.mean(axis=1) > gain.std(axis=1) / np.sqrt(gain.shape[1])
        amount = int(np.where(clear, at_best.mean(axis=1), np.inf).argmin()) if clear.any() else 0
        return amount, int(shares[amount])
