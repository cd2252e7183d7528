"""KING-robust kinship of pairs of people, from integer counts."""

import numpy as np
import pandas as pd
from tqdm import tqdm

from gds.genotypes.counts import as_indices, read_in_pieces
from gds.genotypes.matrix import GenotypeSource

# A tile of this many people and a piece of this many variants work in 500 MB.
_TILE = 2048
_PIECE = 4096


def king_kinship(dosage: np.ndarray, other: np.ndarray | None = None) -> np.ndarray:
    """KING-robust kinship coefficients.

    Over the variants that both people i and j have, with x their dosages and h the numbers of their
    heterozygous genotypes, phi = 1/2 - sum (x_i - x_j)**2 / (4 min(h_i, h_j)).
    1/2 is the same person (or a twin), 1/4 parent and child or siblings, 1/8 second degree, 0 unrelated;
    below 0 people of different ancestries. Every count is an exact integer.

    Parameters
    ----------
    dosage
        int8, shape (sample, variant), -1 missing; autosomal.
    other
        int8, shape (other, variant), of the same variants; default ``dosage`` itself.

    Returns
    -------
    numpy.ndarray
        float64, shape (sample, other); NaN where either has no heterozygous genotype.

    References
    ----------
    Manichaikul et al. 2010, Bioinformatics 26:2867, equation 11.
    """
    rows, columns = dosage, dosage if other is None else other
    shape = (len(rows), len(columns))
    n_both, distance = np.zeros(shape), np.zeros(shape)
    n_hom_row, n_hom_column = np.zeros(shape), np.zeros(shape)
    for begin in range(0, rows.shape[1], _PIECE):
        piece = slice(begin, begin + _PIECE)
        # With g = x - 1, and 0 where missing, g g' gives distances and g**2 counts homozygotes.
        g, hom, seen = _coded(rows[:, piece])
        g_other, hom_other, seen_other = (g, hom, seen) if other is None else _coded(columns[:, piece])
        if seen.all() and seen_other.all():
            n_both += seen.shape[1]
            row_part, column_part = hom.sum(axis=1)[:, None], hom_other.sum(axis=1)
        else:
            n_both += seen @ seen_other.T
            row_part = hom @ seen_other.T
            column_part = row_part.T if other is None else seen @ hom_other.T
        n_hom_row += row_part
        n_hom_column += column_part
        distance += row_part
        distance += column_part
        distance -= 2 * (g @ g_other.T)
    fewer = n_both - np.maximum(n_hom_row, n_hom_column)
    ratio = np.divide(distance, fewer, out=np.full(shape, np.nan), where=fewer > 0)
    return 0.5 - 0.25 * ratio


def _coded(dosage: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """-1, 0, 1 for 0, 1, 2 copies; whether homozygous; whether there. float32: exact below 2**24."""
    seen = dosage >= 0
    g = np.where(seen, dosage - 1, 0).astype(np.float32)
    return g, np.square(g), seen.astype(np.float32)


def related_pairs(
    source: GenotypeSource, variants: np.ndarray, threshold: float, samples: np.ndarray | None = None
) -> pd.DataFrame:
    """Pairs of people whose kinship exceeds a threshold; tile by tile, without the whole matrix.

    Parameters
    ----------
    source
        Genotypes.
    variants
        Indices of LD-pruned autosomal variants.
    threshold
        Kinship above which a pair is listed.
    samples
        Indices of people, shape (sample,); default all.

    Returns
    -------
    pandas.DataFrame
        Columns first, second (places among ``samples``, first < second), kinship.
    """
    people = as_indices(samples, len(source.samples), "samples")
    # int8, so 1 GB for 20,000 people at 50,000 variants.
    pieces = read_in_pieces(source, variants, people, task="reading genotypes for kinship")
    dosage = np.concatenate([piece for _, piece in pieces], axis=1)
    begins = range(0, len(people), _TILE)
    tiles = [(i, j) for i in begins for j in begins if j >= i]
    found = []
    for i, j in tqdm(tiles, desc="kinship of pairs", unit=" tiles", delay=5, disable=None):
        kinship = king_kinship(dosage[i : i + _TILE], None if i == j else dosage[j : j + _TILE])
        with np.errstate(invalid="ignore"):
            first, second = np.nonzero(kinship > threshold)
        pair = pd.DataFrame({"first": first + i, "second": second + j, "kinship": kinship[first, second]})
        found.append(pair[pair["first"] < pair["second"]])
    return pd.concat(found, ignore_index=True)
