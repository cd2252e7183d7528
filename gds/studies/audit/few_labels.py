"""The audit that follows every few-label run of two classes."""

from pathlib import Path

import pandas as pd

from gds.studies.audit.cohort import cohort_of_prepared
from gds.studies.audit.report import write_audit
from gds.studies.audit.run import AuditOptions, audit_cohort
from gds.studies.few_labels.result import FewLabelResult
from gds.studies.few_labels.task import FewLabelTask

SMALLEST_CLASS = 10


def audit_few_labels(
    task: FewLabelTask, result: FewLabelResult, folder: str | Path, seed: int = 0
) -> list[str]:
    """Audit the cohort of a run, and what its first genetic method predicts for the test people.

    The audit sees all labels of the cohort, those hidden from the run too; it comes last, and nothing of it
    reaches a model. The method is the one that the run saves, without encoders ridge on dosages: not the one
    that did best on these people.

    Parameters
    ----------
    task, result
        Of the run.
    folder
        For ``metrics.json`` and ``report.html``.
    seed
        Of folds and permutations.

    Returns
    -------
    list of str
        The lines that a user should see; why there was no audit, where there was none.
    """
    if len(task.class_names) != 2:
        return [f"audit: not done, it is of two classes and this run has {len(task.class_names)}"]
    people = task.cohort.people
    counts = people.loc[people["split"].isin(["train", "test"]), "label"].value_counts()
    if min(counts.get(label, 0) for label in (0, 1)) < SMALLEST_CLASS:
        return [f"audit: not done, a class has fewer than {SMALLEST_CLASS} labelled people"]
    method = result.classifier_name or "ridge on dosages"
    predictions = pd.Series(result.probabilities[method][:, 1], index=task.test)
    cohort = cohort_of_prepared(task.cohort, predictions=predictions)
    audit = audit_cohort(cohort, AuditOptions(seed=seed))
    return write_audit(audit, folder)
