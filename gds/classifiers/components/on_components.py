"""Classifiers on principal components of dosages: logistic regression and shrinkage LDA."""

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from gds.classifiers.calibration import choose_by_held_out, tempered
from gds.classifiers.components.principal_components import DosagePCA
from gds.classifiers.inner_folds import first_within_one_error, inner_folds, losses_by_person
from gds.classifiers.linear.tuned_logistic import class_indices, fit_logistic, penalty_path

COMPONENTS = (2, 5, 10, 20, 40)
PENALTIES = tuple(10.0 ** np.arange(-3, 4))
DEFAULT_COMPONENTS, DEFAULT_C = 10, 1.0


class LogisticOnPCs(ClassifierMixin, BaseEstimator):
    """Principal components of all training people, then logistic regression on the labelled ones.

    Of the numbers of components and penalties whose log-loss over folds of the labelled people is within one standard
    error of the lowest, the fewest components are taken, and with them the strongest penalty: the lowest of many noisy
    losses of few people is mostly luck. Without possible folds (a class with one member) they are 10 and C = 1.
    Components are divided by the standard deviation of the first, so that later ones, of smaller variance, are
    penalised more.

    Parameters
    ----------
    n_components
        Numbers of components to choose among, at least one less than there are classes; those beyond what people
        and variants allow are left out.
    candidates
        Inverse penalties to choose among.
    n_folds
        Folds of the labelled people.
    seed
        Seed of the folds.

    Attributes
    ----------
    n_components_, C_
        What was chosen.

    Notes
    -----
    The rule of one standard error is that of Breiman et al. 1984, Classification and Regression Trees.
    """

    def __init__(
        self,
        n_components: Sequence[int] = COMPONENTS,
        *,
        candidates: Sequence[float] = PENALTIES,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.n_components = n_components
        self.candidates = candidates
        self.n_folds = n_folds
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> "LogisticOnPCs":
        """Fit components on everyone given, the classifier on labelled people.

        Parameters
        ----------
        X
            Dosages of labelled people, int8, shape (sample, variant), -1 missing.
        y
            Labels, shape (sample,).
        unlabelled
            Dosages of further training people, shape (sample, variant).
        groups
            Families, kept within one fold.
        """
        self.classes_, index = class_indices(y)
        self.pca_ = DosagePCA(max(*self.n_components, len(self.classes_) - 1), seed=self.seed)
        self.pca_.fit([X] if unlabelled is None else [X, unlabelled])
        scores = self._scores(X)
        available = scores.shape[1]
        # k classes differ in k - 1 directions: fewer components cannot tell them apart.
        fewest = len(self.classes_) - 1
        counts = sorted({min(max(count, fewest), available) for count in self.n_components})
        penalties = sorted(self.candidates)
        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        self.n_components_, self.C_ = min(max(DEFAULT_COMPONENTS, fewest), available), DEFAULT_C
        if folds:
            losses = losses_by_person(
                index,
                folds,
                lambda train, held_out: [
                    probabilities
                    for count in counts
                    for probabilities in penalty_path(scores[:, :count], index, train, held_out, penalties)
                ],
            )
            # Candidates are in the order of components, then of inverse penalties: the first is the simplest.
            best = first_within_one_error(losses)
            self.n_components_ = counts[best // len(penalties)]
            self.C_ = float(penalties[best % len(penalties)])
        self.model_ = fit_logistic(scores[:, : self.n_components_], index, self.C_)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return self.model_.predict_proba(self._scores(X)[:, : self.n_components_])

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Most probable class, shape (sample,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _scores(self, X: np.ndarray) -> np.ndarray:
        return self.pca_.transform(X) / np.sqrt(self.pca_.variance_[0])


class ShrinkageLDA(ClassifierMixin, BaseEstimator):
    """Principal components of all training people, then linear discriminant analysis of the labelled ones.

    The covariance within classes is shrunk by the formula of Ledoit and Wolf (2004), so there is
    nothing to tune but the temperature of the probabilities, which is that of lowest log-loss over folds of the
    labelled people. Where no class has a second member there is no spread within classes to see, and the variances of
    the components over all training people stand in for it.

    Parameters
    ----------
    n_components
        Components, fewer where people or variants are fewer.
    n_folds
        Folds of the labelled people.
    seed
        Of the folds, and of the component solver, where it iterates.

    Attributes
    ----------
    temperature_ : float
        Of predictions; 1 without folds.
    """

    def __init__(self, n_components: int = 25, *, n_folds: int = 5, seed: int = 0) -> None:
        self.n_components = n_components
        self.n_folds = n_folds
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> "ShrinkageLDA":
        """Fit components on everyone given, the discriminants on labelled people.

        Parameters
        ----------
        X, y, unlabelled, groups
            As in :meth:`LogisticOnPCs.fit`.
        """
        self.classes_, index = class_indices(y)
        self.pca_ = DosagePCA(self.n_components, seed=self.seed)
        self.pca_.fit([X] if unlabelled is None else [X, unlabelled])
        scores = self.pca_.transform(X)

        def evidence(train: np.ndarray, held_out: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
            self._discriminate(scores[train], index[train])
            return {"lda": (self._evidence(scores[held_out]), self.log_prior_)}

        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        self.temperature_ = choose_by_held_out(index, folds, evidence)[1] if folds else 1.0
        self._discriminate(scores, index)
        return self

    def _discriminate(self, scores: np.ndarray, index: np.ndarray) -> None:
        """Set the discriminants: log density of N(mean, covariance) up to what all classes share."""
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        if len(index) > len(self.classes_):
            with warnings.catch_warnings():
                # A class with one member adds no spread, and scikit-learn says so for each.
                warnings.filterwarnings("ignore", message="Only one sample available")
                model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(scores, index)
            means, covariance = model.means_, model.covariance_
        else:
            means, covariance = scores[np.argsort(index)], np.diag(self.pca_.variance_)
        self.log_prior_ = np.log(np.bincount(index) / len(index))
        self.coef_ = np.linalg.lstsq(covariance, means.T)[0].T
        self.offset_ = -(means * self.coef_).sum(axis=1) / 2

    def _evidence(self, scores: np.ndarray) -> np.ndarray:
        return scores @ self.coef_.T + self.offset_

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        evidence = self._evidence(self.pca_.transform(X))
        return np.exp(tempered(evidence, self.log_prior_, self.temperature_))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Most probable class, shape (sample,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
