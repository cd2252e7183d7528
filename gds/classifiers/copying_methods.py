"""Few-label classifiers of phased people by whom their haplotypes are copied from."""

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
from scipy import sparse
from scipy.linalg import eigh
from scipy.special import softmax

from gds.classifiers.base import PeopleClassifier
from gds.classifiers.calibration import choose_by_held_out, tempered
from gds.classifiers.haplotype_copying import HaplotypeCopying
from gds.classifiers.inner_folds import inner_folds
from gds.classifiers.tuned_logistic import class_indices
from gds.errors import UserError


class PanelShares(Protocol):
    """What labels are passed along: how much of each window of a person falls to each person of a panel.

    Attributes
    ----------
    n_reference_, n_windows_ : int
        People of the panel, windows of the genome.
    """

    n_reference_: int
    n_windows_: int

    def shares(self, haplotypes: np.ndarray) -> sparse.csr_matrix:
        """(2 sample window, reference person), the windows of a haplotype one after the other."""
        ...

    def panel_rows(self, haplotypes: np.ndarray) -> np.ndarray:
        """Row of each person in the panel, -1 for those not in it; int64, shape (sample,)."""
        ...


def fitted_copying(copying: PanelShares | None, parts: Sequence[np.ndarray], seed: int) -> PanelShares:
    """The copying model that was given, or a new one whose panel are the training people."""
    return HaplotypeCopying(seed=seed).fit(parts) if copying is None else copying


def copying_profile(shares: sparse.csr_matrix, rows_of_person: int) -> np.ndarray:
    """Share of both haplotypes that is copied from each person of the panel, (sample, reference person)."""
    n = shares.shape[0] // rows_of_person
    ends = np.arange(0, shares.shape[0] + 1, rows_of_person)
    weights = np.full(shares.shape[0], 1 / rows_of_person, dtype=np.float32)
    average = sparse.csr_matrix((weights, np.arange(shares.shape[0]), ends), shape=(n, shares.shape[0]))
    return (average @ shares).toarray()


