"""Standardised dosages, tile by tile: what every linear method on genotypes works with.

Genotypes of many people and a million variants fit in memory as int8 but not as floats, so only tiles of
variants are ever standardised.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from gds.errors import UserError

TILE_CELLS = 2**24  # float32 cells of one tile: 64 MB


class DosageScaler:
    """Mean and standard deviation of each variant over training people, missing ones aside.

    A missing dosage becomes the mean, 0 after standardising. A variant that does not vary in training has
    scale 0: it says nothing about anybody.

    Attributes
    ----------
    mean_, scale_ : numpy.ndarray
        float64, shape (variant,). ``scale_`` multiplies: 1 / sd of the imputed dosages, or 0.
    """

    def fit(self, parts: Sequence[np.ndarray]) -> "DosageScaler":
        """Take the mean and spread of dosages.

        Parameters
        ----------
        parts
            Arrays of training people, each int8 of shape (sample, variant), -1 missing.

        Raises
        ------
        UserError
            The arrays have different numbers of variants, or hold something that is no dosage.
        """
        n_variants = parts[0].shape[1]
        self.mean_, self.scale_ = np.zeros((2, n_variants))
        for part in parts:
            check_dosages(part, n_variants)
        n = sum(len(part) for part in parts)
        for columns in _tiles(n, n_variants):
            tile = np.concatenate([part[:, columns] for part in parts])
            missing = tile < 0
            present = n - missing.sum(axis=0)
            tile = np.where(missing, 0, tile)
            first = tile.sum(axis=0, dtype=np.int64)
            second = np.square(tile, dtype=np.int64).sum(axis=0)
            mean = first / np.maximum(present, 1)
            variance = (second - mean * first) / n
            self.mean_[columns] = mean
            vary = variance > 1e-9
            self.scale_[columns] = np.where(vary, 1 / np.sqrt(np.where(vary, variance, 1)), 0)
        if not self.scale_.any():
            raise UserError(f"none of {n_variants} variants varies among {n} training people")
        return self

    def tiles(self, parts: Sequence[np.ndarray]) -> Iterator[tuple[slice, np.ndarray]]:
        """Standardised dosages of the people of all parts, a tile of variants at a time.

        Yields
        ------
        columns : slice
            Which variants.
        tile : numpy.ndarray
            float32, shape (sample, variant of the tile).
        """
        n = sum(len(part) for part in parts)
        for part in parts:
            check_dosages(part, len(self.mean_))
        for columns in _tiles(n, len(self.mean_)):
            tile = np.concatenate([part[:, columns] for part in parts])
            z = tile.astype(np.float32)
            z -= self.mean_[columns].astype(np.float32)
            z *= self.scale_[columns].astype(np.float32)
            if tile.size and tile.min() < 0:
                z[tile < 0] = 0
            yield columns, z

    def kernel(self, parts: Sequence[np.ndarray], weights: np.ndarray | None = None) -> np.ndarray:
        """Z W Z' / (sum of the weights of variants that vary): relationship of people; float64, (sample, sample).

        Parameters
        ----------
        parts
            Dosages of people.
        weights
            Not negative, shape (variant,); None: 1 each.
        """
        n = sum(len(part) for part in parts)
        total = np.zeros((n, n))
        for columns, z in self.tiles(parts):
            if weights is not None:
                z *= np.sqrt(weights[columns]).astype(np.float32)
            total += z @ z.T
        return total / (self.n_varying if weights is None else weights[self.scale_ > 0].sum())

    def back_project(self, parts: Sequence[np.ndarray], people: np.ndarray) -> np.ndarray:
        """Z' A for weights A of people, shape (sample, k); result float64, shape (variant, k)."""
        result = np.empty((len(self.mean_), people.shape[1]))
        for columns, z in self.tiles(parts):
            result[columns] = z.T @ people.astype(np.float32)
        return result

    def project(self, parts: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
        """Z B for weights B of variants, shape (variant, k); result float64, shape (sample, k)."""
        result = np.zeros((sum(len(part) for part in parts), weights.shape[1]))
        for columns, z in self.tiles(parts):
            result += z @ weights[columns].astype(np.float32)
        return result

    @property
    def n_varying(self) -> int:
        """Number of variants that vary among the training people."""
        return int((self.scale_ > 0).sum())


def check_dosages(dosages: np.ndarray, n_variants: int) -> None:
    """Refuse what is not a matrix of effect-allele counts with the expected variants.

    Raises
    ------
    UserError
        Wrong shape or a value outside {-1, 0, 1, 2}.
    """
    if not isinstance(dosages, np.ndarray) or dosages.ndim != 2 or dosages.shape[1] != n_variants:
        raise UserError(
            f"expected dosages of shape (sample, {n_variants}), found {np.shape(dosages)}: "
            "are these the variants of the training people?"
        )
    if dosages.dtype != np.int8:
        raise UserError(f"expected dosages as int8 with -1 for missing, found {dosages.dtype}")
    if len(dosages) and (dosages.min() < -1 or dosages.max() > 2):
        row, column = np.argwhere((dosages < -1) | (dosages > 2))[0]
        raise UserError(
            f"expected dosages in {{0, 1, 2}} or -1 for missing, found {dosages[row, column]} at person {row}, "
            f"variant {column}: is -9 the missing code of this matrix?"
        )


def _tiles(n_samples: int, n_variants: int) -> Iterator[slice]:
    width = max(1, TILE_CELLS // max(1, n_samples))
    for start in range(0, n_variants, width):
        yield slice(start, min(start + width, n_variants))
