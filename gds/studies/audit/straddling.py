r"""Test people with a relative in training: who they are, and whether the relative gives their label away.

A relative in training matters where it moves a test person's score towards that person's own label. With s the score
and s' the score learned without any relative of a test person, and y the label,

g_i = (2 y_i - 1) (s_i - s'_i - c),

c the median shift of the test people who have no relative there. Its sum over families is held against its own
standard error (Student's t, families being independent): strangers taken for relatives move scores as often to the
wrong side.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from gds.evaluation.auroc import StratifiedAuroc, stratified_auroc
from gds.studies.audit.held_out import HatMatrix


@dataclass(frozen=True)
class Straddling:
    """Relatives on both sides of a split.

    Attributes
    ----------
    n_tested, n_related
        Test people, and those of them with a relative in training.
    with_them, without
        AUROC on the split as it is, and learned without those relatives; None where there are none, or the test people
        are of one class.
    p_value
        One-sided, that relatives move scores towards the right label; NaN with fewer than two families.
    """

    n_tested: int
    n_related: int
    with_them: StratifiedAuroc | None
    without: StratifiedAuroc | None
    p_value: float


def straddling_relatives(
    hat: HatMatrix, labels: np.ndarray, families: np.ndarray, is_test: np.ndarray
) -> Straddling:
    """Learn with and without the relatives of test people.

    Parameters
    ----------
    hat
        Of the genotypes.
    labels
        0 or 1, (sample,).
    families
        Codes shared by relatives, (sample,).
    is_test
        Of the split, bool (sample,).
    """
    related, relatives = related_to_training(families, is_test)
    found = int(related.sum())
    test = np.flatnonzero(is_test)
    if not found or len(np.unique(labels[test])) < 2:
        return Straddling(len(test), found, None, None, float("nan"))
    scores = [
        hat.held_out(labels, [np.flatnonzero(left_out)])[test] for left_out in (is_test, is_test | relatives)
    ]
    mine = related[test]
    shift = scores[0] - scores[1]
    shift = shift - (np.median(shift[~mine]) if not mine.all() else 0.0)
    gain = (2 * labels[test][mine] - 1) * shift[mine]
    with_them, without = (stratified_auroc(labels[test], score, groups=families[test]) for score in scores)
    return Straddling(len(test), found, with_them, without, gain_p_value(gain, families[test][mine]))


def gain_p_value(gain: np.ndarray, families: np.ndarray) -> float:
    """One-sided p-value that the mean of families' sums exceeds 0, by Student's t; NaN for fewer than two."""
    each = pd.Series(gain).groupby(np.asarray(families)).sum().to_numpy()
    if len(each) < 2:
        return float("nan")
    error = each.std(ddof=1) / np.sqrt(len(each))
    if not error > 0:
        return float(each.mean() <= 0)
    return float(student.sf(each.mean() / error, len(each) - 1))


def related_to_training(families: np.ndarray, is_test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Test people with a relative who trains, and those relatives; two boolean arrays (sample,)."""
    trains, tests = (
        pd.Series(side).groupby(families).transform("any").to_numpy() for side in (~is_test, is_test)
    )
    return is_test & trains, ~is_test & tests
