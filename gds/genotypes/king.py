"""KING-robust kinship of pairs of people, from integer counts."""

import numpy as np
import pandas as pd
from tqdm import tqdm

from gds.genotypes.counts import read_in_pieces
from gds.genotypes.matrix import GenotypeSource

# People of a tile: float32 masks of a tile of this size and a piece of variants stay below 300 MB.
_TILE = 2048
_PIECE = 4096


def king_kinship(dosage: np.ndarray, other: np.ndarray | None = None) -> np.ndarray:
    """KING-robust kinship coefficients.

    Over the variants that both people i and j have, with h the numbers of their heterozygous genotypes,
    phi = (both heterozygous - 2 x opposite homozygotes) / (2 min(h_i, h_j)) + 1/2 - (h_i + h_j) / (4 min(h_i, h_j)).
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
    counts = _PairCounts(len(dosage), len(dosage if other is None else other))
    counts.add(dosage, dosage if other is None else other)
    return counts.kinship()


class _PairCounts:
    """Counts of a tile of pairs; float32 products are exact for fewer than 2**24 variants a piece."""

    def __init__(self, n_rows: int, n_columns: int):
        shape = (n_rows, n_columns)
        self.n_both_het = np.zeros(shape)
        self.n_opposite = np.zeros(shape)
        self.n_het_row = np.zeros(shape)
        self.n_het_column = np.zeros(shape)

    def add(self, rows: np.ndarray, columns: np.ndarray) -> None:
        for begin in range(0, rows.shape[1], _PIECE):
            x, y = rows[:, begin : begin + _PIECE], columns[:, begin : begin + _PIECE]
            x0, x1, x2 = ((x == copies).astype(np.float32) for copies in (0, 1, 2))
            y0, y1, y2 = ((y == copies).astype(np.float32) for copies in (0, 1, 2))
            self.n_both_het += x1 @ y1.T
            self.n_opposite += x0 @ y2.T
            self.n_opposite += x2 @ y0.T
            # Heterozygous where the other person is not missing.
            self.n_het_row += x1 @ (y >= 0).astype(np.float32).T
            self.n_het_column += (x >= 0).astype(np.float32) @ y1.T

    def kinship(self) -> np.ndarray:
        fewer = np.minimum(self.n_het_row, self.n_het_column)
        distance = self.n_het_row + self.n_het_column - 2 * self.n_both_het + 4 * self.n_opposite
        ratio = np.divide(distance, fewer, out=np.full(fewer.shape, np.nan), where=fewer > 0)
        return 0.5 - 0.25 * ratio


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
    n_samples = len(source.samples) if samples is None else len(samples)
    # int8, so 1 GB for 20,000 people at 50,000 variants.
    pieces = read_in_pieces(source, variants, samples, task="reading genotypes for kinship")
    dosage = np.concatenate([piece for _, piece in pieces], axis=1)
    begins = range(0, n_samples, _TILE)
    tiles = [(i, j) for i in begins for j in begins if j >= i]
    found = []
    for i, j in tqdm(tiles, desc="kinship of pairs", unit=" tiles", delay=5, disable=None):
        kinship = king_kinship(dosage[i : i + _TILE], dosage[j : j + _TILE])
        with np.errstate(invalid="ignore"):
            first, second = np.nonzero(kinship > threshold)
        pair = pd.DataFrame({"first": first + i, "second": second + j, "kinship": kinship[first, second]})
        found.append(pair[pair["first"] < pair["second"]])
    return pd.concat(found, ignore_index=True)
