"""Several calibrated methods as one."""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from scipy.special import softmax

from gds.classifiers.base import Candidate, PeopleClassifier
from gds.classifiers.linear.tuned_logistic import class_indices

SMALLEST_PROBABILITY = 1e-6  # one method that is sure and wrong must not decide


def mean_log_posterior(probabilities: Sequence[np.ndarray], *, product: bool = False) -> np.ndarray:
    """Class probabilities of an ensemble: the geometric mean of its members', normalised.

    Parameters
    ----------
    probabilities
        Of each member, for the same people and classes, shape (sample, class).
    product
        The product instead of the geometric mean: right for members whose errors are independent, too sure otherwise.
        The most probable class is the same.

    Returns
    -------
    numpy.ndarray
        Shape (sample, class).
    """
    total = sum(np.log(np.maximum(member, SMALLEST_PROBABILITY)) for member in probabilities)
    return softmax(total if product else total / len(probabilities), axis=1)


class Ensemble(PeopleClassifier):
    """The geometric mean of the class probabilities of several methods, each fitted on the same people.

    Parameters
    ----------
    members
        By name. Those that read haplotypes and those that read dosages may be mixed where people are given
        as haplotypes.

    Attributes
    ----------
    models_ : dict
        The fitted members.
    """

    def __init__(self, members: Mapping[str, Candidate]) -> None:
        self.members = members

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> Self:
        """Fit every member.

        Parameters
        ----------
        X
            Dosages of labelled people, int8, shape (sample, variant), or haplotypes, (sample, variant, 2); -1 missing.
        y
            Labels, shape (sample,).
        unlabelled
            The same of further training people.
        groups
            Families of the labelled people, kept within one fold.
        """
        self.classes_, index = class_indices(y)
        self.models_ = {
            name: member.fitted(X, index, unlabelled, groups) for name, member in self.members.items()
        }
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return mean_log_posterior(
            [model.predict_proba(self.members[name].view(X)) for name, model in self.models_.items()]
        )
