"""Synthetic people that need no generator, and any classifier fitted with them.

A generator may help by what it learned about genotypes, or only because more rows regularise. These see the same
few labels and the same unlabelled people: independent sites by class frequency, mosaics of people of one class, and
unlabelled people under the label that a simple method gives them.
"""

from typing import Any, Self

import numpy as np
from sklearn.base import clone

from gds.classifiers.base import PeopleClassifier
from gds.classifiers.calibration import choose_by_held_out, tempered
from gds.classifiers.inner_folds import inner_folds
from gds.classifiers.linear.ridge import DosageRidge
from gds.classifiers.linear.tuned_logistic import class_indices
from gds.errors import UserError

CONTROLS = ("HWE resampling", "mosaics", "pseudo-labels")
PRIOR_ALLELES = 2.0  # of everyone's frequency, added to each class: an allele unseen in few people may exist


def hwe_dosages(dosages: np.ndarray, labels: np.ndarray, wanted: np.ndarray, seed: int = 0) -> np.ndarray:
    """People whose sites are independent draws at the allele frequencies of their class.

    Parameters
    ----------
    dosages
        Of the labelled few, int8, shape (sample, variant), -1 missing.
    labels
        Their classes, shape (sample,).
    wanted
        Class of each person to draw, shape (synthetic,).

    Returns
    -------
    numpy.ndarray
        int8, shape (synthetic, variant).
    """
    rng = np.random.default_rng(seed)

    def sums(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.where(rows < 0, 0, rows).sum(axis=0), 2 * (rows >= 0).sum(axis=0)

    alleles, seen = sums(dosages)
    everyone = alleles / np.maximum(seen, 1)
    result = np.empty((len(wanted), dosages.shape[1]), dtype=np.int8)
    for label in np.unique(wanted):
        alleles, seen = sums(dosages[labels == label])
        frequency = (alleles + PRIOR_ALLELES * everyone) / (seen + PRIOR_ALLELES)
        here = wanted == label
        result[here] = rng.binomial(2, frequency, (int(here.sum()), dosages.shape[1]))
    return result


def mosaic(features: np.ndarray, labels: np.ndarray, wanted: np.ndarray, seed: int = 0) -> np.ndarray:
    """People each of whose blocks is that of a random labelled person of the class.

    Parameters
    ----------
    features
        Of the labelled few, shape (sample, block, channel).
    labels
        Their classes, shape (sample,).
    wanted
        Class of each person to make, shape (synthetic,).
    """
    rng = np.random.default_rng(seed)
    n_blocks = features.shape[1]
    donor = np.empty((len(wanted), n_blocks), dtype=np.int64)
    for label in np.unique(wanted):
        here = wanted == label
        donor[here] = rng.choice(np.flatnonzero(labels == label), (int(here.sum()), n_blocks))
    return features[donor, np.arange(n_blocks)]


def mosaic_dosages(
    dosages: np.ndarray, labels: np.ndarray, wanted: np.ndarray, block_length: int, seed: int = 0
) -> np.ndarray:
    """Mosaics of dosages in blocks of neighbouring variants, int8, shape (synthetic, variant)."""
    n, m = dosages.shape
    n_blocks = -(-m // block_length)
    padded = np.zeros((n, n_blocks * block_length), dtype=np.int8)
    padded[:, :m] = dosages
    mixed = mosaic(padded.reshape(n, n_blocks, block_length), labels, wanted, seed)
    return mixed.reshape(len(wanted), -1)[:, :m]


def most_confident(probabilities: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows to take as further members of each class, the surest first, nobody twice.

    Parameters
    ----------
    probabilities
        Of unlabelled people, shape (sample, class).
    wanted
        One class index for each person wanted, shape (synthetic,).

    Returns
    -------
    rows, labels
        Shape (synthetic,), or fewer where there are not so many people.
    """
    free = np.ones(len(probabilities), dtype=bool)
    rows, labels = [], []
    for label, count in zip(*np.unique(wanted, return_counts=True), strict=True):
        order = np.argsort(-probabilities[:, label], kind="stable")
        taken = order[free[order]][:count]
        free[taken] = False
        rows.append(taken)
        labels.append(np.full(len(taken), label))
    return np.concatenate(rows), np.concatenate(labels)


def classes_in_proportion(labels: np.ndarray, ratio: float, seed: int) -> np.ndarray:
    """Class of each of ``ratio`` synthetic people a labelled one, in the proportions of the labelled; (person,)."""
    n = max(1, round(ratio * len(labels)))
    return np.resize(np.random.default_rng(seed).permutation(labels), n)


class AugmentedRidge(PeopleClassifier):
    """Ridge regression on the labelled few and as many synthetic people, by one of the controls.

    The heritability is chosen on the labelled people alone: synthetic ones resemble those they were made of, on
    both sides of a fold. Each fold of the calibration makes its own from its training part.

    Parameters
    ----------
    control
        One of :data:`CONTROLS`.
    ratio
        Synthetic people for each labelled one, classes in their proportions.
    block_length
        Variants of a block of a mosaic.
    n_folds, seed
        Folds of the labelled people; the seed is also that of the draws.

    Attributes
    ----------
    n_synthetic_ : int
        People added; 0 for pseudo-labels where nobody is unlabelled.
    temperature_ : float
        Of predictions; 1 without folds.
    """

    def __init__(
        self,
        control: str = "HWE resampling",
        *,
        ratio: float = 1.0,
        block_length: int = 64,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.control = control
        self.ratio = ratio
        self.block_length = block_length
        self.n_folds = n_folds
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> Self:
        """Fit on labelled and synthetic people.

        Parameters
        ----------
        X
            Dosages of labelled people, int8, shape (sample, variant), -1 missing.
        y
            Labels, shape (sample,).
        unlabelled
            Dosages of further training people.
        groups
            Families of the labelled people, kept within one fold.

        Raises
        ------
        UserError
            The control is not known.
        """
        if self.control not in CONTROLS:
            raise UserError(f"control {self.control!r}: expected one of {', '.join(CONTROLS)}")
        self.classes_, index = class_indices(y)
        plain = DosageRidge(n_folds=self.n_folds, seed=self.seed)
        plain.fit(X, index, unlabelled=unlabelled, groups=groups)
        ridge = DosageRidge(plain.heritability_, n_folds=self.n_folds, seed=self.seed)

        def evidence(train: np.ndarray, held_out: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
            model, _ = self._augmented(ridge, X[train], index[train], unlabelled)
            return {"augmented": self._evidence(model, X[held_out])}

        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        self.temperature_ = choose_by_held_out(index, folds, evidence)[1] if folds else 1.0
        self.model_, self.n_synthetic_ = self._augmented(ridge, X, index, unlabelled)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return np.exp(tempered(*self._evidence(self.model_, X), self.temperature_))

    def _augmented(
        self, ridge: DosageRidge, X: np.ndarray, index: np.ndarray, unlabelled: np.ndarray | None
    ) -> tuple[Any, int]:
        wanted = classes_in_proportion(index, self.ratio, self.seed)
        if self.control == "HWE resampling":
            people = hwe_dosages(X, index, wanted, self.seed)
        elif self.control == "mosaics":
            people = mosaic_dosages(X, index, wanted, self.block_length, self.seed)
        else:
            people = X[:0]
            if unlabelled is not None:
                plain = clone(ridge).fit(X, index, unlabelled=unlabelled)
                rows, wanted = most_confident(plain.predict_proba(unlabelled), wanted)
                people = unlabelled[rows]
            wanted = wanted[: len(people)]
        model = clone(ridge).fit(
            np.concatenate([X, people]), np.concatenate([index, wanted]), unlabelled=unlabelled
        )
        return model, len(people)

    @staticmethod
    def _evidence(model: Any, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        probabilities = model.predict_proba(X)
        return np.log(np.maximum(probabilities, 1e-12)), np.zeros(probabilities.shape[1])
