"""Polygenic scores in a few-label run: as baselines, and as a prior of ridge regression."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gds.classifiers.polygenic.polygenic_score import PolygenicScore
from gds.classifiers.polygenic.prior_ridge import PriorRidge
from gds.classifiers.polygenic.score_file import LinearScore
from gds.genotypes.counts import allele_frequencies, count_genotypes
from gds.studies.few_labels.result import FewLabelResult
from gds.studies.few_labels.task import FewLabelTask
from gds.studies.polygenic.published_weights import PublishedWeights

OVERLAP = (
    "polygenic scores are only as honest as their study: if people of this cohort, or their relatives, took part in "
    "the GWAS behind the summary statistics, every row that uses them is too good. Nothing in a file of summary "
    "statistics can show that; ask the study, or use results that leave this cohort out"
)


@dataclass(frozen=True)
class PolygenicScores:
    """What a run made of summary statistics, for the page, the record and the saved scores.

    Attributes
    ----------
    lines, record
        As of :class:`~gds.studies.polygenic.published_weights.PublishedWeights`.
    scores
        Method to its fitted linear score; none where its probabilities could not be calibrated.
    """

    lines: list[str]
    record: dict[str, Any]
    scores: dict[str, LinearScore]


def add_polygenic_scores(
    task: FewLabelTask, result: FewLabelResult, published: PublishedWeights, seed: int = 0
) -> None:
    """Add to a few-label run what published effects alone, and together with its labels, predict.

    Labels of the few choose the p-value threshold, the penalty and the amount of prior, each by folds, and calibrate.

    Parameters
    ----------
    task
        People and labels.
    result
        Gets a row a method: clumping and thresholding, LDpred-inf, lassosum, and ridge regression that shrinks towards
        the LDpred-inf effects; and ``published``.
    published
        Candidate weights for the same task.
    seed
        Of the folds.
    """
    people = published.people
    few, unlabelled = people.dosage[: len(task.few)], people.dosage[len(task.few) :]
    y, groups, test = task.labels_few, task.families(task.few), task.dosages(task.test)
    frequency = np.nan_to_num(allele_frequencies(count_genotypes(people.dosage)))

    def linear(weight: np.ndarray, intercept: float, slope: float) -> LinearScore:
        return LinearScore(people.variants, frequency, weight, intercept, slope, task.class_names)

    scores = {}
    for name, (candidates, names) in published.candidates.items():
        model = PolygenicScore(candidates, names, seed=seed)
        model.fit(few, y, unlabelled=unlabelled, groups=groups)
        used = int(np.count_nonzero(model.weight_))
        result.add(name, "baseline", model.predict_proba(test), chosen=model.chosen_, variants=used)
        scores[name] = linear(model.weight_, model.intercept_, model.slope_)
    ridge = PriorRidge(published.prior, seed=seed).fit(few, y, unlabelled=unlabelled, groups=groups)
    name = "ridge towards the GWAS"
    result.add(
        name, "baseline", ridge.predict_proba(test), amount=ridge.amount_, heritability=ridge.heritability_
    )
    if ridge.calibration_ is not None:
        weight = ridge.coef_[:, 0] * ridge.scaler_.scale_
        centre = float(ridge.intercept_[0] - weight @ ridge.scaler_.mean_)
        intercept, slope = (float(each[0]) for each in ridge.calibration_)
        scores[name] = linear(weight, intercept + slope * centre, slope)
    result.warnings.append(OVERLAP)
    result.published = PolygenicScores(published.lines, published.record, scores)


def score_folder(out: str | Path, method: str) -> Path:
    """``OUT/polygenic_scores/prs-clumping`` and so on: where the score of a method is saved."""
    return Path(out) / "polygenic_scores" / method.lower().replace(", ", "-").replace(" ", "-")
