"""Nearest rows within sets and between them, every pair of sets compared once for all figures that ask."""

from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from gds.evaluation.distances import INFINITE, both_distances, check_alleles, slices

# Neighbours that the balls of precision and recall reach to (Naeem et al. 2020).
K = 5


@dataclass(frozen=True)
class Within:
    """Of each row of a set, over its other rows.

    Attributes
    ----------
    nearest
        City-block distance to the nearest, int32 (row,).
    radius
        Squared Euclidean distance to the k-th nearest, int32 (row,); None if there are not so many.
    kinship
        KING-robust kinship to the closest relative, float64 (row,), NaN where undefined.
    """

    nearest: np.ndarray
    radius: np.ndarray | None
    kinship: np.ndarray


@dataclass(frozen=True)
class Between:
    """Of each row of one set, over the rows of another.

    Attributes
    ----------
    nearest
        City-block distance to the nearest, int32 (row,).
    index
        Which that is, the first of equally near ones, int64 (row,).
    n_balls
        Balls of the other set that it lies in, int64 (row,); None where a set is too small for balls.
    is_covered
        Whether its own ball holds a row of the other set, bool (row,); None likewise.
    kinship
        As in :class:`Within`.
    """

    nearest: np.ndarray
    index: np.ndarray
    n_balls: np.ndarray | None
    is_covered: np.ndarray | None
    kinship: np.ndarray


class Neighbourhoods:
    """Comparisons of sets, remembered.

    Sets are told apart by identity, not by content: hand over the same arrays, int8, for the same sets.

    Parameters
    ----------
    k
        Neighbours that balls reach to.
    """

    def __init__(self, k: int = K) -> None:
        self.k = k
        # The sets are kept too, so that no other array gets the identity of one.
        self._within: dict[int, tuple[np.ndarray, Within]] = {}
        self._between: dict[tuple[int, int], tuple[np.ndarray, np.ndarray, Between]] = {}

    def within(self, x: np.ndarray) -> Within:
        """Compare the rows of a set with each other.

        Parameters
        ----------
        x
            Alleles or dosages, shape (row, variant).
        """
        if id(x) not in self._within:
            self._within[id(x)] = (x, _compare_within(check_alleles(x)[0], self.k))
        return self._within[id(x)][1]

    def between(self, x: np.ndarray, y: np.ndarray) -> Between:
        """Compare each row of a set with all of another.

        Parameters
        ----------
        x, y
            Alleles or dosages, shapes (row, variant) and (other, variant).
        """
        key = id(x), id(y)
        if key not in self._between:
            checked = check_alleles(x, y)
            forth, back = _compare_between(
                checked[0], checked[1], self.within(x).radius, self.within(y).radius
            )
            self._between[key] = (x, y, forth)
            self._between[key[::-1]] = (y, x, back)
        return self._between[key][2]


def _compare_within(x: np.ndarray, k: int) -> Within:
    n = len(x)
    nearest = np.full(n, INFINITE, dtype=np.int32)
    smallest = np.full((n, k), INFINITE, dtype=np.int32)
    kinship = np.full(n, np.nan)
    heterozygous = (x == 1).sum(axis=1)
    pieces = slices(n)
    pairs = [(i, j) for i in range(len(pieces)) for j in range(i, len(pieces))]
    for i, j in tqdm(pairs, desc="distances within", unit="block", delay=5, disable=None):
        city, squared = both_distances(x[pieces[i]], x[pieces[j]])
        if i == j:
            for block in (city, squared):
                np.fill_diagonal(block, INFINITE)
        both = [(i, j, city, squared)] if i == j else [(i, j, city, squared), (j, i, city.T, squared.T)]
        for row, column, city_block, squared_block in both:
            here = pieces[row]
            nearest[here] = np.minimum(nearest[here], city_block.min(axis=1))
            found = np.concatenate([smallest[here], squared_block], axis=1)
            smallest[here] = np.partition(found, k - 1, axis=1)[:, :k]
            closest = _closest_kinship(squared_block, heterozygous[here], heterozygous[pieces[column]])
            kinship[here] = np.fmax(kinship[here], closest)
    return Within(nearest, smallest.max(axis=1) if n > k else None, kinship)


def _compare_between(
    x: np.ndarray, y: np.ndarray, x_radius: np.ndarray | None, y_radius: np.ndarray | None
) -> tuple[Between, Between]:
    nearest = [np.full(len(each), INFINITE, dtype=np.int32) for each in (x, y)]
    index = [np.zeros(len(each), dtype=np.int64) for each in (x, y)]
    n_balls = [np.zeros(len(each), dtype=np.int64) for each in (x, y)]
    is_covered = [np.zeros(len(each), dtype=bool) for each in (x, y)]
    kinship = [np.full(len(each), np.nan) for each in (x, y)]
    heterozygous = [(each == 1).sum(axis=1) for each in (x, y)]
    pairs = [(rows, columns) for rows in slices(len(x)) for columns in slices(len(y))]
    for pair in tqdm(pairs, desc="distances between", unit="block", delay=5, disable=None):
        city, squared = both_distances(x[pair[0]], y[pair[1]])
        if x_radius is not None and y_radius is not None:
            in_x, in_y = squared < x_radius[pair[0], None], squared < y_radius[pair[1]]
            n_balls[0][pair[0]] += in_y.sum(axis=1)
            n_balls[1][pair[1]] += in_x.sum(axis=0)
            is_covered[0][pair[0]] |= in_x.any(axis=1)
            is_covered[1][pair[1]] |= in_y.any(axis=0)
        for side, city_block, squared_block in ((0, city, squared), (1, city.T, squared.T)):
            here, there = pair[side], pair[1 - side]
            first = city_block.argmin(axis=1)
            distance = np.take_along_axis(city_block, first[:, None], axis=1)[:, 0]
            # Blocks come in order, so that an equally near row of an earlier one stays.
            nearer = distance < nearest[side][here]
            index[side][here] = np.where(nearer, first + there.start, index[side][here])
            nearest[side][here] = np.where(nearer, distance, nearest[side][here])
            closest = _closest_kinship(squared_block, heterozygous[side][here], heterozygous[1 - side][there])
            kinship[side][here] = np.fmax(kinship[side][here], closest)
    has_balls = x_radius is not None and y_radius is not None
    forth, back = (
        Between(
            nearest[side],
            index[side],
            n_balls[side] if has_balls else None,
            is_covered[side] if has_balls else None,
            kinship[side],
        )
        for side in (0, 1)
    )
    return forth, back


def _closest_kinship(squared: np.ndarray, heterozygous: np.ndarray, others: np.ndarray) -> np.ndarray:
    """KING-robust kinship of each row to its closest relative among the columns of a block.

    Parameters
    ----------
    squared
        Squared Euclidean distances, int32 (row, other); :data:`INFINITE` counts as nobody.
    heterozygous, others
        Heterozygous variants of the rows and of the columns.

    Returns
    -------
    numpy.ndarray
        float64 (row,), NaN where nobody, or a pair without heterozygotes, leaves nothing to compare.
    """
    fewest = np.minimum(heterozygous[:, None], others)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = squared / fewest.astype(np.float32)
    ratio[(fewest == 0) | (squared == INFINITE)] = np.inf
    closest = ratio.argmin(axis=1)[:, None]
    distance, fewest = (np.take_along_axis(each, closest, axis=1)[:, 0] for each in (squared, fewest))
    is_known = (fewest > 0) & (distance < INFINITE)
    return np.where(is_known, 0.5 - distance / (4.0 * np.maximum(fewest, 1)), np.nan)
