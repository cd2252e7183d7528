"""Ridge regression of a measurement on all dosages: GBLUP as animal breeders use it."""

import numpy as np
from scipy.special import ndtr
from sklearn.base import BaseEstimator, RegressorMixin

from gds.classifiers.inner_folds import inner_folds
from gds.classifiers.linear.kernel_ridge import HERITABILITIES, fit_ridge
from gds.classifiers.linear.standardised import DosageScaler
from gds.errors import UserError


class QuantitativeRidge(RegressorMixin, BaseEstimator):
    """Predict a measurement, and from it whether it lies above a threshold.

    The model is that of :class:`~gds.classifiers.linear.ridge.DosageRidge` with the values themselves in place of
    class indicators: cutting a measurement in two throws away how far above or below people are. The share
    of variance that variants explain is chosen by squared error over folds of the labelled people; their
    held-out residuals give the spread of a prediction.

    Parameters
    ----------
    heritability
        Share h2, or None: choose.
    window, chromosome, candidates
        As of :class:`~gds.classifiers.linear.ridge.DosageRidge`.
    n_folds
        Folds of the labelled people, stratified by terciles of the value.
    seed
        Seed of the folds.

    Attributes
    ----------
    heritability_ : float
        The share used.
    residual_sd_ : float
        Standard deviation of held-out residuals; of the values where no folds were possible.
    coef_ : numpy.ndarray
        Effect of each standardised dosage, shape (variant, 1).
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
    ) -> "QuantitativeRidge":
        """Fit on people with a value.

        Parameters
        ----------
        X
            Dosages, int8, shape (sample, variant), -1 missing.
        y
            Values, float, shape (sample,); none missing.
        unlabelled
            Dosages of further training people, for means and scales of variants.
        groups
            Families, kept within one fold.

        Raises
        ------
        UserError
            A value is missing, or all are equal.
        """
        values = np.asarray(y, dtype=np.float64)
        if values.shape != (len(X),) or not np.isfinite(values).all() or np.ptp(values) == 0:
            raise UserError(
                f"expected {len(X)} numbers that are not all equal, one a person and none missing; found shape "
                f"{values.shape} with {int(np.isnan(values).sum())} missing"
            )
        self.scaler_ = DosageScaler().fit([X] if unlabelled is None else [X, unlabelled])
        third = np.searchsorted(np.quantile(values, [1 / 3, 2 / 3]), values)
        fit = fit_ridge(
            self.scaler_, X, values[:, None], inner_folds(third, self.n_folds, groups=groups, seed=self.seed),
            self.candidates if self.heritability is None else (self.heritability,),
            window=self.window, chromosome=self.chromosome,
        )  # fmt: skip
        self.heritability_ = fit.heritability
        self.coef_, self.intercept_ = fit.coef, float(fit.intercept[0])
        self.residual_sd_ = float(np.sqrt(fit.errors.min()) if len(fit.errors) else values.std())
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predicted values, shape (sample,)."""
        return self.scaler_.project([X], self.coef_)[:, 0] + self.intercept_

    def predict_proba(self, X: np.ndarray, threshold: float) -> np.ndarray:
        """Probabilities of a value up to the threshold and above it, normal about the prediction.

        Returns
        -------
        numpy.ndarray
            Shape (sample, 2).
        """
        above = ndtr((self.predict(X) - threshold) / self.residual_sd_)
        return np.column_stack([1 - above, above])