class CopyingProfile:
    """Principal components of square roots of copying profiles; a representation without labels.

    The square root makes the Euclidean distance of two profiles that of Hellinger, in which a rare ancestor that
    two people share counts.

    Parameters
    ----------
    n_components
        Components.
    copying
        A fitted :class:`~gds.classifiers.haplotype_copying.HaplotypeCopying`, to share it among methods;
        None: one of the training people.
    seed
        Of the thinning of the panel.
    """

    def __init__(
        self, n_components: int = 10, *, copying: HaplotypeCopying | None = None, seed: int = 0
    ) -> None:
        self.n_components = n_components
        self.copying = copying
        self.seed = seed

    def fit_transform(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See :class:`~gds.classifiers.representation.Representation`."""
        self.copying_ = fitted_copying(self.copying, parts, self.seed)
        roots = [self._roots(part) for part in parts]
        everyone = np.concatenate(roots)
        self.mean_ = everyone.mean(axis=0)
        everyone = everyone - self.mean_
        m = everyone.shape[1]
        k = min(self.n_components, m, len(everyone) - 1)
        _, vectors = eigh(everyone.T @ everyone, subset_by_index=[m - k, m - 1])
        self.loadings_ = vectors[:, ::-1]
        return [(root - self.mean_) @ self.loadings_ for root in roots]

    def transform(self, X: np.ndarray) -> np.ndarray:
        """See :class:`~gds.classifiers.representation.Representation`."""
        return (self._roots(X) - self.mean_) @ self.loadings_

    def _roots(self, haplotypes: np.ndarray) -> np.ndarray:
        shares = self.copying_.shares(haplotypes)
        return np.sqrt(copying_profile(shares, 2 * self.copying_.n_windows_)).astype(np.float64)


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
        copying: PanelShares | None = None,
        fall_back: bool = True,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.temperature = temperature
        self.eps = eps
        self.n_iterations = n_iterations
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
        shares = sparse.vstack([self.copying_.shares(part) for part in parts], format="csr")
        labelled = np.eye(len(self.classes_), dtype=np.float32)[index]
        lengths = {"em": self.n_iterations, "no em": 0} if self.n_iterations else {"no em": 0}
        if not self.fall_back:
            lengths = dict(list(lengths.items())[:1])

        def evidence(train: np.ndarray, held_out: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
            known = np.zeros_like(labelled)
            known[train] = labelled[train]
            found = {}
            for name, length in lengths.items():
                self._propagate(shares, rows, known, length)
                found[name] = (self._evidence(shares)[held_out], self.log_prior_)
            return found

        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        chosen, self.temperature_ = next(iter(lengths)), self.temperature
        self.held_out_loss_: dict[str, float] = {}
        if folds:
            chosen, self.temperature_, self.held_out_loss_ = choose_by_held_out(index, folds, evidence)
        self.n_iterations_ = lengths[chosen]
        self._propagate(shares, rows, labelled, self.n_iterations_)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return np.exp(tempered(self._evidence(self.copying_.shares(X)), self.log_prior_, self.temperature_))

    def _evidence(self, shares: sparse.csr_matrix) -> np.ndarray:
        """Sum over windows and haplotypes, shape (sample, class)."""
        size = self.weights_.sum(axis=0) / self.weights_.sum()
        copied = shares @ self.weights_
        expected = (copied.sum(axis=1, keepdims=True) + self.eps) * size
        window = np.log((copied + self.eps * size) / expected)
        return window.reshape(-1, 2 * self.copying_.n_windows_, len(size)).sum(axis=1)

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


class CopyingLabelSpreading(PeopleClassifier):
    """Label spreading on the graph of who copies from whom.

    With A the copying profiles of training people, made symmetric, D its row sums and S = D^-1/2 A D^-1/2, the classes
    of the panel are F = (I - alpha S)^-1 Y, and a person's class is the mean of F over whom it copies from, each class
    divided by its total. Probabilities are calibrated by folds of the labelled people.

    Parameters
    ----------
    alpha
        How far labels spread, 0 ... 1.
    copying
        A fitted copying model, to share it among methods; None: one of the training people.
    n_folds, seed
        Folds of the labelled people; the seed is also that of the copying model.

    Notes
    -----
    Zhou et al. 2003, NeurIPS 16:321-328.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.9,
        copying: HaplotypeCopying | None = None,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.alpha = alpha
        self.copying = copying
        self.n_folds = n_folds
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> Self:
        """Fit on labelled and unlabelled training people; parameters as of :class:`WindowedPropagation`."""
        self.classes_, index = class_indices(y)
        parts = [X] if unlabelled is None else [X, unlabelled]
        self.copying_ = fitted_copying(self.copying, parts, self.seed)
        rows = panel_rows_of(self.copying_, parts)
        m = self.copying_.n_reference_
        profile = np.concatenate([self._profile(part) for part in parts])
        graph = np.zeros((m, m))
        graph[rows[rows >= 0]] = profile[rows >= 0]
        graph = graph + graph.T
        root = 1 / np.sqrt(np.maximum(graph.sum(axis=1), 1e-12))
        self._spread = np.linalg.inv(np.eye(m) - self.alpha * root[:, None] * graph * root)
        labelled = np.eye(len(self.classes_))[index]
        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        self.temperature_ = 1.0

        def evidence(train: np.ndarray, held_out: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
            known = np.zeros_like(labelled)
            known[train] = labelled[train]
            self._set(known, rows)
            return {"spread": (self._evidence(profile[held_out]), self.log_prior_)}

        if folds:
            self.temperature_ = choose_by_held_out(index, folds, evidence)[1]
        self._set(labelled, rows)
        del self._spread
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return np.exp(tempered(self._evidence(self._profile(X)), self.log_prior_, self.temperature_))

    def _profile(self, haplotypes: np.ndarray) -> np.ndarray:
        return copying_profile(self.copying_.shares(haplotypes), 2 * self.copying_.n_windows_)

    def _set(self, labelled: np.ndarray, rows: np.ndarray) -> None:
        share = labelled.sum(axis=0)
        self.log_prior_ = np.log(share / share.sum())
        panel = to_panel(labelled, rows[: len(labelled)], self.copying_.n_reference_)
        spread = self._spread @ panel
        self.class_of_panel_ = spread / np.maximum(spread.sum(axis=0), 1e-12)

    def _evidence(self, profile: np.ndarray) -> np.ndarray:
        """Log of the class score, 0 for the mean over classes; 64 times so that temperatures have room."""
        score = profile @ self.class_of_panel_ + 1e-12
        return 64 * np.log(score / score.mean(axis=1, keepdims=True))


def panel_rows_of(copying: PanelShares, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Row of each training person in the panel, -1 for those thinned out; shape (sample,).

    Raises
    ------
    UserError
        No labelled person is in the panel, so that nobody's label could be copied.
    """
    rows = [copying.panel_rows(part) for part in parts]
    if not (rows[0] >= 0).any():
        raise UserError(
            "none of the labelled people is in the reference panel: fit HaplotypeCopying on the training people, "
            "or raise max_reference"
        )
    return np.concatenate(rows)


def to_panel(people: np.ndarray, rows: np.ndarray, n_reference: int) -> np.ndarray:
    """Class weights of training people put where they stand in the panel, (reference person, class)."""
    panel = np.zeros((n_reference, people.shape[1]), dtype=people.dtype)
    panel[rows[rows >= 0]] = people[rows >= 0]
    return panel
