"""People unlike those a model learned from: flagged in every table of predictions, and counted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gds.classifiers.polygenic.score_file import LinearScore
from gds.errors import UserError
from gds.features.featurizer import Featurizer
from gds.features.training_distribution import QUANTILE, TrainingDistribution
from gds.genotypes import GenotypeSource
from gds.genotypes.align import match_variants
from gds.studies.few_labels.task import FewLabelTask

RULE = (
    "Out of distribution: farther from the training people, in principal components and in what these leave over, than "
    f"{QUANTILE:.0%} of them are when projected like strangers. About {1 - QUANTILE:.0%} of people like those of "
    "training are flagged by chance; people of a population that lies among those of training are not flagged."
)
NOT_ASSESSED = "not assessed"
USE = "research only, not for clinical use"  # a column of tables, which hold no other words
FLAGS = ("yes", "no", NOT_ASSESSED)


@dataclass(frozen=True)
class Outliers:
    """Who is unlike the training people.

    Attributes
    ----------
    table
        Indexed by id: ``distance`` (squared, NaN where not assessed), ``out_of_distribution`` (:data:`FLAGS`).
    distribution
        Of the training people; None: nobody could be assessed.
    why
        The reason for that, or "".
    """

    table: pd.DataFrame
    distribution: TrainingDistribution | None
    why: str = ""

    def counts(self) -> dict[str, int]:
        """People by flag."""
        return {name: int((self.table["out_of_distribution"] == name).sum()) for name in FLAGS}

    @property
    def is_warning(self) -> bool:
        """Whether anybody is flagged, or nobody could be assessed."""
        counts = self.counts()
        return counts["yes"] > 0 or counts[NOT_ASSESSED] == len(self.table)

    def text(self, who: str = "people") -> str:
        """The counts in words."""
        counts = self.counts()
        if counts[NOT_ASSESSED] == len(self.table):
            return f"whether {who} are unlike those of training was not assessed: {self.why}"
        text = f"out of distribution: {counts['yes']} of {len(self.table)} {who} are unlike those of training"
        if counts[NOT_ASSESSED]:
            text += f", {counts[NOT_ASSESSED]} could not be assessed"
        return f"{text}; do not rely on what is predicted for them" if counts["yes"] else text

    def line(self, who: str = "people") -> str:
        """The counts as a line for the screen."""
        return f"warning: {self.text(who)}" if self.is_warning else self.text(who)

    def record(self) -> dict[str, Any]:
        """For ``metrics.json``: counts and the rule."""
        return {"people": self.counts(), "rule": RULE, **({"why": self.why} if self.why else {})}


def assess(
    distribution: TrainingDistribution | None,
    source: GenotypeSource,
    why: str = "the model has no such record",
) -> Outliers:
    """Distance and flag of everyone.

    Parameters
    ----------
    distribution
        Of the model; None: nobody can be assessed.
    source
        Genotypes whose variants are those of the featurizer, in its order.
    why
        Why there is no distribution.
    """
    ids = pd.Index(source.samples["id"].astype(str), name="id")
    if distribution is None:
        return _flagged(ids, np.full(len(ids), np.nan), None, why)
    return _flagged(ids, distribution.distance(source.read(distribution.variant_index)), distribution)


def outliers_of_test(task: FewLabelTask, featurizer: Featurizer | LinearScore, seed: int = 0) -> Outliers:
    """Flag the test people of a task, by its training people, labelled or not, in the variants of a featurizer."""
    source = task.cohort.source()
    columns = match_variants(source.variants, featurizer.variants_)
    kept = task.cohort.kept_variants()
    places = np.flatnonzero(np.isin(columns, kept[task.pruned]))
    here = np.searchsorted(kept, columns[places])
    ids = pd.Index(task.test, name="id")
    try:
        training = task.dosages(np.concatenate([task.few, task.unlabelled]))[:, here]
        distribution = TrainingDistribution.fit(training, places, seed)
    except UserError as error:
        return _flagged(ids, np.full(len(ids), np.nan), None, str(error))
    used = here[np.searchsorted(places, distribution.variant_index)]
    return _flagged(ids, distribution.distance(task.dosages(task.test)[:, used]), distribution)


def _flagged(
    ids: pd.Index, distance: np.ndarray, distribution: TrainingDistribution | None, why: str = ""
) -> Outliers:
    flag = np.full(len(ids), NOT_ASSESSED, dtype=object)
    known = np.isfinite(distance)
    if distribution is not None:
        flag[known] = np.where(distribution.is_outside(distance[known]), "yes", "no")
        why = "" if known.any() else "too few of the variants are there"
    return Outliers(
        pd.DataFrame({"distance": distance, "out_of_distribution": flag}, index=ids), distribution, why
    )
