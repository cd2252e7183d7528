"""The simple methods that everything is compared with, and a table of them all."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from gds.classifiers.augmentation import CONTROLS, AugmentedRidge
from gds.classifiers.boosted_trees import BoostedTrees
from gds.classifiers.components.on_components import LogisticOnPCs, ShrinkageLDA
from gds.classifiers.components.representation import PCScores, RepresentationClassifier
from gds.classifiers.covariates import CovariateClassifier
from gds.classifiers.haplotypes.copying_graph import CopyingLabelSpreading
from gds.classifiers.haplotypes.copying_profile import CopyingProfile
from gds.classifiers.haplotypes.haplotype_directions import HaplotypeDirections
from gds.classifiers.haplotypes.windowed_propagation import WindowedPropagation
from gds.classifiers.label_spreading import LabelSpreading
from gds.classifiers.linear.lasso import DosageLasso
from gds.classifiers.linear.quantitative_ridge import QuantitativeRidge
from gds.classifiers.linear.ridge import DosageRidge
from gds.classifiers.linear.tuned_logistic import LogisticProbe, class_indices
from gds.classifiers.mixtures.gaussian_mixture import GaussianMixture
from gds.classifiers.mixtures.hwe_mixture import HWEMixture
from gds.classifiers.mixtures.tuned_hwe_mixture import TunedHWEMixture

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
        ``"nothing"``, ``"covariates"`` (DataFrame), ``"dosages"`` (int8, (sample, variant)), ``"haplotypes"``
        (int8, (sample, variant, 2)), ``"values"`` (dosages, with measurements for labels and a threshold for
        ``predict_proba``) or ``"features"`` (float).
    uses_unlabelled
        Whether ``fit`` takes ``unlabelled`` dosages.
    """

    description: str
    make: Callable[[int], Any]
    reads: str
    uses_unlabelled: bool = False


def _augmented(control: str, seed: int) -> AugmentedRidge:
    return AugmentedRidge(control, seed=seed)


WEIGHT_WINDOW = 50  # variants; not tuned

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
    "ridge on dosages, weighted": Method(
        "GBLUP with variants weighted by the effects around them",
        lambda seed: DosageRidge(window=WEIGHT_WINDOW, seed=seed), "dosages", True,
    ),
    "ridge on values": Method(
        "GBLUP of the measurement whose threshold makes the classes",
        lambda seed: QuantitativeRidge(seed=seed), "values", True,
    ),
    "ridge on values, weighted": Method(
        "the same with variants weighted by the effects around them",
        lambda seed: QuantitativeRidge(window=WEIGHT_WINDOW, seed=seed), "values", True,
    ),
    "L1 logistic on dosages": Method(
        "logistic regression in which most variants have no effect",
        lambda seed: DosageLasso(seed=seed), "dosages", True,
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
    "HWE-EM, tuned": Method(
        "HWE-EM whose constants are chosen by folds of the labels",
        lambda seed: TunedHWEMixture(seed=seed), "dosages", True,
    ),
    "boosted trees": Method(
        "LightGBM on 20 principal components (extra: trees)",
        lambda seed: BoostedTrees(seed=seed), "dosages", True,
    ),
    "mixture on PCs": Method(
        "Gaussian mixture with EM over unlabelled people on 12 principal components",
        lambda seed: RepresentationClassifier(PCScores(12, seed), GaussianMixture(seed=seed)), "dosages", True,
    ),
    "label spreading on PCs": Method(
        "labels spread over the nearest neighbours on 12 principal components",
        lambda seed: RepresentationClassifier(PCScores(12, seed), LabelSpreading(seed=seed)), "dosages", True,
    ),
    **{
        f"ridge + {control}": Method(
            f"ridge on dosages with as many synthetic people, by {control}: a control of augmentation",
            partial(_augmented, control), "dosages", True,
        )
        for control in CONTROLS
    },
    "copying profile": Method(
        "whom haplotypes are copied from (Li-Stephens): 10 components, Gaussian mixture with EM",
        lambda seed: RepresentationClassifier(
            CopyingProfile(seed=seed), GaussianMixture(shared_covariance=False, seed=seed)
        ),
        "haplotypes", True,
    ),
    "windowed propagation": Method(
        "labels passed on along what is copied, window by window",
        lambda seed: WindowedPropagation(seed=seed), "haplotypes", True,
    ),
    "wide propagation": Method(
        "the same by windows four times as long",
        lambda seed: WindowedPropagation(join=4, seed=seed), "haplotypes", True,
    ),
    "copying graph": Method(
        "label spreading on the graph of who copies from whom",
        lambda seed: CopyingLabelSpreading(seed=seed), "haplotypes", True,
    ),
    "haplotype directions": Method(
        "directions in which a person's two haplotypes agree, Gaussian classes",
        lambda seed: RepresentationClassifier(HaplotypeDirections(), GaussianMixture(n_iterations=0, seed=seed)),
        "haplotypes", True,
    ),
    "probe": Method("logistic regression on embeddings", lambda seed: LogisticProbe(seed=seed), "features"),
}  # fmt: skip
