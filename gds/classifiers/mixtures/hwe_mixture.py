"""A mixture of Hardy-Weinberg populations, learned from few labelled and many unlabelled people.

Each class has an allele frequency at every site, people carry two draws of it, and sites are independent:
naive Bayes with two binomial draws a site. Two things make it work with a handful of labels. A class that
has few members takes its frequencies from a prior fitted on everyone (:class:`LowRankPrior`), and unlabelled
people add what they probably are (EM), with posteriors tempered because linked sites are not independent.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from gds.classifiers.calibration import choose_by_held_out, tempered
from gds.classifiers.inner_folds import inner_folds
from gds.classifiers.linear.standardised import TILE_CELLS, check_dosages
from gds.classifiers.linear.tuned_logistic import class_indices
from gds.classifiers.mixtures.frequency_prior import FrequencyPrior, LowRankPrior
from gds.errors import UserError

KEPT_CELLS = 2**26  # float32: 256 MB


class HWEMixture(ClassifierMixin, BaseEstimator):
    """Semi-supervised naive Bayes under Hardy-Weinberg equilibrium ("HWE-EM").

    With weights w (1 for a labelled person in its class) the frequency of class c at site j is

    p_cj = (sum_i w_ic x_ij + alpha q_cj) / (2 sum_i w_ic + alpha),   q from the prior,

    the log posterior of a person is sum_j x_j log p_cj + (2 - x_j) log(1 - p_cj) + log pi_c, divided by the
    temperature before the softmax, and an unlabelled person's weight is ``unlabelled_weight`` times the result.
    Missing dosages are left out of every sum; pi is the share of labelled people.

    Folds of the labelled people decide two things. EM is given up (``n_iterations_`` = 0) if its held-out
    log-loss is higher than without it by more than one standard error of the paired difference. And
    predictions are calibrated: the log-likelihood is divided by the temperature of lowest held-out log-loss
    before log pi is added. Held-out people take part in neither the counts nor the EM of their fold.
    Without possible folds EM is kept and predictions use ``temperature``.

    Parameters
    ----------
    alpha
        Weight of the prior, in alleles.
    temperature
        Of the posteriors in EM.
    unlabelled_weight
        Weight of an unlabelled person, 0 ... 1.
    n_iterations
        Iterations of EM; 0: labelled people and prior only.
    prior
        A :class:`FrequencyPrior`; None: :class:`LowRankPrior` of 12 components.
    variants
        Variants to use, as a boolean mask or indices (e.g. LD-pruned ones); None: all.
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
        Held-out log-loss ``{"em": ..., "no em": ...}`` at the best temperature of each; empty without folds.
    allele_frequency_ : numpy.ndarray
        Shape (class, variant used).

    Notes
    -----
    Nigam et al. 2000, Machine Learning 39:103-134, for EM with down-weighted unlabelled examples;
    the model of classes is that of STRUCTURE (Pritchard et al. 2000) without admixture.
    """

    def __init__(
        self,
        *,
        alpha: float = 20.0,
        temperature: float = 4.0,
        unlabelled_weight: float = 0.5,
        n_iterations: int = 10,
        prior: FrequencyPrior | None = None,
        variants: np.ndarray | None = None,
        fall_back: bool = True,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.alpha = alpha
        self.temperature = temperature
        self.unlabelled_weight = unlabelled_weight
        self.n_iterations = n_iterations
        self.prior = prior
        self.variants = variants
        self.fall_back = fall_back
        self.n_folds = n_folds
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> "HWEMixture":
        """Fit on labelled and unlabelled training people.

        Parameters
        ----------
        X
            Dosages of labelled people, int8, shape (sample, variant), -1 missing.
        y
            Labels, shape (sample,).
        unlabelled
            Dosages of further training people, shape (sample, variant).
        groups
            Families of the labelled people, kept within one fold.
        """
        if self.alpha <= 0 or self.temperature <= 0 or not 0 <= self.unlabelled_weight <= 1:
            raise UserError(
                f"expected alpha > 0, temperature > 0 and an unlabelled weight of 0 ... 1, found {self.alpha}, "
                f"{self.temperature} and {self.unlabelled_weight}"
            )
        self.classes_, index = class_indices(y)
        self.n_features_in_ = X.shape[1]
        parts = [self._used(part) for part in ([X] if unlabelled is None else [X, unlabelled])]
        prior = LowRankPrior(seed=self.seed) if self.prior is None else clone(self.prior, safe=False)
        self.prior_ = prior.fit([X] if unlabelled is None else [X, unlabelled], self.variants)
        people = _People(parts)
        weights = np.eye(len(self.classes_))[index]
        self._choose(people, index, weights, groups)
        frequency, log_prior = self._expectation_maximisation(people, weights[None], self.n_iterations_)
        self.allele_frequency_, self.log_prior_ = frequency[0], log_prior[0]
        self.prior_.forget_people()
        return self

    def log_likelihood(self, X: np.ndarray) -> np.ndarray:
        """Log probability of each person's genotypes in each class, shape (sample, class)."""
        check_dosages(X, self.n_features_in_)
        return _log_likelihood(_People([self._used(X)]), self.allele_frequency_)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return np.exp(tempered(self.log_likelihood(X), self.log_prior_, self.temperature_))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Most probable class, shape (sample,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _used(self, dosages: np.ndarray) -> np.ndarray:
        return dosages if self.variants is None else np.ascontiguousarray(dosages[:, self.variants])

    def _choose(
        self, people: "_People", index: np.ndarray, weights: np.ndarray, groups: np.ndarray | None
    ) -> None:
        """Temperature of predictions, and whether EM helps, by folds of the labelled people."""
        self.temperature_, self.n_iterations_ = self.temperature, self.n_iterations
        self.held_out_loss_: dict[str, float] = {}
        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        if not folds:
            return
        lengths = {"em": self.n_iterations, "no em": 0} if self.n_iterations else {"no em": 0}
        if not self.fall_back:
            lengths = dict(list(lengths.items())[:1])

        known = np.zeros((len(folds), *weights.shape))
        for fold, (train, _) in enumerate(folds):
            known[fold, train] = weights[train]
        found = {}
        for name, length in lengths.items():
            frequency, log_prior = self._expectation_maximisation(people, known, length)
            everyone = _log_likelihood(people, frequency.reshape(-1, people.n_variants))
            found[name] = everyone[: len(index)].reshape(len(index), len(folds), -1), log_prior
        fold_of = {train.tobytes(): fold for fold, (train, _) in enumerate(folds)}

        def evidence(train: np.ndarray, held_out: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
            fold = fold_of[train.tobytes()]
            return {name: (each[held_out, fold], prior[fold]) for name, (each, prior) in found.items()}

        chosen, self.temperature_, self.held_out_loss_ = choose_by_held_out(index, folds, evidence)
        self.n_iterations_ = lengths[chosen]

    def _expectation_maximisation(
        self, people: "_People", labelled: np.ndarray, n_iterations: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Frequencies, (run, class, variant), and log priors, (run, class), of one or several runs of EM side by side.

        All runs share each pass over the genotypes, of which there would otherwise be several times as many.

        Parameters
        ----------
        people
            All training people, the labelled ones first.
        labelled
            Class weights of labelled people in each run, shape (run, labelled, class); rows of zeros take no part.
        n_iterations
            Of EM.
        """
        n_runs, n_labelled, n_classes = labelled.shape
        weights = np.zeros((people.n, n_runs, n_classes))
        weights[:n_labelled] = labelled.transpose(1, 0, 2)
        # Finite: folds leave a member of every class in each training part.
        size = labelled.sum(axis=1)
        log_prior = np.log(size / size.sum(axis=1, keepdims=True))
        frequency = self._frequencies(people, weights.reshape(people.n, -1))
        for _ in range(n_iterations if people.n > n_labelled else 0):
            likelihood = _log_likelihood(people, frequency)[n_labelled:].reshape(-1, n_runs, n_classes)
            posterior = softmax((likelihood + log_prior) / self.temperature, axis=2)
            weights[n_labelled:] = self.unlabelled_weight * posterior
            frequency = self._frequencies(people, weights.reshape(people.n, -1))
        return frequency.reshape(n_runs, n_classes, -1), log_prior

    def _frequencies(self, people: "_People", weights: np.ndarray) -> np.ndarray:
        """Frequency of each effect allele in each class, shape (class, variant)."""
        frequency = self.alpha * self.prior_.class_frequency(weights)
        size = weights.sum(axis=0)
        weights = weights.T.astype(np.float32)
        for columns, dosage, present in people:
            alleles = 2 * size[:, None] if present is None else 2 * (weights @ present)
            frequency[:, columns] = (frequency[:, columns] + weights @ dosage) / (alleles + self.alpha)
        return np.clip(frequency, 1e-6, 1 - 1e-6)


class _People:
    """Dosages of people as float32 tiles of variants: kept where they are few, otherwise made on each pass.

    Iterating yields columns, dosages with 0 for missing and, where some are missing, presence.
    """

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        self.parts = parts
        self.n, self.n_variants = sum(len(part) for part in parts), parts[0].shape[1]
        self._kept = list(self._make()) if self.n * self.n_variants <= KEPT_CELLS else None

    def __iter__(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray | None]]:
        return self._make() if self._kept is None else iter(self._kept)

    def _make(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray | None]]:
        width = max(1, TILE_CELLS // max(1, self.n))
        for start in range(0, self.n_variants, width):
            columns = slice(start, min(start + width, self.n_variants))
            tile = np.concatenate([part[:, columns] for part in self.parts])
            present = None
            if tile.size and tile.min() < 0:
                present = (tile >= 0).astype(np.float32)
                tile = np.maximum(tile, 0)
            yield columns, tile.astype(np.float32), present


def _log_likelihood(people: _People, frequency: np.ndarray) -> np.ndarray:
    """sum_j x_j log p_cj + (2 - x_j) log(1 - p_cj) over present sites, shape (sample, class)."""
    total = np.zeros((people.n, len(frequency)))
    absent = np.log1p(-frequency)
    odds = (np.log(frequency) - absent).astype(np.float32)
    for columns, dosage, present in people:
        total += dosage @ odds[:, columns].T
        if present is None:
            total += 2 * absent[:, columns].sum(axis=1)
        else:
            total += 2 * (present @ absent[:, columns].T.astype(np.float32))
    return total
