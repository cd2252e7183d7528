"""HWE-EM whose constants come from the labels at hand instead of from other data."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from gds.classifiers.base import PeopleClassifier
from gds.classifiers.mixtures.expected_genotypes import ExpectedGenotypes
from gds.classifiers.mixtures.frequency_prior import ExpectedGenotypePrior, FrequencyPrior, LowRankPrior
from gds.classifiers.mixtures.hwe_mixture import HWEMixture

GRID: Mapping[str, tuple[float, ...]] = {
    "n_components": (6, 12, 24),
    "alpha": (5.0, 20.0, 80.0),
    "temperature": (2.0, 4.0, 8.0),
    "unlabelled_weight": (0.25, 0.5, 1.0),
}
SHARES = (0.0, 0.5, 1.0)  # of a pre-trained model's expected genotypes in the prior, where one is given


class TunedHWEMixture(PeopleClassifier):
    """A Hardy-Weinberg mixture with constants of lowest held-out log-loss, one constant after another.

    Starts from the constants of :class:`~gds.classifiers.mixtures.hwe_mixture.HWEMixture` and tries the values of the
    grid, constant by constant, keeping the best so far: nine fits beside the first, each with its own folds,
    temperature of predictions and choice of EM. Without possible folds the defaults stay.

    Parameters
    ----------
    grid
        Constants and their values; ``n_components`` is that of the low-rank prior.
    expected
        Expected genotypes of a pre-trained model, for the prior (:class:`ExpectedGenotypePrior`), whose ``share`` is
        then tuned too, first of all.
    variants
        As of :class:`~gds.classifiers.mixtures.hwe_mixture.HWEMixture`.
    n_folds, seed
        Folds of the labelled people.

    Attributes
    ----------
    constants_ : dict
        What was chosen.
    losses_ : list of dict
        Every setting tried, with its held-out ``loss``.
    model_ : HWEMixture
        Fitted with what was chosen.
    """

    def __init__(
        self,
        grid: Mapping[str, tuple[float, ...]] = GRID,
        *,
        expected: ExpectedGenotypes | None = None,
        variants: np.ndarray | None = None,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.grid = grid
        self.expected = expected
        self.variants = variants
        self.n_folds = n_folds
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> Self:
        """Fit on labelled and unlabelled training people; parameters as of :meth:`HWEMixture.fit`."""
        constants: dict[str, float] = {
            "n_components": 12, "alpha": 20.0, "temperature": 4.0, "unlabelled_weight": 0.5
        }  # fmt: skip
        grid = dict(self.grid)
        if self.expected is not None:
            constants["share"] = 0.5
            grid = {"share": SHARES, **grid}
        self.losses_: list[dict[str, float]] = []

        def fitted(setting: dict[str, float]) -> tuple[float, HWEMixture]:
            of_prior = ("n_components", "share")
            options: dict[str, Any] = {name: setting[name] for name in setting if name not in of_prior}
            prior: FrequencyPrior = LowRankPrior(int(setting["n_components"]), seed=self.seed)
            if self.expected is not None:
                prior = ExpectedGenotypePrior(
                    self.expected, setting["share"], int(setting["n_components"]), self.seed
                )
            model = HWEMixture(
                **options, prior=prior, variants=self.variants, n_folds=self.n_folds, seed=self.seed
            )
            model.fit(X, y, unlabelled=unlabelled, groups=groups)
            used = "em" if model.n_iterations_ else "no em"
            loss = model.held_out_loss_.get(used, np.inf)
            self.losses_.append({**setting, "loss": loss})
            return loss, model

        loss, self.model_ = fitted(constants)
        if np.isfinite(loss):
            for name, values in grid.items():
                for value in values:
                    setting = {**constants, name: value}
                    if setting == constants or any(
                        setting.items() <= tried.items() for tried in self.losses_
                    ):
                        continue
                    other, model = fitted(setting)
                    if other < loss:
                        loss, constants, self.model_ = other, setting, model
        self.constants_, self.classes_ = constants, self.model_.classes_
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return self.model_.predict_proba(X)
