r"""One classifier for every question, whose held-out scores cost one matrix for all folds and permutations.

Ridge regression of the class on any source of information (genotypes, batches, covariates) with relationship
K = Z Z' / m, an unpenalised intercept and penalty lambda = (1 - h2) / h2 (GBLUP, as
:class:`~gds.classifiers.linear.ridge.DosageRidge`) fits y with a matrix that knows no label: H = K~ (K~ + lambda I)^-1.
What it would have predicted for the people B without them follows from that matrix alone,

y_B - s_B = (I - H_BB)^-1 (y_B - (H y)_B),

which is exact for whole blocks of people (the leave-one-out identity of Cook and Weisberg 1982, in blocks). So
five folds, held-out batches and a thousand permutations of the labels share one inversion. Genotypes are
standardised over everyone, which uses no label.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lu_factor, lu_solve

from gds.classifiers.linear.kernel_ridge import DEFAULT_HERITABILITY
from gds.evaluation.auroc import rows_of_strata

# Prior variance of the intercept over that of the kernel: large enough not to be shrunk, small enough for float64.
_INTERCEPT = 1e4


@dataclass(frozen=True)
class HatMatrix:
    """The matrix that turns labels into fitted values, dense or as a product of thin factors.

    Attributes
    ----------
    dense
        float64 (sample, sample), or None.
    factor
        Q with H = Q Q', float64 (sample, k), or None.
    """

    dense: np.ndarray | None = None
    factor: np.ndarray | None = None

    def apply(self, targets: np.ndarray) -> np.ndarray:
        """H Y, shape (sample, column)."""
        if self.factor is not None:
            return self.factor @ (self.factor.T @ targets)
        assert self.dense is not None
        return self.dense @ targets

    def block(self, rows: np.ndarray) -> np.ndarray:
        """H of some people among themselves, shape (row, row)."""
        if self.factor is not None:
            return self.factor[rows] @ self.factor[rows].T
        assert self.dense is not None
        return self.dense[np.ix_(rows, rows)]

    def held_out(self, targets: np.ndarray, blocks: Sequence[np.ndarray]) -> np.ndarray:
        """Scores of the people of each block, learned from all people outside it.

        Parameters
        ----------
        targets
            Labels as numbers, shape (sample,) or (sample, column).
        blocks
            Row indices of each block.

        Returns
        -------
        numpy.ndarray
            float64, shaped as ``targets``; NaN for people of no block. Comparable within a block only.
        """
        columns = np.asarray(targets, dtype=np.float64).reshape(len(targets), -1)
        residual = columns - self.apply(columns)
        scores = np.full(columns.shape, np.nan)
        for rows in blocks:
            left = lu_factor(np.eye(len(rows)) - self.block(rows))
            scores[rows] = columns[rows] - lu_solve(left, residual[rows])
        return scores.reshape(np.shape(targets))


def hat_of_kernel(kernel: np.ndarray, heritability: float = DEFAULT_HERITABILITY) -> HatMatrix:
    """Of a relationship matrix whose mean diagonal is about 1; (sample, sample)."""
    penalised = kernel * (heritability / (1 - heritability)) + _INTERCEPT
    penalised[np.diag_indices_from(penalised)] += 1
    # H = I - (K / lambda + I)^-1
    inverse = cho_solve(cho_factor(penalised, lower=True), np.eye(len(penalised)), check_finite=False)
    hat = -inverse
    hat[np.diag_indices_from(hat)] += 1
    return HatMatrix(dense=hat)


def hat_of_columns(columns: np.ndarray, heritability: float = DEFAULT_HERITABILITY) -> HatMatrix:
    """Of few columns, shape (sample, column), standardised here so that their kernel has mean diagonal 1."""
    centred = columns - columns.mean(axis=0)
    total = np.square(centred).sum() / len(centred)
    design = centred / np.sqrt(total) if total > 0 else centred
    design = np.column_stack(
        [np.full(len(design), np.sqrt(_INTERCEPT)), design * np.sqrt(heritability / (1 - heritability))]
    )
    left, singular, _ = np.linalg.svd(design, full_matrices=False)
    return HatMatrix(factor=left * np.sqrt(singular**2 / (singular**2 + 1)))


def fold_blocks(folds: np.ndarray) -> list[np.ndarray]:
    """Row indices of each fold or group, from its codes (sample,)."""
    return rows_of_strata(folds, len(folds))
