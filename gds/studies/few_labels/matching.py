"""A few-label task whose cases and controls are alike in some columns."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gds.errors import UserError
from gds.studies.audit.matching import matched_rows, matching_strata
from gds.studies.few_labels.task import FewLabelTask


def matched_task(task: FewLabelTask, columns: Sequence[str], seed: int = 0) -> FewLabelTask:
    """Frequency-match the labelled few, and the test people, each among themselves.

    Labelled people left out become unlabelled ones; test people left out are not tested. Hidden labels take no part.

    Parameters
    ----------
    task
        Of two classes.
    columns
        Of the table of people; text and codes level by level, numbers by fifths, missing ones a level of their own.
    seed
        Of the choice among people who are alike.

    Raises
    ------
    UserError
        No such column, more classes, or nobody can be matched.
    """
    if len(task.class_names) != 2:
        raise UserError(f"--match is for two classes, this label has {len(task.class_names)}")
    people = task.cohort.people
    labelled = np.concatenate([task.few, task.test])
    strata = matching_strata(people.loc[labelled], columns)
    n_few = len(task.few)
    few = matched_rows(task.labels_few, strata[:n_few], seed)
    test = matched_rows(task.labels_test, strata[n_few:], seed)
    left_out = np.setdiff1d(np.arange(n_few), few)
    unlabelled = np.concatenate([task.unlabelled, task.few[left_out]])
    note = (
        f"Matched on {', '.join(columns)}: {len(few)} of {n_few} labelled and {len(test)} of {len(task.test)} test "
        "people are kept"
    )
    return replace(
        task, few=task.few[few], labels_few=task.labels_few[few], test=task.test[test],
        labels_test=task.labels_test[test],
        unlabelled=unlabelled[np.argsort(people.index.get_indexer(unlabelled), kind="stable")],
        notes=(*task.notes, note),
    )  # fmt: skip
