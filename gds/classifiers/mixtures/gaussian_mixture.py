"""A Gaussian a class, learned from few labelled and many unlabelled people."""

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import softmax

from gds.classifiers.base import PeopleClassifier
from gds.classifiers.calibration import choose_em, tempered
from gds.classifiers.inner_folds import inner_folds
from gds.classifiers.linear.tuned_logistic import class_indices


class GaussianMixture(PeopleClassifier):
    """Semi-supervised discriminant analysis: EM over people whose class is unknown.

    Labelled people weigh 1 in their class, others ``unlabelled_weight`` times their posterior, which is taken
    at ``temperature``. With S the scatter within classes, n the sum of weights, d dimensions and T the
    covariance of everyone, the covariance is (S + d T) / (n + d): T is too wide, so that the first posteriors
    are soft. One covariance for all classes, or one each, which then takes the place of T.

    Folds of the labelled people give EM up if it does not pay, and set the temperature of predictions
    (:mod:`gds.classifiers.calibration`).

    Parameters
    ----------
    shared_covariance
        One covariance for all classes.
    temperature
        Of the posteriors in EM.
    unlabelled_weight
        Weight of an unlabelled person, 0 ... 1.
    n_iterations
        Iterations of EM; 0: labelled people only.
    fall_back
        Whether folds may give up EM.
    n_folds, seed
        Folds of the labelled people.

    Attributes
    ----------
    n_iterations_ : int
        Iterations used.
    temperature_ : float
        Of predictions.
    held_out_loss_ : dict
        Held-out log-loss with and without EM; empty without folds.

    Notes
    -----
    Nigam et al. 2000, Machine Learning 39:103-134, for EM with down-weighted unlabelled examples.
    """

    def __init__(
        self,
        *,
        shared_covariance: bool = True,
        temperature: float = 1.0,
        unlabelled_weight: float = 1.0,
        n_iterations: int = 30,
        fall_back: bool = True,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.shared_covariance = shared_covariance
        self.temperature = temperature
        self.unlabelled_weight = unlabelled_weight
        self.n_iterations = n_iterations
        self.fall_back = fall_back
        self.n_folds = n_folds
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> "GaussianMixture":
        """Fit on labelled and unlabelled training people.

        Parameters
        ----------
        X
            Scores of labelled people, shape (sample, component).
        y
            Labels, shape (sample,).
        unlabelled
            Scores of further training people.
        groups
            Families of the labelled people, kept within one fold.
        """
        self.classes_, index = class_indices(y)
        people = np.asarray(X if unlabelled is None else np.concatenate([X, unlabelled]), dtype=np.float64)
        labelled = np.eye(len(self.classes_))[index]

        def evidence(known: np.ndarray, held_out: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
            self._expectation_maximisation(people, known, length)
            return self.log_likelihood(people[held_out]), self.log_prior_

        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        self.n_iterations_, self.temperature_, self.held_out_loss_ = choose_em(
            index, folds, self.n_iterations, self.temperature, self.fall_back, evidence
        )
        self._expectation_maximisation(people, labelled, self.n_iterations_)
        return self

    def log_likelihood(self, X: np.ndarray) -> np.ndarray:
        """Log density of each person in each class up to a constant, shape (sample, class)."""
        result = np.empty((len(X), len(self.means_)))
        for c, (mean, covariance) in enumerate(zip(self.means_, self.covariances_, strict=True)):
            factor = cho_factor(covariance, lower=True)
            away = np.asarray(X, dtype=np.float64) - mean
            distance = (away * cho_solve(factor, away.T).T).sum(axis=1)
            result[:, c] = -distance / 2 - np.log(np.diag(factor[0])).sum()
        return result

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return np.exp(tempered(self.log_likelihood(X), self.log_prior_, self.temperature_))

    def _expectation_maximisation(self, people: np.ndarray, labelled: np.ndarray, n_iterations: int) -> None:
        """Set means, covariances and log prior; labelled people whose weights are all zero take no part."""
        n_labelled = len(labelled)
        weights = np.zeros((len(people), labelled.shape[1]))
        weights[:n_labelled] = labelled
        share = labelled.sum(axis=0)
        self.log_prior_ = np.log(share / share.sum())
        centred = people - people.mean(axis=0)
        everyone = centred.T @ centred / len(people)
        # Components that hardly vary must not make the covariance singular.
        everyone += 1e-6 * np.trace(everyone) / len(everyone) * np.eye(len(everyone))
        self._maximise(people, weights, everyone)
        for _ in range(n_iterations):
            likelihood = self.log_likelihood(people[n_labelled:]) + self.log_prior_
            weights[n_labelled:] = self.unlabelled_weight * softmax(likelihood / self.temperature, axis=1)
            self._maximise(people, weights, everyone)

    def _maximise(self, people: np.ndarray, weights: np.ndarray, everyone: np.ndarray) -> None:
        size = weights.sum(axis=0)
        self.means_ = (weights.T @ people) / size[:, None]
        d = people.shape[1]
        scatters = []
        for mean, weight in zip(self.means_, weights.T, strict=True):
            away = people - mean
            scatters.append((away * weight[:, None]).T @ away)
        shared = (sum(scatters) + d * everyone) / (size.sum() + d)
        self.covariances_ = [
            shared if self.shared_covariance else (scatter + d * shared) / (n + d)
            for scatter, n in zip(scatters, size, strict=True)
        ]
