"""Linkage disequilibrium: squared correlation of dosages, and pruning by it."""

from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

from gds.errors import UserError
from gds.genotypes.counts import allele_frequencies, as_indices, count_genotypes, read_dosage
from gds.genotypes.matrix import GenotypeSource

# Dosages of one piece; products are float32, exact for integers below 2**24, so up to four million people.
_PIECE_BYTES = 2**26
# Major allele frequencies this close are equal, as in PLINK 2.
_SAME_FREQUENCY = 2.0**-44


def squared_correlation(dosage: np.ndarray, other: np.ndarray | None = None) -> np.ndarray:
    """r2 of the dosages of pairs of variants, over the people who have both (unphased, as ``plink --r2``).

    Parameters
    ----------
    dosage
        int8, shape (sample, variant), -1 missing.
    other
        int8, shape (sample, other), of the same people; default ``dosage`` itself.

    Returns
    -------
    numpy.ndarray
        float64, shape (variant, other); NaN where either is constant among the people who have both.
    """
    covariance, variances = _moments(dosage, dosage if other is None else other)
    return np.divide(
        covariance**2, variances, out=np.full(covariance.shape, np.nan), where=variances > 0
    )  # fmt: skip


def _moments(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariance, and product of the variances, of each pair, times n**2 and n**4 (integers, so exact)."""
    x_seen, y_seen = x >= 0, y >= 0
    x_values, y_values = (np.where(seen, d, 0).astype(np.float32) for d, seen in ((x, x_seen), (y, y_seen)))

    def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a.T @ b).astype(np.float64)

    dot = product(x_values, y_values)
    if x_seen.all() and y_seen.all():
        n: np.ndarray | float = float(len(x))
        x_sum, x_square = (product(x_values**k, np.ones((len(x), 1), np.float32)) for k in (1, 2))
        y_sum, y_square = (product(np.ones((len(y), 1), np.float32), y_values**k) for k in (1, 2))
    else:
        x_mask, y_mask = x_seen.astype(np.float32), y_seen.astype(np.float32)
        n = product(x_mask, y_mask)
        x_sum, x_square = product(x_values, y_mask), product(x_values**2, y_mask)
        y_sum, y_square = product(x_mask, y_values), product(x_mask, y_values**2)
    variances = (n * x_square - x_sum**2) * (n * y_square - y_sum**2)
    return n * dot - x_sum * y_sum, variances


def windows(position: np.ndarray, window: str | int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows that slide along one chromosome.

    Parameters
    ----------
    position
        Sorted positions of the chromosome's variants, shape (variant,).
    window
        A number of variants, or a length such as ``"500kb"``.
    step
        Variants by which a window of variants moves on; a window of kilobases always moves on until it
        takes in at least one more variant.

    Returns
    -------
    begin, end
        int64, shape (window,): window i holds variants ``begin[i]`` to ``end[i] - 1``.
    """
    n = len(position)
    size, in_kilobases = parse_window(window)
    if not in_kilobases:
        begin = np.arange(0, max(n - size + step, 1), step)
        return begin, np.minimum(begin + size, n)
    begin = np.arange(n)
    end = np.searchsorted(position, position + size, side="right")
    advances = np.r_[True, np.diff(end) > 0]
    return begin[advances], end[advances]


def parse_window(window: str | int) -> tuple[int, bool]:
    """Size of a window, and whether it is in base pairs (``"500kb"``) rather than in variants (``50``)."""
    text = str(window).lower().replace(" ", "")
    in_kilobases = text.endswith("kb")
    try:
        size = round(float(text.removesuffix("kb")) * 1000) if in_kilobases else int(text)
    except ValueError:
        size = 0
    if size < 1 or (not in_kilobases and size < 2):
        raise UserError(f"an LD window is a number of variants (50) or kilobases ('500kb'), found {window!r}")
    return size, in_kilobases


def ld_prune(
    source: GenotypeSource,
    window: str | int = "500kb",
    step: int = 1,
    r2: float = 0.2,
    samples: np.ndarray | None = None,
    variants: np.ndarray | None = None,
) -> np.ndarray:
    """Variants of which no two within a window have a squared correlation above ``r2``.

    The rule of ``plink2 --indep-pairwise``: in each window, go through the variants in order; each that
    remains meets the first later one that remains and is correlated with it, and the one with the lower
    minor allele frequency is removed (the later one if equal); repeat until nothing is removed, then slide
    on. Constant variants are removed. Male dosages of X are taken as they are coded.

    Parameters
    ----------
    source
        Genotypes.
    window, step
        See :func:`windows`.
    r2
        Largest squared correlation that may remain.
    samples
        Indices of the (training) people to compute with; default all.
    variants
        Indices of the variants to choose from; default all.

    Returns
    -------
    numpy.ndarray
        Ascending indices of the variants that remain, int64.

    Raises
    ------
    UserError
        An option is out of range.
    """
    if not 0 <= r2 < 1:
        raise UserError(f"r2 must be at least 0 and below 1, found {r2}")
    if step < 1:
        raise UserError(f"the step of an LD window must be at least 1 variant, found {step}")
    parse_window(window)
    people = as_indices(samples, len(source.samples), "samples")
    index = np.sort(as_indices(variants, len(source.variants), "variants"))
    kept = []
    with tqdm(total=len(index), desc="pruning by LD", unit=" variants", delay=5, disable=None) as bar:
        for here in by_chromosome(source, index):
            begin, end = windows(source.variants["position"].to_numpy()[here], window, step)
            conflicts, frequency = _conflicts(source, here, begin, end, r2, people)
            removed = np.isnan(frequency) | (frequency == 0) | (frequency == 1)
            _remove_in_windows(conflicts, np.maximum(frequency, 1 - frequency), removed, begin, end)
            kept.append(here[~removed])
            bar.update(len(here))
    return np.sort(np.concatenate(kept)) if kept else np.empty(0, dtype=np.int64)


def by_chromosome(source: GenotypeSource, index: np.ndarray) -> Iterator[np.ndarray]:
    """Indices of variants, chromosome by chromosome, each sorted by position whatever the file's order."""
    chromosome = source.variants["chromosome"].to_numpy(object)[index]
    position = source.variants["position"].to_numpy()[index]
    for name in dict.fromkeys(chromosome):
        here = np.flatnonzero(chromosome == name)
        yield index[here[np.argsort(position[here], kind="stable")]]


def _conflicts(
    source: GenotypeSource,
    index: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
    r2: float,
    people: np.ndarray,
) -> tuple[list[np.ndarray], np.ndarray]:
    """For each variant, the later ones that share a window with it and exceed ``r2``; and frequencies."""
    n = len(index)
    # The last window that holds variant i reaches furthest.
    reach = end[np.searchsorted(begin, np.arange(n), side="right") - 1]
    width = max(64, _PIECE_BYTES // max(len(people), 1))
    conflicts: list[np.ndarray] = []
    frequency = np.full(n, np.nan)
    for first in range(0, n, width):
        last = min(first + width, n)
        dosage = read_dosage(source, index[first:last], people)
        frequency[first:last] = allele_frequencies(count_genotypes(dosage))
        rows = dosage.shape[1]
        found: list[list[np.ndarray]] = [[] for _ in range(rows)]
        for other in range(first, int(reach[last - 1]), width):
            other_last = min(other + width, int(reach[last - 1]))
            right = dosage if other == first else read_dosage(source, index[other:other_last], people)
            _search_piece(dosage, right, first, other, reach, r2, found)
        conflicts += [np.concatenate(parts) if parts else np.empty(0, np.int64) for parts in found]
    return conflicts, frequency


def _search_piece(
    left: np.ndarray,
    right: np.ndarray,
    first: int,
    other: int,
    reach: np.ndarray,
    r2: float,
    found: list[list[np.ndarray]],
) -> None:
    """Add the conflicts between two pieces, in tiles no wider than the windows need."""
    tile = 256
    for row in range(0, left.shape[1], tile):
        rows = np.arange(row, min(row + tile, left.shape[1]))
        low = max(first + row, other)
        high = min(int(reach[first + rows[-1]]), other + right.shape[1])
        for column in range(low, high, 4 * tile):
            columns = np.arange(column, min(column + 4 * tile, high))
            covariance, variances = _moments(left[:, rows], right[:, columns - other])
            is_conflict = covariance**2 > r2 * variances
            is_conflict &= columns > first + rows[:, None]
            is_conflict &= columns < reach[first + rows][:, None]
            for i in np.flatnonzero(is_conflict.any(axis=1)):
                found[rows[i]].append(columns[is_conflict[i]])


def _remove_in_windows(
    conflicts: list[np.ndarray],
    major_frequency: np.ndarray,
    removed: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
) -> None:
    """Remove variants, in place, window after window."""
    earlier: list[list[int]] = [[] for _ in conflicts]
    for i, later in enumerate(conflicts):
        for j in later:
            earlier[j].append(i)
    seen = 0
    for window_begin, window_end in zip(begin, end, strict=True):
        # A window leaves no conflict behind, so the next one has conflicts only with its new variants.
        new = range(max(seen, window_begin), window_end)
        candidates = {i for j in new if not removed[j] for i in earlier[j] if i >= window_begin}
        seen = window_end
        order = sorted(i for i in candidates if not removed[i])
        while order:
            n_removed = 0
            for i in order:
                if removed[i]:
                    continue
                later = conflicts[i]
                remaining = later[(later < window_end) & ~removed[later]]
                if not len(remaining):
                    continue
                j = remaining[0]
                loser = i if major_frequency[i] > major_frequency[j] * (1 + _SAME_FREQUENCY) else j
                removed[loser] = True
                n_removed += 1
            if not n_removed:
                break
