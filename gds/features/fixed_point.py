"""Products of dosages with real weights that are the same to the last bit, however they are computed.

Floating-point products change with the shape of the tiles they are made of. Dosages are integers already, so
weights become integers too: then a product is an exact integer sum, and neither tiles, threads, the
instruction set nor the BLAS library can change it. Loadings are multiples of 2**-22, which a float32 holds
exactly; the rounding, 1.2e-7 of a unit vector, is about that of float32.
"""

import numpy as np

from gds.features.byte_product import byte_product
from gds.features.engine import Engine

_LOADING_UNIT = 2.0**-22
_OFFSET_UNIT = 2.0**-29
# Integers are multiplied digit by digit in float32, which holds every integer up to 2**24: signed digits to the
# base 2**13 times dosages of at most 2, summed over 2**11 variants or people.
_BASE = 2.0**13
_TERMS = 2**11
# Integers of at most 2**25 in size have two such digits.
TWO_DIGITS = 25
# float32 copies of dosages are made of so many bytes at a time; they stay in the cache.
_TILE_BYTES = 2**22


def round_loadings(eigenvectors: np.ndarray) -> np.ndarray:
    """Entries of unit vectors as multiples of 2**-22; float32."""
    return (np.rint(eigenvectors / _LOADING_UNIT) * _LOADING_UNIT).astype(np.float32)


def exact_scores(
    dosage: np.ndarray, loadings: np.ndarray, mean: np.ndarray, *, engine: Engine = Engine.FLOAT32
) -> np.ndarray:
    """Projections of mean-imputed, centred dosages on loadings.

    Sum over observed variants of x_j v_j - mu_j v_j, with mu_j v_j rounded to 2**-29.

    Parameters
    ----------
    dosage
        0, 1, 2 or -1 for missing; int8, shape (variant, sample), C order.
    loadings
        Rounded by :func:`round_loadings`, shape (variant, component).
    mean
        Training mean of each variant's dosage, float64, shape (variant,).
    engine
        See :mod:`gds.features.engine`.

    Returns
    -------
    numpy.ndarray
        float64 (component, sample).
    """
    exact = loadings.astype(np.float64)
    weights = exact / _LOADING_UNIT
    offsets = np.rint(mean[:, None] * exact / _OFFSET_UNIT)
    constant = offsets.sum(axis=0)[:, None]
    if dosage.size and dosage.min() < 0:
        missing = dosage < 0
        incomplete = np.flatnonzero(missing.any(axis=1))
        masks = missing[incomplete].view(np.int8)
        constant = constant - people_product(masks, offsets[incomplete], engine=engine)
        dosage = np.maximum(dosage, 0)
    scores = people_product(dosage, weights, engine=engine)
    scores *= _LOADING_UNIT
    scores -= constant * _OFFSET_UNIT
    return scores


def people_product(dosage: np.ndarray, weights: np.ndarray, *, engine: Engine = Engine.FLOAT32) -> np.ndarray:
    """``weights.T @ dosage``, exactly.

    Parameters
    ----------
    dosage
        0, 1 or 2; int8 (or float32, for the engine of that name), shape (variant, sample), C order.
    weights
        Integers of at most 2**30 in size, float64, shape (variant, column).
    engine
        int8 multiplies digits to the base 256 with torch, all others digits to the base 2**13 in float32; the
        result is the same.

    Returns
    -------
    numpy.ndarray
        float64 (column, sample).
    """
    if engine is Engine.INT8 and weights.size:
        product = byte_product(_octets(weights.T), dosage)
        return _from_digits(product, weights.shape[1], 256.0)
    n_variants, n_samples = dosage.shape
    out = np.zeros((weights.shape[1], n_samples))
    for first in range(0, n_variants if weights.size else 0, _TERMS):
        some = slice(first, first + _TERMS)
        digits = _digits(weights[some].T)
        tile = max(1, _TILE_BYTES // (4 * digits.shape[1]))
        for start in range(0, n_samples, tile):
            people = slice(start, start + tile)
            product = digits @ dosage[some, people].astype(np.float32, copy=False)
            out[:, people] += _from_digits(product, weights.shape[1], _BASE)
    return out


def variants_product(
    dosage: np.ndarray, weights: np.ndarray, *, engine: Engine = Engine.FLOAT32
) -> np.ndarray:
    """``dosage @ weights.T``, exactly: like :func:`people_product`, summed over people.

    Parameters
    ----------
    dosage
        See :func:`people_product`.
    weights
        Integers of at most 2**30 in size, float64, shape (column, sample).
    engine
        See :mod:`gds.features.engine`.

    Returns
    -------
    numpy.ndarray
        float64 (variant, column).
    """
    if engine is Engine.INT8:
        product = byte_product(_octets(weights), dosage.T)
        return _from_digits(product, len(weights), 256.0).T
    n_variants, n_samples = dosage.shape
    out = np.zeros((n_variants, len(weights)))
    for first in range(0, n_samples, _TERMS):
        some = slice(first, first + _TERMS)
        digits = _digits(weights[:, some])
        tile = max(1, _TILE_BYTES // (4 * digits.shape[1]))
        for start in range(0, n_variants, tile):
            variants = slice(start, start + tile)
            product = digits @ dosage[variants, some].astype(np.float32, copy=False).T
            out[variants] += _from_digits(product, len(weights), _BASE).T
    return out


def _digits(weights: np.ndarray) -> np.ndarray:
    """Signed digits to the base 2**13 of each integer; float32 (digit * row, column), lowest digit first.

    As many as the largest needs: two for loadings.
    """
    digits: list[np.ndarray] = []
    while not digits or weights.any():
        higher = np.rint(weights / _BASE)
        digits.append((weights - _BASE * higher).astype(np.float32))
        weights = higher
    return np.concatenate(digits)


def _octets(weights: np.ndarray) -> np.ndarray:
    """Signed digits to the base 256 of each integer; int8 (digit * row, column), lowest digit first.

    Three digits where that is enough, as it is for loadings, otherwise four.
    """
    # With 128 added to each of its digits, a number's digits are the bytes of its binary form.
    shifted = weights.astype(np.int64, order="C") + 0x80808080
    octets = shifted.astype("<u4").view(np.uint8).reshape(*weights.shape, 4) ^ np.uint8(0x80)
    n_digits = 3 if np.abs(weights).max(initial=0) <= 2**22 else 4
    by_digit = np.ascontiguousarray(np.moveaxis(octets[:, :, :n_digits], 2, 0)).view(np.int8)
    return by_digit.reshape(-1, weights.shape[1])


def _from_digits(product: np.ndarray, n_rows: int, base: float) -> np.ndarray:
    """float64 (row, column) of the products of digits (digit * row, column)."""
    highest = len(product) // n_rows - 1
    out = product[highest * n_rows :].astype(np.float64)
    for digit in reversed(range(highest)):
        out *= base
        out += product[digit * n_rows : (digit + 1) * n_rows]
    return out
