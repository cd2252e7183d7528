"""Kernel ridge regression of people: one solver for class indicators and measurements."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from gds.classifiers.inner_folds import Folds
from gds.classifiers.linear.standardised import DosageScaler
from gds.classifiers.linear.variant_weights import effect_weights

HERITABILITIES = (0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97)
DEFAULT_HERITABILITY = 0.5  # where nothing can be chosen: a class with a single member


@dataclass(frozen=True)
class RidgeFit:
    """Ridge regression with what its folds chose.

    Attributes
    ----------
    coef, intercept
        Effects of standardised dosages, shape (variant, score), and (score,).
    heritability
        The share used.
    held_out, scores
        Rows of people who were held out, and their scores under what was chosen, shape (held_out, score).
    errors
        Mean squared error of each candidate. Empty without folds, as are these.
    """

    coef: np.ndarray
    intercept: np.ndarray
    heritability: float
    held_out: np.ndarray
    scores: np.ndarray
    errors: np.ndarray


def fit_ridge(
    scaler: DosageScaler,
    X: np.ndarray,
    targets: np.ndarray,
    folds: Folds,
    heritabilities: Sequence[float],
    *,
    window: int | None = None,
    chromosome: np.ndarray | None = None,
) -> RidgeFit:
    """Fit with the heritability of lowest held-out squared error, and weighted variants if a window is given.

    Parameters
    ----------
    scaler
        Fitted on training people.
    X
        Dosages of labelled people, int8, shape (sample, variant).
    targets
        What is to be predicted, shape (sample, score).
    folds
        Of the labelled people. Without any, the first heritability (if there are several,
        :data:`DEFAULT_HERITABILITY`) is used.
    heritabilities
        To choose among.
    window, chromosome
        Of :func:`~gds.classifiers.linear.variant_weights.effect_weights`; without a window weights are equal.
    """
    K = scaler.kernel([X])
    rows, scores, errors = np.empty(0, dtype=np.int64), np.empty((0, targets.shape[1])), np.empty(0)
    heritability = heritabilities[0] if len(heritabilities) == 1 else DEFAULT_HERITABILITY
    if folds:
        parts = []
        for train, held_out in folds:
            relationship = K
            if window is not None:
                # Each training part makes its own weights: those of everyone would have seen the held-out people.
                within = K[np.ix_(train, train)]
                weights = _weights(scaler, X[train], within, targets[train], window, chromosome)
                relationship = scaler.kernel([X], weights)
            parts.append(held_out_scores(relationship, targets, [(train, held_out)], heritabilities)[1])
        rows = np.concatenate([held_out for _, held_out in folds])
        by_candidate = np.concatenate(parts, axis=1)
        errors = ((by_candidate - targets[rows]) ** 2).mean(axis=(1, 2))
        best = int(errors.argmin())
        heritability, scores = heritabilities[best], by_candidate[best]
    weights = np.ones(len(scaler.mean_))
    if window is not None:
        weights = _weights(scaler, X, K, targets, window, chromosome)
        K = scaler.kernel([X], weights)
    mean = targets.mean(axis=0)
    duals = dual_path(K, targets - mean, [heritability])[0]
    coef = scaler.back_project([X], duals) * (weights / weights[scaler.scale_ > 0].sum())[:, None]
    # Scores of the centred kernel differ from those of K by a constant.
    intercept = mean - (K @ duals).mean(axis=0)
    return RidgeFit(coef, intercept, heritability, rows, scores, errors)


def _weights(
    scaler: DosageScaler,
    X: np.ndarray,
    K: np.ndarray,
    targets: np.ndarray,
    window: int,
    chromosome: np.ndarray | None,
) -> np.ndarray:
    """Weights of variants by the effects that a first, unweighted ridge regression gives them."""
    duals = dual_path(K, targets - targets.mean(axis=0), [DEFAULT_HERITABILITY])[0]
    return effect_weights(scaler.back_project([X], duals), window, chromosome)


def dual_path(K: np.ndarray, targets: np.ndarray, heritabilities: Sequence[float]) -> list[np.ndarray]:
    """Weights of people for each heritability: (HKH + lambda I)^-1 y, H centring; each (sample, score)."""
    centred = K - K.mean(axis=0)
    centred = centred - centred.mean(axis=1, keepdims=True)
    values, vectors = eigh(centred)
    rotated = vectors.T @ targets
    shrunk = [vectors @ (rotated / (np.maximum(values, 0) + (1 - h2) / h2)[:, None]) for h2 in heritabilities]
    return [duals - duals.mean(axis=0) for duals in shrunk]


def held_out_scores(
    K: np.ndarray, targets: np.ndarray, folds: Folds, heritabilities: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Rows held out over all folds, and their scores, shape (candidate, held_out, score)."""
    parts = []
    for train, held_out in folds:
        mean = targets[train].mean(axis=0)
        within = K[np.ix_(train, train)]
        across = K[np.ix_(held_out, train)] - within.mean(axis=0)
        duals = dual_path(within, targets[train] - mean, heritabilities)
        parts.append(np.stack([mean + across @ each for each in duals]))
    return np.concatenate([held_out for _, held_out in folds]), np.concatenate(parts, axis=1)
