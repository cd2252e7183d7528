"""Classes of real and of synthetic people, from tables."""

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.studies.new_cohort import column_of, phenotypes_of
from gds.studies.synthetic.genotypes import SETS, ThreeSets

Labelled = tuple[np.ndarray, np.ndarray]


def labelled_sets(
    sets: ThreeSets, labels: str, synthetic_labels: str, column: str
) -> tuple[Labelled, Labelled, Labelled]:
    """Dosages and classes of training, held-out and synthetic people; those without a class are left out.

    Parameters
    ----------
    sets
        The people.
    labels, synthetic_labels
        Tables of the real and of the synthetic people.
    column
        Of the class, in both tables.

    Raises
    ------
    UserError
        Rows are haplotypes, a table has none of these people, or has no such column.
    """
    if sets.unit != "people":
        raise UserError("utility is that of people: give --unit people")
    found = []
    for name, path in zip(SETS, (labels, labels, synthetic_labels), strict=True):
        classes = column_of(phenotypes_of(pd.Index(sets.ids[name]), path), column)
        known = classes.notna().to_numpy()
        found.append((getattr(sets, name)[known], classes[known].astype(str).to_numpy()))
    return found[0], found[1], found[2]
