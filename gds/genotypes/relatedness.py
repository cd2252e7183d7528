"""Groups of relatives, which must stay on one side of every split."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gds.errors import UserError
from gds.genotypes.counts import as_indices, is_autosomal
from gds.genotypes.king import related_pairs
from gds.genotypes.matrix import GenotypeSource
from gds.genotypes.pca import prune_for_pca

# Halfway, on the log scale, between second (1/8) and third (1/16) degree: 2**-3.5.
SECOND_DEGREE = 0.0884
MIN_VARIANTS = 10_000
# A large cluster is a sign of a mistake only where there are people enough to tell.
_SMALLEST_LARGE_CLUSTER = 10


@dataclass(frozen=True)
class Relatives:
    """Who is related to whom.

    Attributes
    ----------
    group
        Strings, shape (sample,): a label shared by relatives, "" for people who are alone.
    method
        ``"family"`` (a family column), ``"king"`` (kinship), or ``"skipped"``.
    pairs
        Columns id1, id2, kinship of the pairs above the threshold; empty unless the method is king.
    report
        Counts, thresholds, and why kinship was skipped where it was.
    """

    group: np.ndarray
    method: Literal["family", "king", "skipped"]
    pairs: pd.DataFrame
    report: dict[str, Any] = field(default_factory=dict)


def find_relatives(
    source: GenotypeSource,
    samples: np.ndarray | None = None,
    *,
    family: np.ndarray | None = None,
    variants: np.ndarray | None = None,
    threshold: float = SECOND_DEGREE,
    min_variants: int = MIN_VARIANTS,
    max_cluster: float = 0.1,
) -> Relatives:
    """Group people by family where that is known, else by KING-robust kinship.

    Kinship from few or linked variants joins nearly everyone, so without ``min_variants`` LD-pruned autosomal
    variants nobody is grouped and the result says so.

    Parameters
    ----------
    source
        Genotypes; all people, before they are split (kinship uses no label).
    samples
        Indices of people, shape (sample,); default all.
    family
        Name of each person's family, "" or "0" if alone; shape (sample,). When given, kinship is not computed.
    variants
        Indices of LD-pruned autosomal variants; default: pruned here, r2 < .2 within 500 kb.
    threshold
        Kinship above which people are relatives; the default takes in the second degree.
    min_variants
        Fewest variants for which kinship is trusted.
    max_cluster
        Largest share of people that one cluster may hold.

    Raises
    ------
    UserError
        One cluster of 10 people or more exceeds ``max_cluster``.
    """
    people = as_indices(samples, len(source.samples), "samples")
    ids = source.samples["id"].astype(str).to_numpy(object)[people]
    no_pairs = pd.DataFrame({"id1": [], "id2": [], "kinship": []})
    if family is not None:
        if len(family) != len(ids):
            raise UserError(f"family names are given for {len(family)} people, there are {len(ids)}")
        group = pd.Series(family).fillna("").astype(str).replace("0", "").to_numpy(object)
        _check_largest(group, max_cluster, "family")
        return Relatives(_without_singletons(group), "family", no_pairs, _counted(group, "family"))

    if variants is None:
        n_autosomal = int(is_autosomal(source.variants["chromosome"].to_numpy(object)).sum())
        if n_autosomal < min_variants:
            return _skipped(len(ids), n_autosomal, min_variants, "autosomal variants", no_pairs)
        variants = prune_for_pca(source, people)
    if len(variants) < min_variants:
        return _skipped(len(ids), len(variants), min_variants, "LD-pruned autosomal variants", no_pairs)
    pairs = related_pairs(source, variants, threshold, people)
    group = _components(pairs, len(ids))
    _check_largest(group, max_cluster, "king")
    report = _counted(group, "king") | {
        "variants": len(variants),
        "threshold": threshold,
        "related_pairs": len(pairs),
    }
    named = pd.DataFrame(
        {"id1": ids[pairs["first"]], "id2": ids[pairs["second"]], "kinship": pairs["kinship"]}
    )
    return Relatives(group, "king", named, report)


def _components(pairs: pd.DataFrame, n_samples: int) -> np.ndarray:
    graph = coo_array(
        (np.ones(len(pairs), dtype=bool), (pairs["first"], pairs["second"])), shape=(n_samples, n_samples)
    )
    label = connected_components(graph, directed=False)[1]
    return _without_singletons(np.array([f"cluster{k + 1}" for k in label], dtype=object))


def _without_singletons(group: np.ndarray) -> np.ndarray:
    size = pd.Series(group).map(pd.Series(group).value_counts())
    return np.where((size > 1) & (group != ""), group, "").astype(object)


def _counted(group: np.ndarray, method: str) -> dict[str, Any]:
    sizes = pd.Series(group[group != ""]).value_counts()
    sizes = sizes[sizes > 1]
    return {
        "method": method,
        "people": len(group),
        "people_with_relatives": int(sizes.sum()),
        "groups": len(sizes),
        "largest_group": int(sizes.max()) if len(sizes) else 1,
    }


def _skipped(n_people: int, found: int, needed: int, what: str, no_pairs: pd.DataFrame) -> Relatives:
    why = (
        f"kinship was skipped: it needs {needed:,} LD-pruned autosomal variants, there are {found:,} {what}. "
        "Relatives may end up on both sides of a split; give a family column if there are families"
    )
    report = {"method": "skipped", "people": n_people, "variants": found, "why": why}
    return Relatives(np.full(n_people, "", dtype=object), "skipped", no_pairs, report)


def _check_largest(group: np.ndarray, max_cluster: float, method: str) -> None:
    sizes = pd.Series(group[group != ""]).value_counts()
    if not len(sizes) or sizes.iloc[0] < _SMALLEST_LARGE_CLUSTER or sizes.iloc[0] <= max_cluster * len(group):
        return
    n, share = int(sizes.iloc[0]), sizes.iloc[0] / len(group)
    if method == "family":
        raise UserError(
            f"{n:,} of {len(group):,} people ({share:.0%}) have the family {sizes.index[0]!r}: people cannot be "
            "split with a group that large. Is this a cohort's name? Give another family column, or none"
        )
    raise UserError(
        f"{n:,} of {len(group):,} people ({share:.0%}) are joined by kinship into one cluster: more than "
        f"{max_cluster:.0%} cannot be real. Linked variants, a contaminated sample or recent inbreeding does this; "
        "give a family column, LD-pruned variants, or a higher kinship threshold"
    )
