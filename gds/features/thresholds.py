"""From a reconstructed, continuous dosage to 0, 1 or 2, so that genotype frequencies survive.

Few components reconstruct a rare variant as a small bump that never reaches 0.5, so that plain rounding
makes carriers vanish. Two cut points per variant, at the quantiles of the training people's reconstruction
that their genotype counts ask for, keep as many heterozygotes and homozygotes as there were.
"""

import numpy as np

# Reconstructions closer than this are one value: the difference is rounding.
_SAME = np.float32(1e-5)
_USUAL = np.array([0.5, 1.5], dtype=np.float32)
# Bytes of reconstruction held at a time; they stay in the second-level cache.
_RECONSTRUCTION_BYTES = 2**20
# Training people, evenly spaced, whose reconstructions the cut points are quantiles of. So many place the cut
# of a variant with 1 % carriers to within a sixth of their number, without bias.
_CUT_POINT_PEOPLE = 4096


def stand_for_all(n_training: int) -> slice | np.ndarray:
    """Which training people the cut points are fitted on: everyone, or as many as are enough."""
    if n_training <= _CUT_POINT_PEOPLE:
        return slice(None)
    return np.arange(_CUT_POINT_PEOPLE) * n_training // _CUT_POINT_PEOPLE


def quantile_cut_points(
    scores: np.ndarray,
    weights: np.ndarray,
    mean: np.ndarray,
    dosage: np.ndarray,
    genotype_counts: np.ndarray,
) -> np.ndarray:
    """Cut points of a block's variants, from the scores of training people.

    Parameters
    ----------
    scores
        Of unit variance, float32 (channel, sample).
    weights
        What a unit of score adds to each dosage, float32 (variant, channel).
    mean
        Training mean of each dosage, float64 (variant,).
    dosage
        Of the same people, for their missing calls; int8 (variant, sample).
    genotype_counts
        See :func:`fit_cut_points`.

    Returns
    -------
    numpy.ndarray
        float32 (variant, 2).
    """
    n_variants, n_samples = dosage.shape
    # The mean is one more component, which everyone has one of.
    weights = np.column_stack([weights, mean.astype(np.float32)])
    scores = np.concatenate([scores, np.ones((1, n_samples), dtype=np.float32)])
    incomplete = bool(dosage.size) and dosage.min() < 0
    cuts = np.empty((n_variants, 2), dtype=np.float32)
    step = max(1, _RECONSTRUCTION_BYTES // (4 * n_samples))
    buffer = np.empty((min(step, n_variants), n_samples), dtype=np.float32)
    for start in range(0, n_variants, step):
        some = slice(start, start + step)
        reconstruction = np.matmul(weights[some], scores, out=buffer[: n_variants - start])
        observed = np.full(len(reconstruction), n_samples)
        if incomplete:
            missing = dosage[some] < 0
            observed = n_samples - missing.sum(axis=1)
            np.copyto(reconstruction, np.inf, where=missing)
        cuts[some] = fit_cut_points(reconstruction, genotype_counts[some], observed)
    return cuts


def fit_cut_points(
    reconstruction: np.ndarray, genotype_counts: np.ndarray, observed: np.ndarray | None = None
) -> np.ndarray:
    """Cut points at which training people keep their genotype frequencies.

    Where nobody in training is above (or below) a cut, it is the usual 0.5 or 1.5, unless a training person's
    reconstruction lies on its other side. A cut parts no group of equal reconstructions: it goes to the end
    of the group that keeps the counts better.

    Parameters
    ----------
    reconstruction
        Continuous dosages of the training people, or of some that stand for all; infinite where the call is
        missing. float32 (variant, sample); sorted in place.
    genotype_counts
        Number of training people with dosage 0, 1 and 2 (variant, 3).
    observed
        Number of reconstructions that are not infinite (variant,); None: as many as were counted.

    Returns
    -------
    numpy.ndarray
        float32 (variant, 2): at or above the first the dosage is 1, at or above the second 2.
    """
    n_variants = len(reconstruction)
    counted = genotype_counts.sum(axis=1)
    if observed is None:
        observed = counted
    reconstruction[observed == 0] = 0
    reconstruction.sort(axis=1)
    below = np.stack([genotype_counts[:, 0], genotype_counts[:, :2].sum(axis=1)], axis=1)
    # The same share of those who stand for all, to the nearest person.
    total = np.maximum(counted, 1)[:, None]
    below = (below * observed[:, None] + total // 2) // total
    # Nobody is heterozygous: both cuts fall between the same two people, a quarter from either.
    share = np.where((below[:, :1] == below[:, 1:]), (0.25, 0.75), (0.5, 0.5)).astype(np.float32)
    row = np.repeat(np.arange(n_variants), 2)
    cuts = _between(
        reconstruction, row, below.ravel(), observed[row], share.ravel(), np.tile(_USUAL, n_variants)
    )
    cuts = cuts.reshape(n_variants, 2)
    cuts[:, 1] = np.maximum(cuts[:, 1], cuts[:, 0])
    return cuts


def _between(
    ordered: np.ndarray,
    row: np.ndarray,
    below: np.ndarray,
    n: np.ndarray,
    share: np.ndarray,
    usual: np.ndarray,
) -> np.ndarray:
    """Cuts of the first ``n`` values of sorted rows with about ``below`` of them under each; (cut,)."""
    rank = np.clip(below, 1, np.maximum(n - 1, 1))
    lower, upper = ordered[row, rank - 1], ordered[row, np.clip(rank, 0, np.maximum(n - 1, 0))]
    cuts = lower + share * (upper - lower)
    tied = np.flatnonzero((below > 0) & (below < n) & (upper - lower < _SAME))
    if tied.size:
        in_row, length = row[tied], n[tied]
        from_here = upper[tied] - _SAME
        above = np.nextafter(upper[tied] + _SAME, np.float32(np.inf))
        start, stop = _count_below(ordered, np.tile(in_row, 2), np.append(from_here, above)).reshape(2, -1)
        moved = np.where(below[tied] - start <= stop - below[tied], start, stop)
        below = below.copy()
        below[tied] = moved
        rank = np.clip(moved, 1, length - 1)
        cuts[tied] = np.float32(0.5) * (ordered[in_row, rank - 1] + ordered[in_row, rank])
    least, most = ordered[row, 0] - _SAME, ordered[row, np.maximum(n - 1, 0)] + _SAME
    cuts = np.where(below == n, np.maximum(usual, most), cuts)
    cuts = np.where(below == 0, np.minimum(usual, least), cuts)
    return np.where(n == 0, usual, cuts).astype(np.float32)


def _count_below(ordered: np.ndarray, row: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """How many values of sorted rows are below each bound: one bisection for all of them."""
    values, width = ordered.reshape(-1), ordered.shape[1]
    begin = row * width
    position, length = begin.copy(), width
    while length > 1:
        half = length // 2
        position += half * (values[position + (half - 1)] < bound)
        length -= half
    return position + (values[position] < bound) - begin


def apply_cut_points(reconstruction: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Dosages of a reconstruction (sample, variant) at cut points (variant, 2); int8."""
    return (reconstruction >= cuts[:, 0]).astype(np.int8) + (reconstruction >= cuts[:, 1])
