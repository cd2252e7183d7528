"""What allele frequencies a class is expected to have before its few members are counted."""

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np

from gds.classifiers.principal_components import DosagePCA

SMALLEST_FREQUENCY = 0.005


class FrequencyPrior(Protocol):
    """Anything that learns from unlabelled genotypes what a class of given people should look like.

    The low-rank prior below is one; a pre-trained model that returns each person's expected genotype
    given what is visible is another.
    """

    def fit(self, parts: Sequence[np.ndarray]) -> Self:
        """Learn from the dosages of training people, labelled or not; int8, shape (sample, variant)."""

    def class_frequency(self, weights: np.ndarray) -> np.ndarray:
        """Expected frequency of each effect allele in each class, within (0, 1).

        Parameters
        ----------
        weights
            How much of each person of ``parts``, in their order, belongs to each class; shape (sample, class).

        Returns
        -------
        numpy.ndarray
            Shape (class, variant).
        """

    def forget_people(self) -> None:
        """Drop whatever is kept about single people; ``class_frequency`` is not called again."""


class LowRankPrior:
    """Class means on the leading principal components, transformed back to allele frequencies.

    Populations differ along few directions. Projecting a class mean on the components of all training
    people keeps those and throws away the noise of a mean of few people.

    Parameters
    ----------
    n_components
        Components kept.
    seed
        Of the component solver, where it iterates.
    """

    def __init__(self, n_components: int = 12, seed: int = 0) -> None:
        self.n_components = n_components
        self.seed = seed

    def fit(self, parts: Sequence[np.ndarray]) -> "LowRankPrior":
        """Fit components on everyone and score them."""
        self.pca_ = DosagePCA(self.n_components, seed=self.seed).fit(parts)
        self._scores: np.ndarray | None = self.pca_.scaler_.project(parts, self.pca_.loadings_)
        return self

    def class_frequency(self, weights: np.ndarray) -> np.ndarray:
        """See :class:`FrequencyPrior`."""
        assert self._scores is not None, "the people have been forgotten"
        size = np.maximum(weights.sum(axis=0), 1e-9)
        centre = (weights.T @ self._scores) / size[:, None]
        scaler = self.pca_.scaler_
        # Standardising multiplied by scale; variants that do not vary have scale 0 and keep their mean.
        spread = np.where(scaler.scale_ > 0, 1 / np.where(scaler.scale_ > 0, scaler.scale_, 1), 0)
        dosage = scaler.mean_ + (centre @ self.pca_.loadings_.T) * spread
        return np.clip(dosage / 2, SMALLEST_FREQUENCY, 1 - SMALLEST_FREQUENCY)

    def forget_people(self) -> None:
        """See :class:`FrequencyPrior`."""
        self._scores = None
