"""Label spreading on the graph of who copies from whom."""

from typing import Self

import numpy as np
from scipy import sparse

from gds.classifiers.haplotypes.copying_panel import fitted_copying, panel_rows_of, to_panel
from gds.classifiers.haplotypes.copying_profile import copying_profile
from gds.classifiers.haplotypes.haplotype_copying import HaplotypeCopying
from gds.classifiers.inner_folds import inner_folds
from gds.classifiers.label_spreading import SpreadingClassifier
from gds.classifiers.linear.tuned_logistic import class_indices


class CopyingLabelSpreading(SpreadingClassifier):
    """Label spreading on the graph of who copies from whom.

    The graph is the copying profiles of training people, made symmetric; a person's class is the mean of
    the spread classes over whom it copies from (:mod:`gds.classifiers.label_spreading`).

    Parameters
    ----------
    alpha
        How far labels spread, 0 ... 1.
    copying
        A fitted copying model, to share it among methods; None: one of the training people.
    n_folds, seed
        Folds of the labelled people; the seed is also that of the copying model.
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
        profile = np.concatenate([self._profile(part) for part in parts])
        graph = to_panel(profile.astype(np.float64), rows, self.copying_.n_reference_)
        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        few = len(index)
        self._fit_spread(sparse.csr_matrix(graph + graph.T), rows[:few], profile[:few], index, folds)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return self._spread_probabilities(self._profile(X))

    def _profile(self, haplotypes: np.ndarray) -> np.ndarray:
        return copying_profile(self.copying_.shares(haplotypes), 2 * self.copying_.n_windows_)
