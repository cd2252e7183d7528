"""Labels that spread over a graph of people who resemble each other."""

from typing import Self

import numpy as np
from scipy import sparse

from gds.classifiers.base import PeopleClassifier
from gds.classifiers.calibration import choose_by_held_out, tempered
from gds.classifiers.inner_folds import Folds, inner_folds
from gds.classifiers.linear.tuned_logistic import class_indices

TOLERANCE = 1e-6  # of the largest class weight
EVIDENCE_SCALE = 64.0  # log scores are small: with this, the temperatures tried have room on both sides


def spread(graph: sparse.csr_matrix, labels: np.ndarray, alpha: float) -> np.ndarray:
    """Class weights F = (I - alpha S)^-1 Y of everyone, with S = D^-1/2 A D^-1/2 and D the row sums of A.

    Parameters
    ----------
    graph
        A: symmetric, not negative, shape (sample, sample).
    labels
        Y: 1 in the class of a labelled person, 0 elsewhere; shape (sample, class).
    alpha
        How far labels spread, 0 ... 1.

    Returns
    -------
    numpy.ndarray
        F with every class divided by its total, so that a class with more labels is not favoured; (sample, class).

    Notes
    -----
    Zhou et al. 2003, NeurIPS 16:321-328, by its own iteration F <- alpha S F + Y, whose error shrinks by alpha
    each time.
    """
    root = 1 / np.sqrt(np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1e-12))
    normalised = sparse.diags(alpha * root) @ graph @ sparse.diags(root)
    weights = labels.astype(np.float64)
    for _ in range(int(np.ceil(np.log(TOLERANCE) / np.log(alpha))) if alpha > 0 else 0):
        weights = normalised @ weights + labels
    return weights / np.maximum(weights.sum(axis=0), 1e-12)


def spread_evidence(copied: np.ndarray | sparse.csr_matrix, weights: np.ndarray) -> np.ndarray:
    """Log score of each class against the mean over classes, times :data:`EVIDENCE_SCALE`.

    Parameters
    ----------
    copied
        How much each person resembles each of the graph, rows summing to 1; shape (sample, graph).
    weights
        Of :func:`spread`, shape (graph, class).
    """
    score = copied @ weights + 1e-12
    return EVIDENCE_SCALE * np.log(score / score.mean(axis=1, keepdims=True))


class SpreadingClassifier(PeopleClassifier):
    """What label spreading on any graph shares: spreading the labels, and calibration by their folds."""

    alpha: float

    def _fit_spread(
        self,
        graph: sparse.csr_matrix,
        rows: np.ndarray,
        profile: np.ndarray | sparse.csr_matrix,
        index: np.ndarray,
        folds: Folds,
    ) -> None:
        """Set the class weights of the graph, the log prior and the temperature.

        Parameters
        ----------
        graph
            Of training people, shape (graph, graph).
        rows
            Where each labelled person stands in it, -1 nowhere; shape (labelled,).
        profile
            How much each labelled person resembles each other one of the graph, shape (labelled, graph).
        index
            Their classes, shape (labelled,).
        folds
            Of the labelled people; the temperature is 1 without.
        """
        labelled = np.eye(len(self.classes_))[index]

        def spread_from(train: np.ndarray) -> None:
            known = np.zeros((graph.shape[0], labelled.shape[1]))
            inside = train[rows[train] >= 0]
            known[rows[inside]] = labelled[inside]
            share = labelled[train].sum(axis=0)
            self.log_prior_ = np.log(share / share.sum())
            self.weights_ = spread(graph, known, self.alpha)

        def evidence(train: np.ndarray, held_out: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
            spread_from(train)
            return {"spread": (spread_evidence(profile[held_out], self.weights_), self.log_prior_)}

        self.temperature_ = choose_by_held_out(index, folds, evidence)[1] if folds else 1.0
        spread_from(np.arange(len(index)))

    def _spread_probabilities(self, profile: np.ndarray | sparse.csr_matrix) -> np.ndarray:
        return np.exp(tempered(spread_evidence(profile, self.weights_), self.log_prior_, self.temperature_))


class LabelSpreading(SpreadingClassifier):
    """Label spreading on the graph of nearest neighbours among all training people.

    Two people i and j at distance d, one of them among the k nearest of the other, are joined by
    exp(-d^2 / (s_i s_j)), where s is a person's distance to its k-th neighbour. A person's class is the mean of the
    spread classes over its own neighbours. Probabilities are calibrated by folds of the labelled people.

    Parameters
    ----------
    n_neighbors
        k.
    alpha
        How far labels spread, 0 ... 1.
    n_folds, seed
        Folds of the labelled people.

    Notes
    -----
    Zhou et al. 2003, NeurIPS 16:321-328; local scale of Zelnik-Manor and Perona 2004, NeurIPS 17:1601-1608.
    """

    def __init__(
        self, n_neighbors: int = 10, *, alpha: float = 0.95, n_folds: int = 5, seed: int = 0
    ) -> None:
        self.n_neighbors = n_neighbors
        self.alpha = alpha
        self.n_folds = n_folds
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> Self:
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
        from sklearn.neighbors import NearestNeighbors

        self.classes_, index = class_indices(y)
        people = np.asarray(X if unlabelled is None else np.concatenate([X, unlabelled]), dtype=np.float64)
        k = min(self.n_neighbors, len(people) - 1)
        self.neighbours_ = NearestNeighbors(n_neighbors=k).fit(people)
        distance, nearest = self.neighbours_.kneighbors()  # nobody is its own neighbour
        self.scale_ = np.maximum(distance[:, -1], 1e-12)
        graph = self._joined(distance, nearest, self.scale_)
        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        profile = _rows_to_one(graph[: len(index)])
        self._fit_spread(graph.maximum(graph.T).tocsr(), np.arange(len(index)), profile, index, folds)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        distance, nearest = self.neighbours_.kneighbors(np.asarray(X, dtype=np.float64))
        joined = self._joined(distance, nearest, np.maximum(distance[:, -1], 1e-12))
        return self._spread_probabilities(_rows_to_one(joined))

    def _joined(self, distance: np.ndarray, nearest: np.ndarray, scale: np.ndarray) -> sparse.csr_matrix:
        weight = np.exp(-(distance**2) / (scale[:, None] * self.scale_[nearest]))
        ends = np.arange(0, nearest.size + 1, nearest.shape[1])
        shape = (len(nearest), len(self.scale_))
        return sparse.csr_matrix((weight.ravel(), nearest.ravel(), ends), shape=shape)


def _rows_to_one(weights: sparse.csr_matrix) -> sparse.csr_matrix:
    total = np.asarray(weights.sum(axis=1)).ravel()
    return sparse.csr_matrix(sparse.diags(1 / np.maximum(total, 1e-300)) @ weights)
