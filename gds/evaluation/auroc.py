r"""AUROC from pairs of people of the same stratum, with an exact influence of every person.

Within a stratum (a batch, an ancestry, a fold) a case and a control are alike in what defines it, so whatever
tells them apart there is something else. With W_s the pairs of stratum s that the score orders correctly
(ties one half),

AUC = sum_s W_s / sum_s n1_s n0_s,

the covariate-adjusted AUC of Janes and Pepe 2009 (Biometrika 96:371) with strata weighted by their pairs. Its
variance is that of a sum over people (DeLong et al. 1988, Biometrics 44:837; with one stratum it is theirs),
so two AUCs of the same people, or of different strata of them, are compared by the difference of influences.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from gds.errors import UserError


@dataclass(frozen=True)
class StratifiedAuroc:
    """An AUROC and what each person contributes to its error.

    Attributes
    ----------
    value
        NaN where no stratum holds both classes: not estimable.
    influence
        float64, shape (sample,): the standard error is the root of the sum of squares.
    n_pairs
        Pairs of a case and a control that were compared.
    groups
        Family of each person, shape (sample,), whose influences are summed before squaring; None: all alone.
    """

    value: float
    influence: np.ndarray
    n_pairs: int
    groups: np.ndarray | None = None

    @property
    def standard_error(self) -> float:
        """Of the value; NaN where a class has fewer than two people."""
        return _root_of_squares(self.influence, self.groups)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided Wald interval, within 0 and 1; NaN where not estimable."""
        half = float(ndtri((1 + level) / 2)) * self.standard_error
        return float(np.clip(self.value - half, 0, 1)), float(np.clip(self.value + half, 0, 1))

    def lower_bound(self, alpha: float) -> float:
        """One-sided: the value exceeds it with probability 1 - alpha; NaN where not estimable."""
        return self.value + float(ndtri(alpha)) * self.standard_error

    def minus(self, other: "StratifiedAuroc") -> tuple[float, float, float]:
        """Difference to another AUROC of the same people, its standard error, one-sided p of no excess."""
        difference = self.value - other.value
        error = _root_of_squares(self.influence - other.influence, self.groups)
        if not error > 0:
            return difference, error, float("nan") if np.isnan(difference) else float(difference <= 0)
        return difference, error, float(ndtr(-difference / error))


def stratified_auroc(
    labels: np.ndarray,
    score: np.ndarray,
    strata: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> StratifiedAuroc:
    """AUROC over pairs of the same stratum.

    Parameters
    ----------
    labels
        0 or 1, shape (sample,).
    score
        Higher for class 1, shape (sample,); without NaN.
    strata
        Codes or names, shape (sample,); None: one stratum.
    groups
        Families, for the standard error, shape (sample,).

    Raises
    ------
    UserError
        Labels other than 0 and 1, or a score that is not finite.
    """
    labels, score = np.asarray(labels), np.asarray(score, dtype=np.float64)
    if not np.isin(labels, (0, 1)).all():
        raise UserError(f"labels must be 0 or 1, found {labels[~np.isin(labels, (0, 1))][0]}")
    if not np.isfinite(score).all():
        raise UserError(f"the score of row {int(np.flatnonzero(~np.isfinite(score))[0])} is not finite")
    wins, opponents = np.zeros(len(labels)), np.zeros(len(labels))
    for rows in rows_of_strata(strata, len(labels)):
        case = labels[rows] == 1
        n_cases, n_controls = int(case.sum()), int((~case).sum())
        rank = rankdata(score[rows])
        # Controls below each case, and cases above each control, ties counting one half.
        own = np.empty(len(rows))
        own[case], own[~case] = rankdata(score[rows][case]), rankdata(score[rows][~case])
        wins[rows] = np.where(case, rank - own, n_cases - (rank - own))
        opponents[rows] = np.where(case, n_controls, n_cases)
    case = labels == 1
    n_pairs = int(opponents[case].sum())
    if not n_pairs:
        return StratifiedAuroc(float("nan"), np.full(len(labels), np.nan), 0, groups)
    value = float(wins[case].sum() / n_pairs)
    influence = (wins - value * opponents) / n_pairs
    for chosen in (case, ~case):
        n = int((opponents[chosen] > 0).sum())
        # The small-sample factor of DeLong's variance components.
        influence[chosen] *= np.sqrt(n / (n - 1)) if n > 1 else np.nan
    return StratifiedAuroc(value, influence, n_pairs, groups)


def many_aurocs(labels: np.ndarray, scores: np.ndarray, strata: np.ndarray | None = None) -> np.ndarray:
    """The AUROC of each column, without errors: for permutations.

    Parameters
    ----------
    labels
        0 or 1, shape (sample, column).
    scores
        Shape (sample, column).
    strata
        As in :func:`stratified_auroc`; shape (sample,).

    Returns
    -------
    numpy.ndarray
        float64, shape (column,); NaN where no stratum holds both classes.
    """
    won, pairs = np.zeros(labels.shape[1]), np.zeros(labels.shape[1])
    for rows in rows_of_strata(strata, len(labels)):
        case = labels[rows] == 1
        n_cases = case.sum(axis=0)
        ranks = rankdata(scores[rows], axis=0)
        won += (ranks * case).sum(axis=0) - n_cases * (n_cases + 1) / 2
        pairs += n_cases * (len(rows) - n_cases)
    return np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0)


def rows_of_strata(strata: np.ndarray | None, n: int) -> list[np.ndarray]:
    """Row indices of each stratum; all rows where there are none."""
    if strata is None:
        return [np.arange(n)]
    code = np.unique(strata, return_inverse=True)[1]
    order = np.argsort(code, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(code[order])) + 1)


def combined_strata(*strata: np.ndarray) -> np.ndarray:
    """Codes of people who agree in all of the given strata, int64 (sample,)."""
    code = np.zeros(len(strata[0]), dtype=np.int64)
    for each in strata:
        level = np.unique(each, return_inverse=True)[1]
        code = np.unique(code * (level.max(initial=0) + 1) + level, return_inverse=True)[1]
    return code


def smallest_detectable_auroc(
    n_cases: int, n_controls: int, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """AUROC that a one-sided test against .5 finds with the given power.

    Uses the variance without signal, (n1 + n0 + 1) / (12 n1 n0) (Mann and Whitney 1947).
    """
    if min(n_cases, n_controls) < 1:
        return 1.0
    error = np.sqrt((n_cases + n_controls + 1) / (12 * n_cases * n_controls))
    return float(min(1.0, 0.5 + (ndtri(1 - alpha) + ndtri(power)) * error))


def _root_of_squares(influence: np.ndarray, groups: np.ndarray | None) -> float:
    if groups is not None:
        influence = np.bincount(np.unique(groups, return_inverse=True)[1], weights=influence)
    return float(np.sqrt(np.square(influence).sum()))
