"""What allele frequencies a class is expected to have before its few members are counted."""

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
from scipy.special import expit, logit

from gds.classifiers.components.principal_components import DosagePCA
from gds.classifiers.mixtures.expected_genotypes import ExpectedGenotypes

SMALLEST_FREQUENCY = 0.005


class FrequencyPrior(Protocol):
    """Anything that learns from unlabelled genotypes what a class of given people should look like.

    The low-rank prior below is one; the expected genotypes of a pre-trained model are another.
    """

    def fit(self, parts: Sequence[np.ndarray], variants: np.ndarray | None = None) -> Self:
        """Learn from training people, labelled or not.

        Parameters
        ----------
        parts
            Their dosages, int8, shape (sample, variant).
        variants
            Columns whose frequencies will be asked for, as a mask or indices; None: all.
        """

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

    def fit(self, parts: Sequence[np.ndarray], variants: np.ndarray | None = None) -> "LowRankPrior":
        """Fit components on everyone and score them; see :class:`FrequencyPrior`."""
        if variants is not None:
            parts = [part[:, variants] for part in parts]
        self.pca_ = DosagePCA(self.n_components, seed=self.seed).fit(parts)
        self._scores: np.ndarray | None = self.pca_.scaler_.project(parts, self.pca_.loadings_)
        return self

    def class_frequency(self, weights: np.ndarray) -> np.ndarray:
        """See :class:`FrequencyPrior`."""
        assert self._scores is not None, "the people have been forgotten"
        size = np.maximum(weights.sum(axis=0), 1e-9)
        centre = (weights.T @ self._scores) / size[:, None]
        dosage = self.pca_.reconstruct(centre)
        return np.clip(dosage / 2, SMALLEST_FREQUENCY, 1 - SMALLEST_FREQUENCY)

    def forget_people(self) -> None:
        """See :class:`FrequencyPrior`."""
        self._scores = None


class ExpectedGenotypePrior:
    """Classes whose frequencies are averages of what their people's genotypes are expected to be.

    A model that was pre-trained on unlabelled people predicts each person's dosages from the rest of its
    genome (:class:`~gds.classifiers.mixtures.expected_genotypes.NetworkExpectation`), which says more of its
    population than the one draw that was seen. With m the mean of logit expected frequency over
    the people of a class and l the frequency by :class:`LowRankPrior`, the class is expected to have

        share * expit(m) + (1 - share) * l

    Logits are averaged, because that is where the network's predictions are linear in evidence.

    Parameters
    ----------
    expected
        Of a pre-trained model, or
        :class:`~gds.classifiers.mixtures.expected_genotypes.ComponentExpectation`, its control.
    share
        Of the expected genotypes, 0 ... 1; the low-rank prior has the rest.
    n_components, seed
        Of the low-rank prior.
    """

    def __init__(
        self, expected: ExpectedGenotypes, share: float = 0.5, n_components: int = 12, seed: int = 0
    ) -> None:
        self.expected = expected
        self.share = share
        self.n_components = n_components
        self.seed = seed

    def fit(self, parts: Sequence[np.ndarray], variants: np.ndarray | None = None) -> "ExpectedGenotypePrior":
        """Ask for everyone's expected genotypes, given all variants, and fit the low-rank prior on those asked for."""
        self.low_rank_ = LowRankPrior(self.n_components, seed=self.seed).fit(parts, variants)
        self.expected_ = self.expected.fit(parts)
        asked = slice(None) if variants is None else variants
        frequency = np.concatenate([self.expected_.expected_dosage(part)[:, asked] for part in parts]) / 2
        self._unknown = np.isnan(frequency).any(axis=0)
        self._logit: np.ndarray | None = logit(frequency.clip(SMALLEST_FREQUENCY, 1 - SMALLEST_FREQUENCY))
        return self

    def class_frequency(self, weights: np.ndarray) -> np.ndarray:
        """See :class:`FrequencyPrior`."""
        assert self._logit is not None, "the people have been forgotten"
        size = np.maximum(weights.sum(axis=0), 1e-9)
        mean = (weights.T.astype(np.float32) @ self._logit) / size[:, None]
        low_rank = self.low_rank_.class_frequency(weights)
        frequency = self.share * expit(mean) + (1 - self.share) * low_rank
        frequency = np.where(self._unknown, low_rank, frequency)
        return np.clip(frequency, SMALLEST_FREQUENCY, 1 - SMALLEST_FREQUENCY)

    def forget_people(self) -> None:
        """See :class:`FrequencyPrior`."""
        self.low_rank_.forget_people()
        self._logit = None
