"""Labels that travel along what haplotypes copy, window by window."""

from typing import Self

import numpy as np
from scipy import sparse
from scipy.special import softmax

from gds.classifiers.base import PeopleClassifier
from gds.classifiers.calibration import choose_em, tempered
from gds.classifiers.haplotypes.copying_panel import (
    PanelShares,
    fitted_copying,
    joined_windows,
    panel_rows_of,
    to_panel,
)
from gds.classifiers.inner_folds import inner_folds
from gds.classifiers.linear.tuned_logistic import class_indices


class WindowedPropagation(PeopleClassifier):
    """Labels travel along what is copied, window by window, and unlabelled people pass them on.

    Each person k of the panel has class weights q_k: a labelled one 1 in its class, an unlabelled one its
    posterior. With P the share of window w of haplotype h that is copied from k, and m_c the share of class c
    in all weights, the window's evidence for c against the others is

    log ( (sum_k P_k q_kc + eps m_c) / ((sum_k P_k sum_c q_kc + eps) m_c) ),

    more copying than the size of the class accounts for. Evidence is added over windows and haplotypes, divided by
    the temperature, and log pi is added: the posterior, which is passed on in the next iteration.

    Parameters
    ----------
    temperature
        Of the posteriors that are passed on: neighbouring windows are not independent.
    eps
        Copying, in windows, that is shared out by class size.
    n_iterations
        Rounds of passing on; 0: labelled people only.
    join
        Neighbouring windows of the copying model that are taken together. Longer windows tell neighbouring populations
        apart, shorter ones are more pieces of evidence.
    copying
        A fitted copying model, to share it among methods; None: one of the training people.
    fall_back
        Whether folds of the labels may give up passing on.
    n_folds, seed
        Folds of the labelled people; the seed is also that of the copying model.

    Notes
    -----
    Label propagation (Zhu and Ghahramani 2002) on local genealogies. Constants were read off one split of
    1000 Genomes.
    """

    def __init__(
        self,
        *,
        temperature: float = 8.0,
        eps: float = 0.05,
        n_iterations: int = 10,
        join: int = 1,
        copying: PanelShares | None = None,
        fall_back: bool = True,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.temperature = temperature
        self.eps = eps
        self.n_iterations = n_iterations
        self.join = join
        self.copying = copying
        self.fall_back = fall_back
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
            Haplotypes of labelled people, int8, shape (sample, variant, 2), -1 missing.
        y
            Labels, shape (sample,).
        unlabelled
            Haplotypes of further training people.
        groups
            Families of the labelled people, kept within one fold.
        """
        self.classes_, index = class_indices(y)
        parts = [X] if unlabelled is None else [X, unlabelled]
        self.copying_ = fitted_copying(self.copying, parts, self.seed)
        rows = panel_rows_of(self.copying_, parts)
        shares = sparse.vstack([self._shares(part) for part in parts], format="csr")
        labelled = np.eye(len(self.classes_), dtype=np.float32)[index]

        def evidence(known: np.ndarray, held_out: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
            self._propagate(shares, rows, known.astype(np.float32), length)
            return self._evidence(shares)[held_out], self.log_prior_

        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        self.n_iterations_, self.temperature_, self.held_out_loss_ = choose_em(
            index, folds, self.n_iterations, self.temperature, self.fall_back, evidence
        )
        self._propagate(shares, rows, labelled, self.n_iterations_)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return np.exp(tempered(self._evidence(self._shares(X)), self.log_prior_, self.temperature_))

    def _shares(self, X: np.ndarray) -> sparse.csr_matrix:
        return joined_windows(self.copying_.shares(X), self.copying_.n_windows_, self.join)

    def _evidence(self, shares: sparse.csr_matrix) -> np.ndarray:
        """Sum over windows and haplotypes, shape (sample, class)."""
        size = self.weights_.sum(axis=0) / self.weights_.sum()
        copied = shares @ self.weights_
        expected = (copied.sum(axis=1, keepdims=True) + self.eps) * size
        window = np.log((copied + self.eps * size) / expected)
        return window.reshape(-1, 2 * -(-self.copying_.n_windows_ // self.join), len(size)).sum(axis=1)

    def _propagate(
        self, shares: sparse.csr_matrix, rows: np.ndarray, labelled: np.ndarray, n_iterations: int
    ) -> None:
        """Set the class weights of the panel; labelled people whose weights are all zero take no part."""
        share = labelled.sum(axis=0)
        self.log_prior_ = np.log(share / share.sum())
        n_labelled = len(labelled)
        people = np.zeros((len(rows), labelled.shape[1]), dtype=np.float32)
        people[:n_labelled] = labelled
        self.weights_ = to_panel(people, rows, self.copying_.n_reference_)
        for _ in range(n_iterations):
            passed = softmax(self._evidence(shares)[n_labelled:] / self.temperature + self.log_prior_, axis=1)
            people[n_labelled:] = passed
            self.weights_ = to_panel(people, rows, self.copying_.n_reference_)
