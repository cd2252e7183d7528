"""Do synthetic variants go together as real ones do: pairwise LD, its decay with distance, and triplets."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from tqdm import tqdm

from gds.errors import UserError
from gds.evaluation.distances import check_alleles

_TILE = 1024
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
        ``n_pairs``.
    decay : pandas.DataFrame
        One row a bin of distance with pairs of one chromosome in it: ``distance`` (mean), ``real``, ``synthetic``
        (mean r2) and ``n_pairs``.
    """
    real, synthetic = check_alleles(real, synthetic)
    n_variants = real.shape[1]
    code = np.zeros(n_variants, np.int64)
    if chromosome is not None:
        code = np.unique(np.asarray(chromosome).astype(str), return_inverse=True)[1]
    places = np.arange(n_variants) if position is None else np.asarray(position)
    if len(code) != n_variants or len(places) != n_variants:
        raise UserError(f"expected a chromosome and a position for each of {n_variants} variants")
    order = np.lexsort((places, code))
    code, places = code[order], places[order].astype(np.float64)
    moments = np.zeros(6)
    bins = np.zeros((4, len(_EDGES) + 1))
    for rows, columns in _tiles(code, places, window):
        distance = np.abs(places[columns] - places[rows, None])
        same = code[rows, None] == code[columns]
        wanted = (
            columns > rows[:, None]
            if window is None
            else same & (distance <= window) & (columns > rows[:, None])
        )
        squares = [_squared_correlation(each, order[rows], order[columns]) for each in (real, synthetic)]
        wanted &= ~(np.isnan(squares[0]) | np.isnan(squares[1]))
        x, y = squares[0][wanted], squares[1][wanted]
        moments += [len(x), x.sum(), y.sum(), x @ x, y @ y, x @ y]
        near = same[wanted]
        bin_of = np.searchsorted(_EDGES, distance[wanted][near], side="left")
        for row, values in enumerate((distance[wanted][near], x[near], y[near], np.ones(near.sum()))):
            bins[row] += np.bincount(bin_of, weights=values, minlength=bins.shape[1])
    used = bins[3] > 0
    decay = pd.DataFrame(
        {name: bins[row, used] / bins[3, used] for row, name in enumerate(("distance", "real", "synthetic"))}
    )
    decay["n_pairs"] = bins[3, used].astype(np.int64)
    return _pair_figures(moments), decay


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
    n_variants = real.shape[1]
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
    x, y = (_third_moments(each, np.stack([a, b, c])) for each in (real, synthetic))
    return {
        "r": pearson(x, y),
        "slope": float(x @ y / (x @ x)) if x.any() else float("nan"),
        "n_triplets": float(n_triplets),
    }


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson correlation; NaN where either is constant."""
    x, y = x - x.mean(), y - y.mean()
    norm = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / norm) if norm > 0 else float("nan")


def _third_moments(values: np.ndarray, triplets: np.ndarray) -> np.ndarray:
    centred = (values - values.mean(axis=0)).T.copy()
    moments = np.empty(triplets.shape[1])
    piece = max(1, 2**22 // values.shape[0])
    for start in range(0, triplets.shape[1], piece):
        here = slice(start, start + piece)
        a, b, c = (centred[row] for row in triplets[:, here])
        moments[here] = np.einsum("ij,ij,ij->i", a, b, c) / values.shape[0]
    return moments


def _squared_correlation(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """r2 of variants, float64 (row, column); NaN where one is constant."""
    standardised = []
    for variants in (rows, columns):
        here = values[:, variants].astype(np.float32)
        here -= here.mean(axis=0, dtype=np.float64).astype(np.float32)
        norm = np.sqrt(np.einsum("ij,ij->j", here, here, dtype=np.float64))
        norm[(values[:, variants] == values[0, variants]).all(axis=0)] = np.nan
        here /= norm.astype(np.float32)
        standardised.append(here)
    return ((standardised[0].T @ standardised[1]) ** 2).astype(np.float64)


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


def _pair_figures(moments: np.ndarray) -> dict[str, float]:
    n, x, y, xx, yy, xy = moments
    if n == 0:
        return dict.fromkeys(("r", "rmse", "mean_real", "mean_synthetic"), float("nan")) | {"n_pairs": 0.0}
    norm = np.sqrt(max(xx - x * x / n, 0) * max(yy - y * y / n, 0))
    return {
        "r": float((xy - x * y / n) / norm) if norm > 1e-12 * n else float("nan"),
        "rmse": float(np.sqrt(max(xx + yy - 2 * xy, 0) / n)),
        "mean_real": float(x / n),
        "mean_synthetic": float(y / n),
        "n_pairs": float(n),
    }
