r"""Logistic regression on a relationship matrix, beside an offset: what genotypes add to what is known already.

    logit P(y = 1) = o + b + f,    f = K a,

o the offset (what covariates say, on the logit scale), b an unpenalised intercept and f the genetic part with the
ridge penalty f' K^-1 f / (2 C): with K = Z Z' it is ridge logistic regression on the columns of Z, without ever
holding them. With C towards 0 the offset alone remains.
"""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import eigh
from scipy.special import expit

from gds.classifiers.inner_folds import held_out_loss, inner_folds
from gds.classifiers.linear.tuned_logistic import class_indices

PENALTIES = tuple(10.0 ** np.arange(-4, 3))
DEFAULT_C = 0.01  # where a class has a single member, so that nothing can be chosen
_MAX_STEPS = 100


class OffsetLogistic:
    """The penalty has the lowest log-loss over folds of the labelled people, offset included.

    Parameters
    ----------
    C
        Inverse penalty; None: choose.
    candidates
        Inverse penalties to choose among.
    n_folds, seed
        Of the folds.

    Attributes
    ----------
    C_ : float
        The inverse penalty used.
    intercept_ : float
        b.
    weights_ : numpy.ndarray
        a, float64 (sample,).
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
        self, kernel: np.ndarray, y: np.ndarray, offset: np.ndarray, groups: np.ndarray | None = None
    ) -> "OffsetLogistic":
        """Fit on labelled people.

        Parameters
        ----------
        kernel
            Relationship of the labelled people, mean diagonal about 1, (sample, sample).
        y
            Labels of two classes, (sample,).
        offset
            Logit of class 1 before genotypes, (sample,); of people who did not teach it.
        groups
            Families, kept within one fold.
        """
        self.classes_, index = class_indices(y)
        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed) if self.C is None else []
        self.C_ = self.C or DEFAULT_C
        if folds:
            ordered = sorted(self.candidates)

            def path(train: np.ndarray, held_out: np.ndarray) -> list[np.ndarray]:
                found = []
                for C in ordered:
                    weights, b = _fit(kernel[np.ix_(train, train)], index[train], offset[train], C)
                    found.append(expit(offset[held_out] + b + kernel[np.ix_(held_out, train)] @ weights))
                return [np.column_stack([1 - p, p]) for p in found]

            self.C_ = float(ordered[int(held_out_loss(index, folds, path)[0].argmin())])
        self.weights_, self.intercept_ = _fit(kernel, index, offset, self.C_)
        return self

    def genetic_part(self, kernel: np.ndarray) -> np.ndarray:
        """f of people from their relationship with the labelled ones, (person, sample); (person,)."""
        return np.asarray(kernel @ self.weights_)

    def predict_proba(self, kernel: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Class probabilities with the offset, (person, class)."""
        p = expit(offset + self.intercept_ + self.genetic_part(kernel))
        return np.column_stack([1 - p, p])


def _fit(kernel: np.ndarray, y: np.ndarray, offset: np.ndarray, C: float) -> tuple[np.ndarray, float]:
    """Newton's method in the eigenvectors of the kernel: weights of people, and the intercept."""
    values, vectors = eigh(kernel)
    kept = values > 1e-9 * max(values[-1], 1e-300)
    root = np.sqrt(values[kept])
    design = np.column_stack([np.ones(len(y)), vectors[:, kept] * root])
    penalty = np.full(design.shape[1], 1 / C)
    penalty[0] = 0.0

    def loss(beta: np.ndarray) -> float:
        eta = offset + design @ beta
        return float(np.logaddexp(0, eta).sum() - y @ eta + penalty @ np.square(beta) / 2)

    beta = np.zeros(design.shape[1])
    now = loss(beta)
    for _ in range(_MAX_STEPS):
        fitted = expit(offset + design @ beta)
        gradient = design.T @ (y - fitted) - penalty * beta
        information = design.T @ (design * (fitted * (1 - fitted))[:, None])
        # Where every prediction is sure the intercept has no information left.
        information[np.diag_indices_from(information)] += penalty + 1e-10
        step = np.linalg.solve(information, gradient)
        while (after := loss(beta + step)) > now + 1e-12 * abs(now) and np.abs(step).max() > 1e-12:
            step = step / 2
        beta, improved, now = beta + step, now - after, after
        if improved < 1e-10 * max(1.0, abs(now)):
            break
    return vectors[:, kept] @ (beta[1:] / root), float(beta[0])
