"""Generators in closed form, beside which a trained one must stand: they need no training, only counts.

Each takes the rows that a generator would train on and returns as many new ones as asked for, of the same kind.
"""

import numpy as np
from scipy.special import ndtri

from gds.errors import UserError
from gds.evaluation.distances import check_alleles

# A correlation matrix of more variants is too large to decompose.
_CORRECTED_VARIANTS = 4000


def independent_sites(train: np.ndarray, n: int, *, seed: int = 0) -> np.ndarray:
    """Each variant drawn by itself from the rows of ``train``: frequencies are right, LD is gone.

    Parameters
    ----------
    train
        Alleles or dosages, shape (row, variant).
    n
        Rows to draw.
    seed
        Seed.

    Returns
    -------
    numpy.ndarray
        int8, shape (n, variant).
    """
    (train,) = check_alleles(train)
    rng = np.random.default_rng(seed)
    drawn = np.empty((n, train.shape[1]), dtype=np.int8)
    for variant in range(train.shape[1]):
        drawn[:, variant] = train[rng.integers(0, len(train), n), variant]
    return drawn


def gaussian_threshold(train: np.ndarray, n: int, *, shrinkage: float = 0.02, seed: int = 0) -> np.ndarray:
    """A multivariate normal cut at thresholds: frequencies and, nearly, pairwise correlations are right.

    The latent correlations are the tetrachoric ones of alleles (polychoric for dosages), in the approximation
    sin(pi r / 2) of the observed correlation r, shrunk towards none and made positive definite; each variant
    is cut where its observed frequencies ask for it. Beyond 4,000 variants the latent correlations are the
    observed ones, uncorrected: then a row is a random combination of training rows and no matrix is decomposed.

    Parameters
    ----------
    train
        Alleles or dosages, shape (row, variant).
    n
        Rows to draw.
    shrinkage
        Weight of the identity in the latent correlation matrix.
    seed
        Seed.

    Returns
    -------
    numpy.ndarray
        int8, shape (n, variant).
    """
    (train,) = check_alleles(train)
    if not 0 <= shrinkage <= 1:
        raise UserError(f"shrinkage must lie between 0 and 1, found {shrinkage}")
    centred = train.astype(np.float64) - train.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0))
    varies = spread > 0
    standardised = centred[:, varies] / spread[varies]
    rng = np.random.default_rng(seed)
    if standardised.shape[1] > _CORRECTED_VARIANTS:
        normal = rng.standard_normal((n, len(train))) @ standardised
        normal = np.sqrt(1 - shrinkage) * normal
        normal += np.sqrt(shrinkage) * rng.standard_normal(normal.shape)
    else:
        latent = np.sin(np.pi / 2 * np.clip(standardised.T @ standardised, -1, 1))
        latent = (1 - shrinkage) * latent + shrinkage * np.eye(len(latent))
        values, vectors = np.linalg.eigh(latent)
        root = vectors * np.sqrt(np.clip(values, 0, None))
        root /= np.sqrt((root**2).sum(axis=1, keepdims=True))
        normal = rng.standard_normal((n, root.shape[1])) @ root.T
    drawn = np.tile(train[0], (n, 1))
    below = np.stack([(train[:, varies] <= level).mean(axis=0) for level in range(int(train.max()))])
    drawn[:, varies] = sum((normal > ndtri(cut)).astype(np.int8) for cut in below)
    return drawn


def haplotype_mosaic(
    train: np.ndarray, n: int, *, switch_rate: float, copying_error: float = 0.001, seed: int = 0
) -> np.ndarray:
    """Mosaics of the rows of ``train``: the copying model of Li and Stephens, run forwards.

    A new row copies a random row and changes to another one before each variant with probability ``switch_rate``; each
    allele is miscopied with probability ``copying_error``. With rare switches it is excellent on every
    figure of fidelity and copies long stretches of real people.

    Parameters
    ----------
    train
        Alleles of haplotypes in the order of the genome (0, 1), shape (row, variant).
    n
        Rows to draw.
    switch_rate, copying_error
        Probabilities a variant.
    seed
        Seed.

    Returns
    -------
    numpy.ndarray
        int8, shape (n, variant).

    Notes
    -----
    Li and Stephens 2003, Genetics 165:2213.
    """
    (train,) = check_alleles(train)
    if train.max() > 1:
        raise UserError("a mosaic is made of haplotypes: expected alleles 0 and 1, found dosages")
    if not (0 <= switch_rate <= 1 and 0 <= copying_error <= 1):
        raise UserError(f"probabilities expected, found {switch_rate} (switch), {copying_error} (error)")
    rng = np.random.default_rng(seed)
    n_variants = train.shape[1]
    source = rng.integers(0, len(train), n)
    drawn = np.empty((n, n_variants), dtype=np.int8)
    for variant in range(n_variants):
        switches = rng.random(n) < switch_rate
        source = np.where(switches, rng.integers(0, len(train), n), source)
        drawn[:, variant] = train[source, variant]
    return drawn ^ (rng.random(drawn.shape) < copying_error)


def copies_with_changes(train: np.ndarray, n: int, *, n_changes: int = 1, seed: int = 0) -> np.ndarray:
    """Rows of ``train`` with a few variants taken from another row: perfect fidelity, no privacy.

    Parameters
    ----------
    train
        Alleles or dosages, shape (row, variant), at least one variant of which varies.
    n
        Rows to draw; without repetition as long as there are as many.
    n_changes
        Variants changed in each row; 0: exact copies.
    seed
        Seed.

    Returns
    -------
    numpy.ndarray
        int8, shape (n, variant).
    """
    (train,) = check_alleles(train)
    varies = np.flatnonzero((train != train[0]).any(axis=0))
    if not 0 <= n_changes <= len(varies):
        raise UserError(f"expected 0 to {len(varies)} changes, as many as variants vary, found {n_changes}")
    rng = np.random.default_rng(seed)
    rounds = [rng.permutation(len(train)) for _ in range(-(-n // len(train)))]
    drawn = train[np.concatenate(rounds)[:n]] if rounds else train[:0].copy()
    for row in drawn:
        for variant in rng.choice(varies, n_changes, replace=False):
            others = np.unique(train[:, variant])
            row[variant] = rng.choice(others[others != row[variant]])
    return drawn
