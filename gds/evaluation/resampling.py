"""Bootstrap over people, or over families of relatives, such that every resample holds every class."""

import numpy as np

from gds.errors import UserError


def bootstrap_counts(
    labels: np.ndarray, n_bootstrap: int, *, groups: np.ndarray | None = None, seed: int = 0
) -> np.ndarray:
    """How often each person occurs in each resample.

    People are drawn with replacement within their class, so class sizes are those of the sample. With
    groups, whole groups are drawn, within strata of groups that hold the same set of classes: every
    resample then holds every class, and class sizes vary a little.

    Parameters
    ----------
    labels
        Class of each person, shape (sample,).
    n_bootstrap
        Number of resamples.
    groups
        Family or cluster of each person, shape (sample,); None: everyone is alone.
    seed
        Seed of the draws.

    Returns
    -------
    numpy.ndarray
        int32, shape (resample, sample).
    """
    unit, stratum = _units(labels, groups)
    rng = np.random.default_rng(seed)
    n_units = len(stratum)
    counts = np.zeros((n_bootstrap, n_units), dtype=np.int32)
    rows = np.arange(n_bootstrap)[:, None]
    for name in np.unique(stratum):
        members = np.flatnonzero(stratum == name)
        drawn = members[rng.integers(0, len(members), (n_bootstrap, len(members)))]
        flat = np.bincount((rows * n_units + drawn).ravel(), minlength=n_bootstrap * n_units)
        counts += flat.reshape(n_bootstrap, n_units).astype(np.int32)
    return counts[:, unit]


def smallest_number_of_units(labels: np.ndarray, groups: np.ndarray | None = None) -> int:
    """Fewest people (or groups) that any class has; below 2 its part of an interval cannot be estimated."""
    units = np.arange(len(labels)) if groups is None else np.asarray(groups)
    return min(len(np.unique(units[labels == label])) for label in np.unique(labels))


def _units(labels: np.ndarray, groups: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Unit of each person, and stratum of each unit."""
    if groups is None:
        return np.arange(len(labels)), np.asarray(labels)
    groups = np.asarray(groups)
    if groups.shape != labels.shape:
        raise UserError(f"expected one group for each of {len(labels)} people, found shape {groups.shape}")
    unit = np.unique(groups, return_inverse=True)[1]
    holds = np.zeros((unit.max() + 1, int(labels.max()) + 1), dtype=bool)
    holds[unit, labels] = True
    return unit, np.unique(holds, axis=0, return_inverse=True)[1].ravel()
