"""Gradient-boosted trees on principal components: whether anything is not linear."""

from typing import Self

import numpy as np

from gds.classifiers.base import PeopleClassifier
from gds.classifiers.representation import PCScores
from gds.classifiers.tuned_logistic import class_indices
from gds.errors import require_extra


class BoostedTrees(PeopleClassifier):
    """LightGBM on the leading components of all training people, with few, small, strongly regularised trees.

    Nothing is tuned: folds of few labels choose trees badly.

    Parameters
    ----------
    n_components
        Components.
    n_trees, learning_rate
        Trees a class and the weight of each.
    seed
        Of rows and columns that a tree sees.
    """

    def __init__(
        self, n_components: int = 20, *, n_trees: int = 100, learning_rate: float = 0.05, seed: int = 0
    ) -> None:
        self.n_components = n_components
        self.n_trees = n_trees
        self.learning_rate = learning_rate
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> Self:
        """Fit components on everyone given, trees on labelled people.

        Parameters
        ----------
        X
            Dosages of labelled people, int8, shape (sample, variant), -1 missing.
        y
            Labels, shape (sample,).
        unlabelled
            Dosages of further training people.
        groups
            Not used, as nothing is tuned; taken so that all methods are called alike.

        Raises
        ------
        MissingExtraError
            LightGBM is not installed.
        """
        lightgbm = require_extra("lightgbm", "trees")
        self.classes_, index = class_indices(y)
        self.components_ = PCScores(self.n_components, self.seed)
        scores = self.components_.fit_transform([X] if unlabelled is None else [X, unlabelled])[0]
        self.model_ = lightgbm.LGBMClassifier(
            n_estimators=self.n_trees,
            learning_rate=self.learning_rate,
            num_leaves=7,
            min_child_samples=max(2, len(index) // 50),
            reg_lambda=1.0,
            colsample_bytree=0.5,
            random_state=self.seed,
            n_jobs=1,
            verbose=-1,
        ).fit(scores, index)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return np.asarray(self.model_.predict_proba(self.components_.transform(X)))
