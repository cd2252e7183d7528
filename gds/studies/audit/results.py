"""The results under audit: scores of people who were not learned from."""

from dataclasses import dataclass

import numpy as np

from gds.evaluation.auroc import StratifiedAuroc, combined_strata, stratified_auroc


@dataclass(frozen=True)
class Result:
    """Scores of one classifier.

    Attributes
    ----------
    name
        As tables say it.
    rows
        The people scored, indices into the cohort, shape (scored,).
    labels, score
        0 or 1, and higher for class 1, shape (scored,).
    base
        Codes of people whose scores are comparable (a fold), shape (scored,).
    groups
        Families, shape (scored,).
    is_genetic
        Whether the score is known to come from genotypes alone.
    """

    name: str
    rows: np.ndarray
    labels: np.ndarray
    score: np.ndarray
    base: np.ndarray
    groups: np.ndarray
    is_genetic: bool

    def auroc(self, *strata: np.ndarray) -> StratifiedAuroc:
        """Over pairs of people of one fold who agree in the given strata, each (scored,)."""
        return stratified_auroc(self.labels, self.score, combined_strata(self.base, *strata), self.groups)
