"""Does something that is no genotype predict the label, and does the genetic result live on it?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gds.evaluation.auroc import StratifiedAuroc, many_aurocs, stratified_auroc
from gds.studies.audit.held_out import fold_blocks
from gds.studies.audit.permutation import adjusted_p_values
from gds.studies.audit.results import Result
from gds.studies.audit.sources import Source

RULE = (
    "A source is above chance by permutation of the labels, families whole, adjusted for the number of sources by the "
    "largest statistic. The loss is what a result's AUROC loses when only people alike in the source are compared. A "
    "technical source (batch, plate, missing calls) or ancestry that is above chance confounds, unless the result "
    "stays above chance among people alike in it, loses nothing that can be shown, and is better than the source "
    "alone. Covariates such as sex and age may predict a disease; they confound where a result loses without them."
)
SURVIVES = 0.05  # one-sided level at which a result must still be above chance within a source


def score_sources(
    sources: Sequence[Source],
    labels: np.ndarray,
    permuted: np.ndarray,
    folds: np.ndarray,
    groups: np.ndarray,
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """How well each source alone predicts the label, over the same folds.

    Parameters
    ----------
    sources
        Batches, covariates, ancestry, missingness.
    labels
        0 or 1, (sample,).
    permuted
        Labels under chance, (sample, permutation).
    folds, groups
        Fold and family of each person, (sample,).

    Returns
    -------
    table : pandas.DataFrame
        Index ``source``; columns ``kind``, ``auroc``, ``lower``, ``upper``, ``chance`` (mean of permutations),
        ``p_value`` (adjusted).
    scores : dict
        Source to its held-out score, (sample,).
    """
    blocks = fold_blocks(folds)
    both = np.column_stack([labels, permuted])
    scores, rows, observed, chance = {}, {}, [], []
    for source in sources:
        held_out = source.hat.held_out(both, blocks)
        scores[source.name] = held_out[:, 0]
        found = stratified_auroc(labels, held_out[:, 0], folds, groups)
        under_chance = many_aurocs(permuted, held_out[:, 1:], folds)
        lower, upper = found.interval()
        rows[source.name] = {
            "kind": source.kind, "auroc": found.value, "lower": lower, "upper": upper, "chance": under_chance.mean(),
        }  # fmt: skip
        observed.append(found.value)
        chance.append(under_chance)
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("source")
    table["p_value"] = adjusted_p_values(np.array(observed), np.array(chance))
    return table, scores


def effects_on_results(
    results: Sequence[Result],
    sources: Sequence[Source],
    alone: pd.DataFrame,
    scores: Mapping[str, np.ndarray],
    folds: np.ndarray,
    alpha: float,
) -> pd.DataFrame:
    """What becomes of each result among people who are alike in each source.

    Parameters
    ----------
    results
        Under audit.
    sources, alone, scores
        As :func:`score_sources` takes and returns them.
    folds
        Of the sources' scores, (sample,).
    alpha
        Chance of any false alarm over all rows.

    Returns
    -------
    pandas.DataFrame
        Columns ``result``, ``source``, ``kind``, ``raw``, ``adjusted``, ``adjusted_lower``, ``adjusted_upper``,
        ``loss``, ``loss_p``, ``gain_over_source``, ``gain_p``, ``reading`` (:data:`READINGS`).
    """
    each = alpha / max(1, len(results) * len(sources))
    rows = []
    for result in results:
        raw = result.auroc()
        for source in sources:
            mine = scores[source.name][result.rows]
            levels = source.strata(scores[source.name], folds)[result.rows]
            adjusted = result.auroc(levels)
            rival = stratified_auroc(result.labels, mine, folds[result.rows], result.groups)
            loss, _, loss_p = raw.minus(adjusted)
            gain, _, gain_p = raw.minus(rival)
            above_chance = bool(alone.loc[source.name, "p_value"] < alpha)
            rows.append(
                {
                    "result": result.name,
                    "source": source.name,
                    "kind": source.kind,
                    "raw": raw.value,
                    "adjusted": adjusted.value,
                    "adjusted_lower": adjusted.interval()[0],
                    "adjusted_upper": adjusted.interval()[1],
                    "loss": loss,
                    "loss_p": loss_p,
                    "gain_over_source": gain,
                    "gain_p": gain_p,
                    "reading": _reading(source, above_chance, adjusted, loss_p, gain_p, each),
                }
            )
    return pd.DataFrame(rows)


def _reading(
    source: Source, above_chance: bool, adjusted: StratifiedAuroc, loss_p: float, gain_p: float, alpha: float
) -> str:
    """One of: at chance; predicts, but explains nothing; confounds; cannot be separated."""
    if not above_chance:
        return "at chance"
    if np.isnan(adjusted.value):
        return "cannot be separated"
    loses = loss_p < alpha
    if source.kind == "covariate":
        return "confounds" if loses else "predicts, but explains nothing"
    survives = adjusted.lower_bound(SURVIVES) > 0.5
    return "confounds" if loses or not survives or not gain_p < SURVIVES else "predicts, but explains nothing"
