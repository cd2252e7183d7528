"""The genetic part of a result against what the heritability of the disease allows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gds.evaluation.auroc import StratifiedAuroc, smallest_detectable_auroc
from gds.evaluation.calibration import wilson_interval
from gds.evaluation.ceiling import accuracy_ceiling, auroc_ceiling
from gds.studies.audit.cohort import AuditCohort
from gds.studies.audit.held_out import fold_blocks
from gds.studies.audit.results import Result
from gds.studies.audit.sources import Source


@dataclass(frozen=True)
class CeilingCheck:
    """Results among people alike in covariates, principal components and ancestry.

    Attributes
    ----------
    ceiling
        Of the AUROC, at the stated prevalence and heritability; None where they are not stated.
    adjusted
        Name of each result to its AUROC among such people.
    table
        Index ``result``; columns ``auroc``, ``lower``, ``upper``, ``accuracy``, ``accuracy_lower``, ``accuracy_upper``,
        ``case_fraction``, ``accuracy_ceiling``. Accuracy is of scores above one half, without any adjustment.
    detectable
        Smallest AUROC that the first result's people show with 80 % power at level .05.
    """

    ceiling: float | None
    adjusted: dict[str, StratifiedAuroc]
    table: pd.DataFrame
    detectable: float


def check_ceiling(
    cohort: AuditCohort,
    results: Sequence[Result],
    adjustment: Source,
    labels: np.ndarray,
    folds: np.ndarray,
    ancestry: np.ndarray,
) -> CeilingCheck:
    """Take covariates and ancestry out of each result and hold what is left against the ceiling.

    Sex and age may lift a result above the ceiling by right, which is one of the genotypes alone; so does ancestry
    where prevalences differ. What remains among people alike in them may not.

    Parameters
    ----------
    cohort
        With prevalence and heritability, or without.
    results
        Under audit.
    adjustment
        Covariates and principal components.
    labels, folds, ancestry
        Of everyone, (sample,).
    """
    propensity = adjustment.hat.held_out(labels, fold_blocks(folds))
    alike = adjustment.strata(propensity, folds)
    K, h2 = cohort.prevalence, cohort.heritability
    ceiling = None if K is None or h2 is None else auroc_ceiling(K, h2)
    adjusted, rows = {}, {}
    for result in results:
        found = result.auroc(alike[result.rows], ancestry[result.rows])
        adjusted[result.name] = found
        correct = int(((result.score > 0.5) == (result.labels == 1)).sum())
        share = float(result.labels.mean())
        low, high = wilson_interval(np.array(correct), np.array(len(result.labels)))
        rows[result.name] = {
            "auroc": found.value, "lower": found.interval()[0], "upper": found.interval()[1],
            "accuracy": correct / len(result.labels), "accuracy_lower": float(low), "accuracy_upper": float(high),
            "case_fraction": share,
            "accuracy_ceiling": np.nan if K is None or h2 is None else accuracy_ceiling(K, h2, share),
        }  # fmt: skip
    n_cases = int(results[0].labels.sum())
    detectable = smallest_detectable_auroc(n_cases, len(results[0].labels) - n_cases)
    return CeilingCheck(
        ceiling, adjusted, pd.DataFrame.from_dict(rows, orient="index").rename_axis("result"), detectable
    )
