"""Scores that are the same to the last bit, however people and blocks are read.

Floating-point products change with the shape of the tiles they are computed in. Dosages are integers
already, so loadings become integers too (multiples of 2**-22; a float32 holds them exactly): then a score is
an exact integer sum, and neither tiles, threads nor the BLAS library can change it. The rounding, 1.2e-7 of
a unit vector, is that of float32.
"""

import numpy as np

_LOADING_UNIT = 2.0**-22
_OFFSET_UNIT = 2.0**-29
# float64 copies of dosages are made for so many people at a time; they stay in the second-level cache.
_TILE_BYTES = 2**20


def round_loadings(eigenvectors: np.ndarray) -> np.ndarray:
    """Entries of unit vectors as multiples of 2**-22; float32."""
    return (np.rint(eigenvectors / _LOADING_UNIT) * _LOADING_UNIT).astype(np.float32)


def exact_scores(
    dosage: np.ndarray, loadings: np.ndarray, mean: np.ndarray, *, with_torch: bool = False
) -> np.ndarray:
    """Projections of mean-imputed, centred dosages on loadings.

    Sum over observed variants of x_j v_j - mu_j v_j, with mu_j v_j rounded to 2**-29.

    Parameters
    ----------
    dosage
        0, 1, 2 or -1 for missing; int8, shape (variant, sample).
    loadings
        Rounded by :func:`round_loadings`, shape (variant, component).
    mean
        Training mean of each variant's dosage, float64, shape (variant,).
    with_torch
        Multiply with torch's int8 product instead of float64; the integers are the same.

    Returns
    -------
    numpy.ndarray
        float64 (sample, component).
    """
    if not loadings.size:
        return np.zeros((dosage.shape[1], loadings.shape[1]))
    weights = np.rint(loadings.astype(np.float64) / _LOADING_UNIT)
    offsets = np.rint(mean[:, None] * loadings.astype(np.float64) / _OFFSET_UNIT)
    constant = offsets.sum(axis=0)
    incomplete = np.flatnonzero(dosage.min(axis=1, initial=0) < 0)
    if incomplete.size:
        missing = (dosage[incomplete] < 0).T.astype(np.float64)
        constant = constant - missing @ offsets[incomplete]
        dosage = np.maximum(dosage, 0)
    product = _product_int8 if with_torch else _product_float64
    return product(dosage, weights) * _LOADING_UNIT - constant * _OFFSET_UNIT


def _product_float64(dosage: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``dosage.T @ weights``: integers below 2**53, so float64 sums them exactly in any order."""
    n_variants, n_samples = dosage.shape
    out = np.empty((n_samples, weights.shape[1]))
    tile = max(1, _TILE_BYTES // (8 * max(n_variants, 1)))
    for start in range(0, n_samples, tile):
        people = dosage[:, start : start + tile].astype(np.float64)
        np.matmul(people.T, weights, out=out[start : start + tile])
    return out


def _product_int8(dosage: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The same through int8: each weight is three signed digits to the base 256."""
    import torch

    whole = weights.astype(np.int64)
    low = (whole + 128) % 256 - 128
    whole = (whole - low) // 256
    middle = (whole + 128) % 256 - 128
    high = (whole - middle) // 256
    digits = np.concatenate([high, middle, low], axis=1).astype(np.int8)
    # 2 x 128 x variants < 2**31 for blocks of up to eight million variants.
    product = torch._int_mm(torch.from_numpy(dosage).T, torch.from_numpy(digits)).numpy()
    high_sum, middle_sum, low_sum = np.split(product.astype(np.float64), 3, axis=1)
    return (high_sum * 256 + middle_sum) * 256 + low_sum
