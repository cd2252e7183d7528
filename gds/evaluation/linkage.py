"""Do synthetic variants go together as real ones do: pairwise LD, its decay with distance, and triplets."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from tqdm import tqdm

from gds.errors import UserError
from gds.evaluation.distances import check_alleles

_TILE = 1024
# Pairs of which one variant is commonly taken to stand for the other (Carlson et al. 2004).
STRONG = 0.8
# Distances at which LD decay is read: 1, 2, 5, 10, ... base pairs up to 500 Mb.
_EDGES = np.array([m * 10**e for e in range(9) for m in (1, 2, 5)], dtype=np.float64)


def ld_correlation(
    real: np.ndarray,
    synthetic: np.ndarray,
    *,
    chromosome: np.ndarray | None = None,
    position: np.ndarray | None = None,
    window: float | None = None,
) -> tuple[dict[str, float], pd.DataFrame]:
    """Pairwise r2 of real and of synthetic variants: their correlation, and their decay with distance.

    Pairs in which a variant is constant among real or among synthetic rows have no r2 and are left out;
    allele frequencies show those. Products are float32: r2 is exact to about 1e-6.

    Parameters
    ----------
    real, synthetic
        Alleles (then r2 is that of haplotypes) or dosages, shape (row, variant); sizes may differ.
    chromosome, position
        Of each variant, shape (variant,). None: all variants lie on one chromosome, one apart.
    window
        Greatest distance of a pair (of one chromosome, where they are given); None: all pairs, also those between
        chromosomes.

    Returns
    -------
    figures : dict
        ``r`` (Pearson correlation of the two r2 over pairs), ``rmse``, ``mean_real``, ``mean_synthetic``,
        ``n_pairs``; of the pairs whose real r2 is at least .8, ``strong_kept`` (mean synthetic over mean real
        r2; NaN where there is none) and ``n_strong``. They are few, so that ``r`` hardly notices when they are lost.
    decay : pandas.DataFrame
        One row a bin of distance with pairs of one chromosome in it: ``distance`` (mean), ``real``, ``synthetic``
        (mean r2) and ``n_pairs``.
    """
    others = {"synthetic": synthetic}
    return ld_correlations(real, others, chromosome=chromosome, position=position, window=window)["synthetic"]


def ld_correlations(
    real: np.ndarray,
    others: Mapping[str, np.ndarray],
    *,
    chromosome: np.ndarray | None = None,
    position: np.ndarray | None = None,
    window: float | None = None,
) -> dict[str, tuple[dict[str, float], pd.DataFrame]]:
    """Each of several sets against the same real rows, whose r2 are computed once.

    Parameters and, by name, returns are those of :func:`ld_correlation`.
    """
    real, *matrices = check_alleles(real, *others.values())
    n_variants = real.shape[1]
    code = np.zeros(n_variants, np.int64)
    if chromosome is not None:
        code = np.unique(np.asarray(chromosome).astype(str), return_inverse=True)[1]
    places = np.arange(n_variants) if position is None else np.asarray(position)
    if len(code) != n_variants or len(places) != n_variants:
        raise UserError(f"expected a chromosome and a position for each of {n_variants} variants")
    order = np.lexsort((places, code))
    code, places = code[order], places[order].astype(np.float64)
    source, *targets = (_Standardised(each, order) for each in (real, *matrices))
    moments = np.zeros((len(targets), 9))
    bins = np.zeros((len(targets), 4, len(_EDGES) + 1))
    for rows, columns in _tiles(code, places, window):
        distance = np.abs(places[columns] - places[rows, None])
        same = code[rows, None] == code[columns]
        wanted = columns > rows[:, None]
        if window is not None:
            wanted &= same & (distance <= window)
        near = same & wanted
        bin_of = np.searchsorted(_EDGES, distance, side="left").ravel() if near.any() else None
        x = source.squared_correlation(rows, columns)
        for target, sums, binned in zip(targets, moments, bins, strict=True):
            y = target.squared_correlation(rows, columns)
            varies = (source.varies[rows] & target.varies[rows])[:, None] & (
                source.varies[columns] & target.varies[columns]
            )
            here = wanted & varies
            kept = [(each * here).ravel() for each in (x, y)]
            strong = kept[0] >= STRONG
            sums += [
                here.sum(), kept[0].sum(), kept[1].sum(),
                kept[0] @ kept[0], kept[1] @ kept[1], kept[0] @ kept[1],
                strong.sum(), kept[0][strong].sum(), kept[1][strong].sum(),
            ]  # fmt: skip
            if bin_of is not None:
                counted = (near & varies).ravel()
                for row, values in enumerate((distance.ravel() * counted, *kept, counted)):
                    weights = values if row in (0, 3) else values * counted
                    binned[row] += np.bincount(bin_of, weights=weights, minlength=binned.shape[1])
    return {
        name: (_pair_figures(sums), _decay(binned))
        for name, sums, binned in zip(others, moments, bins, strict=True)
    }


def decay_rmse(decay: pd.DataFrame) -> float:
    """Root mean square difference of the two curves of :func:`ld_correlation`, each bin of distance counted once."""
    return float(np.sqrt(((decay["real"] - decay["synthetic"]) ** 2).mean()))


def three_point_correlation(
    real: np.ndarray, synthetic: np.ndarray, *, n_triplets: int = 10_000, seed: int = 0
) -> dict[str, float]:
    """Correlation of three-point statistics over random triplets of variants.

    C = F012 - F01 F2 - F12 F0 - F02 F1 + 2 F0 F1 F2, with F the frequency at which all alleles named occur
    together: the third central moment, as which it is computed here, so it is defined for dosages too.

    Parameters
    ----------
    real, synthetic
        Alleles or dosages, shape (row, variant), at least three variants; sizes may differ.
    n_triplets
        Triplets of different variants, drawn at random.
    seed
        Seed of the draw.

    Returns
    -------
    dict
        ``r`` (Pearson correlation over triplets; NaN where one side is constant), ``slope`` (of synthetic on real
        through the origin: 1 when effects have their size) and ``n_triplets``.
    """
    real, synthetic = check_alleles(real, synthetic)
    triplets = random_triplets(real.shape[1], n_triplets, seed)
    return three_point_figures(*(third_moments(each, triplets) for each in (real, synthetic)))


def random_triplets(n_variants: int, n_triplets: int = 10_000, seed: int = 0) -> np.ndarray:
    """Triplets of three different variants, int64 (3, triplet)."""
    if n_variants < 3:
        raise UserError(f"triplets need at least three variants, found {n_variants}")
    rng = np.random.default_rng(seed)
    # Three different indices: draw among fewer and fewer, then step over those drawn before.
    a = rng.integers(0, n_variants, n_triplets)
    b = rng.integers(0, n_variants - 1, n_triplets)
    b += b >= a
    c = rng.integers(0, n_variants - 2, n_triplets)
    low, high = np.minimum(a, b), np.maximum(a, b)
    c += c >= low
    c += c >= high
    return np.stack([a, b, c])


def three_point_figures(real: np.ndarray, synthetic: np.ndarray) -> dict[str, float]:
    """Figures of :func:`three_point_correlation` from the third moments of both sides, shape (triplet,)."""
    return {
        "r": pearson(real, synthetic),
        "slope": float(real @ synthetic / (real @ real)) if real.any() else float("nan"),
        "n_triplets": float(len(real)),
    }


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson correlation; NaN where either is constant."""
    x, y = x - x.mean(), y - y.mean()
    norm = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / norm) if norm > 0 else float("nan")


