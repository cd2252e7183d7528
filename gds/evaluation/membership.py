"""How well an attack's score tells people trained on from others: AUC, and true positives at few false ones."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import rankdata

from gds.errors import UserError
from gds.evaluation.neighbours import by_person

FALSE_POSITIVE_RATES = (0.001, 0.01, 0.1)
# An operating point with fewer expected false positives is a statement about single people.
_EXPECTED_FALSE_POSITIVES = 10


def membership_figures(
    members: np.ndarray,
    others: np.ndarray,
    *,
    false_positive_rates: Sequence[float] = FALSE_POSITIVE_RATES,
    rows_a_person: int = 1,
    n_bootstrap: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Success of a membership-inference attack.

    An attack that harms a few people surely and the rest not at all has an AUC near .5: hence the true-positive rates
    at low false-positive rates (Carlini et al. 2022). Only rates with at least 10 expected false positives
    are given; the others would rest on a handful of people.

    Parameters
    ----------
    members, others
        Scores of people trained on and of others, shapes (member,) and (other,); higher: more likely a member.
    false_positive_rates
        Shares of others who may be called members. Between two operating points of tied scores the rate is
        interpolated, so a useless attack has a true-positive rate equal to the false-positive rate.
    rows_a_person
        Consecutive rows of one person, e.g. 2 haplotypes: people are independent, their rows are not.
    n_bootstrap
        Resamples of members and of others for the standard errors of the true-positive rates.
    seed
        Seed of the resampling.
    level
        Coverage of the intervals. That of the AUC is DeLong's (1988), by person as Obuchowski's (1997).

    Returns
    -------
    pandas.DataFrame
        Index ``auc``, ``tpr_at_0.1%_fpr`` ...; columns ``value``, ``lower``, ``upper``, ``chance``.
    """
    members, others = (np.asarray(each, dtype=np.float64) for each in (members, others))
    if members.ndim != 1 or others.ndim != 1 or min(len(members), len(others)) < 2:
        raise UserError(
            f"expected scores of at least two members and two others, found {members.shape}, {others.shape}"
        )
    if np.isnan(members).any() or np.isnan(others).any():
        raise UserError("a membership score is NaN")
    auc, error = _auc(members, others, rows_a_person)
    half = ndtri((1 + level) / 2)
    rows = {"auc": [auc, max(auc - half * error, 0), min(auc + half * error, 1), 0.5]}
    rates = [rate for rate in false_positive_rates if rate * len(others) >= _EXPECTED_FALSE_POSITIVES]
    if rates:
        value = _true_positive_rates(members, others, rates)
        rng = np.random.default_rng(seed)
        resampled = [
            _true_positive_rates(
                _resample(members, rows_a_person, rng), _resample(others, rows_a_person, rng), rates
            )
            for _ in range(n_bootstrap)
        ]
        bounds = half * np.std(resampled, axis=0, ddof=1)
        for column, rate in enumerate(rates):
            name = f"tpr_at_{100 * rate:g}%_fpr"
            at, wide = value[column], bounds[column]
            rows[name] = [at, max(at - wide, 0.0), min(at + wide, 1.0), rate]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "lower", "upper", "chance"])


def calibrated_scores(losses: np.ndarray, shadow_losses: np.ndarray, is_out: np.ndarray) -> np.ndarray:
    """How much lower a model's loss on a row is than the loss of models that never saw it.

    score_i = mean over shadows s that are out of i of loss_s(i) - loss(i)

    What makes a row easy or hard for every model cancels; what remains is what this model remembers. It is the offline
    likelihood-ratio attack with one variance for all (Carlini et al. 2022), known as difficulty calibration.

    Parameters
    ----------
    losses
        Of the model attacked, shape (row,).
    shadow_losses
        Of models trained as it was, on other people, shape (shadow, row).
    is_out
        Which shadows count for which row, bool (shadow, row): none that was trained on the row. For the scores of
        members and others to be alike under no leak, as many for each.

    Returns
    -------
    numpy.ndarray
        float64, shape (row,); higher: more likely a member.

    Raises
    ------
    UserError
        Shapes that do not fit, or a row that no shadow is out of.

    Notes
    -----
    Watson et al. 2022, "On the importance of difficulty calibration in membership inference attacks".
    """
    losses, shadow_losses = np.asarray(losses, np.float64), np.asarray(shadow_losses, np.float64)
    is_out = np.asarray(is_out, dtype=bool)
    if losses.ndim != 1 or shadow_losses.shape != is_out.shape or shadow_losses.shape[1:] != losses.shape:
        raise UserError(
            f"expected losses (row,) and shadow losses (shadow, row), found {losses.shape}, {shadow_losses.shape} and "
            f"{is_out.shape}"
        )
    counted = is_out.sum(axis=0)
    if not counted.all():
        raise UserError(f"row {int(np.argmin(counted))} was seen by every shadow model: train more of them")
    return np.where(is_out, shadow_losses, 0.0).sum(axis=0) / counted - losses


def _auc(members: np.ndarray, others: np.ndarray, rows_a_person: int) -> tuple[float, float]:
    """P(member's score > other's) + P(equal) / 2, and its standard error (DeLong et al. 1988)."""
    m, n = len(members), len(others)
    ranks = rankdata(np.concatenate([members, others]))
    # Share of others below each member, and of members above each other person.
    member_wins = by_person((ranks[:m] - rankdata(members)) / n, rows_a_person)
    other_loses = by_person(1 - (ranks[m:] - rankdata(others)) / m, rows_a_person)
    variance = sum(each.var(ddof=1) / len(each) for each in (member_wins, other_loses))
    return float(member_wins.mean()), float(np.sqrt(variance))


def _resample(scores: np.ndarray, rows_a_person: int, rng: np.random.Generator) -> np.ndarray:
    people = scores.reshape(-1, rows_a_person)
    return people[rng.integers(0, len(people), len(people))].ravel()


def _true_positive_rates(members: np.ndarray, others: np.ndarray, rates: Sequence[float]) -> np.ndarray:
    thresholds = np.unique(np.concatenate([members, others]))[::-1]
    false, true = (
        1 - np.searchsorted(np.sort(each), thresholds, side="left") / len(each) for each in (others, members)
    )
    # Where the curve rises at one false-positive rate, np.interp needs its top: the last point of each.
    last = np.r_[np.diff(false) > 0, True]
    return np.interp(rates, np.r_[0.0, false[last]], np.r_[true[false == 0].max(initial=0.0), true[last]])
