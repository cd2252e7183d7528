"""From a reconstructed, continuous dosage to 0, 1 or 2, so that genotype frequencies survive.

Few components reconstruct a rare variant as a small bump that never reaches 0.5, so that plain rounding
makes carriers vanish. Two cut points per variant, at the quantiles of the training people's reconstruction
that their genotype counts ask for, keep as many heterozygotes and homozygotes as there were.
"""

import numpy as np

# Reconstructions closer than this are one value: the difference is rounding.
_SAME = np.float32(1e-5)
_USUAL = (0.5, 1.5)


def fit_cut_points(reconstruction: np.ndarray, genotype_counts: np.ndarray) -> np.ndarray:
    """Cut points at which training people keep their genotype frequencies.

    Where nobody in training is above (or below) a cut, it is the usual 0.5 or 1.5, unless a training person's
    reconstruction lies on its other side.

    Parameters
    ----------
    reconstruction
        Continuous dosages of the training people; infinite where the call is missing. float32
        (variant, sample); sorted in place.
    genotype_counts
        Number of training people with dosage 0, 1 and 2 (variant, 3).

    Returns
    -------
    numpy.ndarray
        float32 (variant, 2): at or above the first the dosage is 1, at or above the second 2.
    """
    observed = genotype_counts.sum(axis=1)
    reconstruction[observed == 0] = 0
    reconstruction.sort(axis=1)
    variant = np.arange(len(reconstruction))
    below = np.stack([genotype_counts[:, 0], genotype_counts[:, :2].sum(axis=1)], axis=1)
    # Nobody is heterozygous: both cuts fall between the same two people, a quarter from either.
    share = np.where((below[:, :1] == below[:, 1:]), (0.25, 0.75), (0.5, 0.5)).astype(np.float32)
    cuts = np.empty((len(reconstruction), 2), dtype=np.float32)
    for cut in range(2):
        rank = np.minimum(np.maximum(below[:, cut], 1), np.maximum(observed - 1, 1))
        lower, upper = (
            reconstruction[variant, rank - 1],
            reconstruction[variant, np.minimum(rank, observed - 1)],
        )
        cuts[:, cut] = lower + share[:, cut] * (upper - lower)
        inside = (below[:, cut] > 0) & (below[:, cut] < observed)
        for row in np.flatnonzero(~inside | (upper - lower < _SAME)):
            cuts[row, cut] = _cut_outside_ties(
                reconstruction[row, : observed[row]], int(below[row, cut]), _USUAL[cut]
            )
    cuts[:, 1] = np.maximum(cuts[:, 1], cuts[:, 0])
    return cuts


def _cut_outside_ties(values: np.ndarray, below: int, usual: float) -> float:
    """A cut of sorted values that parts no group of equal ones, with about ``below`` of them under it."""
    if 0 < below < len(values):
        tied = values[below]
        start = int(np.searchsorted(values, tied - _SAME, side="left"))
        stop = int(np.searchsorted(values, tied + _SAME, side="right"))
        below = start if below - start <= stop - below else stop
    if not len(values):
        return usual
    if below == 0:
        return min(usual, float(values[0] - _SAME))
    if below == len(values):
        return max(usual, float(values[-1] + _SAME))
    return float(0.5 * (values[below - 1] + values[below]))


def apply_cut_points(reconstruction: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Dosages of a reconstruction (sample, variant) at cut points (variant, 2); int8."""
    return (reconstruction >= cuts[:, 0]).astype(np.int8) + (reconstruction >= cuts[:, 1])