def third_moments(values: np.ndarray, triplets: np.ndarray) -> np.ndarray:
    """Third central moments of triplets of columns, float64 (triplet,)."""
    centred = (values - values.mean(axis=0)).T.copy()
    moments = np.empty(triplets.shape[1])
    piece = max(1, 2**22 // values.shape[0])
    for start in range(0, triplets.shape[1], piece):
        here = slice(start, start + piece)
        a, b, c = (centred[row] for row in triplets[:, here])
        moments[here] = np.einsum("ij,ij,ij->i", a, b, c) / values.shape[0]
    return moments


class _Standardised:
    """Alleles whose correlations are asked for tile by tile, variants in the order of the genome."""

    def __init__(self, values: np.ndarray, order: np.ndarray) -> None:
        self._values = values
        self._order = order
        total = values.sum(axis=0, dtype=np.int64)[order]
        squares = np.einsum("ij,ij->j", values, values, dtype=np.int64)[order]
        # n times the sum of squared deviations, exact.
        spread = len(values) * squares - total**2
        self.varies = spread > 0
        self._mean = (total / len(values)).astype(np.float32)
        self._inverse = np.where(self.varies, np.sqrt(len(values) / np.maximum(spread, 1)), 0).astype(
            np.float32
        )
        self._rows: tuple[int, np.ndarray] | None = None

    def squared_correlation(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """r2 of variants, float64 (row, column); 0 where one is constant."""
        # Tiles come row by row.
        if self._rows is None or self._rows[0] != rows[0]:
            self._rows = (int(rows[0]), self._tile(rows))
        product = (self._rows[1].T @ self._tile(columns)).astype(np.float64)
        product *= product
        return product

    def _tile(self, variants: np.ndarray) -> np.ndarray:
        tile = self._values[:, self._order[variants]].astype(np.float32)
        tile -= self._mean[variants]
        tile *= self._inverse[variants]
        return tile


def _tiles(
    code: np.ndarray, places: np.ndarray, window: float | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Tiles of sorted variants that may hold wanted pairs."""
    n = len(code)
    pairs = []
    for first in range(0, n, _TILE):
        last = min(first + _TILE, n) - 1
        for start in range(first, n, _TILE):
            beyond = window is not None and (
                code[start] > code[last]
                or (code[start] == code[last] and places[start] - places[last] > window)
            )
            if beyond:
                break
            pairs.append((np.arange(first, last + 1), np.arange(start, min(start + _TILE, n))))
    yield from tqdm(pairs, desc="LD", unit="tile", delay=5, disable=None)


def _decay(bins: np.ndarray) -> pd.DataFrame:
    used = bins[3] > 0
    table = {
        name: bins[row, used] / bins[3, used] for row, name in enumerate(("distance", "real", "synthetic"))
    }
    return pd.DataFrame({**table, "n_pairs": bins[3, used].astype(np.int64)})


def _pair_figures(moments: np.ndarray) -> dict[str, float]:
    n, x, y, xx, yy, xy, n_strong, strong_x, strong_y = moments
    strong = {
        "strong_kept": float(strong_y / strong_x) if n_strong else float("nan"),
        "n_strong": float(n_strong),
    }
    if n == 0:
        missing = dict.fromkeys(("r", "rmse", "mean_real", "mean_synthetic"), float("nan"))
        return missing | {"n_pairs": 0.0} | strong
    norm = np.sqrt(max(xx - x * x / n, 0) * max(yy - y * y / n, 0))
    return {
        "r": float((xy - x * y / n) / norm) if norm > 1e-12 * n else float("nan"),
        "rmse": float(np.sqrt(max(xx + yy - 2 * xy, 0) / n)),
        "mean_real": float(x / n),
        "mean_synthetic": float(y / n),
        "n_pairs": float(n),
    } | strong
