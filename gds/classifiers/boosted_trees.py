"""Gradient-boosted trees on principal components: whether anything is not linear."""

from typing import Any, Self

import numpy as np

from gds.classifiers.base import PeopleClassifier
from gds.classifiers.calibration import choose_by_held_out, tempered
from gds.classifiers.components.representation import PCScores
from gds.classifiers.inner_folds import inner_folds
from gds.classifiers.linear.tuned_logistic import class_indices
from gds.errors import require_extra


class BoostedTrees(PeopleClassifier):
    """LightGBM on the leading components of all training people, with few, small, strongly regularised trees.

    Nothing about the trees is tuned: folds of few labels choose them badly. Folds set the temperature of the
    probabilities, which boosting makes too sure.

    Parameters
    ----------
    n_components
        Components.
    n_trees, learning_rate
        Trees a class and the weight of each.
    n_folds
        Folds of the labelled people.
    seed
        Of the folds, and of the columns that a tree sees.

    Attributes
    ----------
    temperature_ : float
        Of predictions; 1 without folds.
    """

    def __init__(
        self,
        n_components: int = 20,
        *,
        n_trees: int = 100,
        learning_rate: float = 0.05,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.n_components = n_components
        self.n_trees = n_trees
        self.learning_rate = learning_rate
        self.n_folds = n_folds
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
            Families of the labelled people, kept within one fold.

        Raises
        ------
        MissingExtraError
            LightGBM is not installed.
        """
        self.classes_, index = class_indices(y)
        self.components_ = PCScores(self.n_components, self.seed)
        scores = self.components_.fit_transform([X] if unlabelled is None else [X, unlabelled])[0]

        def evidence(train: np.ndarray, held_out: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
            return {"trees": self._evidence(self._grown(scores[train], index[train]), scores[held_out])}

        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        self.temperature_ = choose_by_held_out(index, folds, evidence)[1] if folds else 1.0
        self.model_ = self._grown(scores, index)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        evidence, log_prior = self._evidence(self.model_, self.components_.transform(X))
        return np.exp(tempered(evidence, log_prior, self.temperature_))

    def _grown(self, scores: np.ndarray, index: np.ndarray) -> Any:
        lightgbm = require_extra("lightgbm", "trees")
        return lightgbm.LGBMClassifier(
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

    @staticmethod
    def _evidence(model: Any, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log probabilities of the trees, and no prior: the trees have learned it."""
        probabilities = np.asarray(model.predict_proba(scores))
        return np.log(np.maximum(probabilities, 1e-12)), np.zeros(probabilities.shape[1])
