"""The simple methods that everything is compared with, and a table of them all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from gds.classifiers.covariates import CovariateClassifier
from gds.classifiers.hwe_mixture import HWEMixture
from gds.classifiers.on_components import LogisticOnPCs, ShrinkageLDA
from gds.classifiers.ridge import DosageRidge
from gds.classifiers.tuned_logistic import LogisticProbe, class_indices

__all__ = [
    "METHODS", "CovariateClassifier", "DosageRidge", "HWEMixture", "LogisticOnPCs", "LogisticProbe", "Method",
    "PriorClassifier", "ShrinkageLDA",
]  # fmt: skip


class PriorClassifier(ClassifierMixin, BaseEstimator):
    """Chance: everyone gets the class frequencies of the labelled people."""

    def fit(self, X: Any, y: np.ndarray) -> "PriorClassifier":
        """Count the classes.

        Parameters
        ----------
        X
            Anything; not looked at.
        y
            Labels, shape (sample,).
        """
        self.classes_, index = class_indices(y)
        self.frequency_ = np.bincount(index) / len(index)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The same row for everyone, shape (sample, class)."""
        return np.tile(self.frequency_, (len(X), 1))

    def predict(self, X: Any) -> np.ndarray:
        """The most frequent class, shape (sample,)."""
        return np.repeat(self.classes_[self.frequency_.argmax()], len(X))


@dataclass(frozen=True)
class Method:
    """One row of the table of methods.

    Attributes
    ----------
    description
        One line for a table or a help text.
    make
        Makes an unfitted estimator from a seed.
    reads
        ``"nothing"``, ``"covariates"`` (DataFrame), ``"dosages"`` (int8) or ``"features"`` (float).
    uses_unlabelled
        Whether ``fit`` takes ``unlabelled`` dosages.
    """

    description: str
    make: Callable[[int], Any]
    reads: str
    uses_unlabelled: bool = False


METHODS: dict[str, Method] = {
    "chance": Method("class frequencies of the labelled people", lambda seed: PriorClassifier(), "nothing"),
    "covariates": Method(
        "logistic regression on covariates", lambda seed: CovariateClassifier(seed=seed), "covariates"
    ),
    "logistic on PCs": Method(
        "logistic regression on principal components of all training people",
        lambda seed: LogisticOnPCs(seed=seed), "dosages", True,
    ),
    "ridge on dosages": Method(
        "GBLUP: ridge regression on all standardised dosages", lambda seed: DosageRidge(seed=seed), "dosages", True
    ),
    "LDA on PCs": Method(
        "shrinkage discriminant analysis on 25 principal components",
        lambda seed: ShrinkageLDA(seed=seed), "dosages", True,
    ),
    "HWE mixture": Method(
        "Hardy-Weinberg mixture with a low-rank prior, no EM",
        lambda seed: HWEMixture(n_iterations=0, seed=seed), "dosages", True,
    ),
    "HWE-EM": Method(
        "Hardy-Weinberg mixture with a low-rank prior and tempered EM over unlabelled people",
        lambda seed: HWEMixture(seed=seed), "dosages", True,
    ),
    "probe": Method("logistic regression on embeddings", lambda seed: LogisticProbe(seed=seed), "features"),
}  # fmt: skip
