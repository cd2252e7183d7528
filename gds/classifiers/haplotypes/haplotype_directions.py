"""Directions in which a person's two haplotypes agree."""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import eigh

from gds.classifiers.haplotypes.haplotype_copying import check_haplotypes
from gds.classifiers.linear.standardised import DosageScaler
from gds.errors import UserError


class HaplotypeDirections:
    """Scores on the directions of highest correlation between the two haplotypes of a person.

    Two haplotypes of one person share ancestry, and little else: what they agree on, over many people, is
    population structure, and what they do not is chance and linkage. It is a canonical correlation analysis
    of pairs whose order means nothing: with A and B the whitened components of the two haplotypes, the eigenvectors of
    (A'B + B'A) / 2n. No label is needed. A person's score is the mean of its haplotypes'.

    Parameters
    ----------
    n_directions
        Directions kept.
    n_components
        Principal components of single haplotypes that are whitened; at most a quarter of the haplotypes, as the
        correlation that chance finds grows with their ratio.

    Attributes
    ----------
    correlation_ : numpy.ndarray
        Over training people, shape (direction,); optimistic.

    Notes
    -----
    Hotelling 1936, Biometrika 28:321-377. To learn what two views of one person share is also the aim of
    contrastive pre-training, of which this is the linear case.
    """

    def __init__(self, n_directions: int = 6, n_components: int = 100) -> None:
        self.n_directions = n_directions
        self.n_components = n_components

    def fit(self, parts: Sequence[np.ndarray]) -> "HaplotypeDirections":
        """Fit on the haplotypes of training people, each int8 of shape (sample, variant, 2), -1 missing."""
        for part in parts:
            check_haplotypes(part, parts[0].shape[1])
        rows = [_rows(part) for part in parts]
        self.scaler_ = DosageScaler().fit(rows)
        n = sum(len(part) for part in rows)
        k = min(self.n_components, n // 4, self.scaler_.n_varying)
        if k < 1:
            raise UserError(f"{n // 2} training people are too few for directions of their haplotypes")
        values, vectors = eigh(self.scaler_.kernel(rows), subset_by_index=[n - k, n - 1])
        kept = values > 1e-6 * values[-1]
        loadings = self.scaler_.back_project(rows, vectors[:, kept])
        # Scores of the haplotypes fitted on have variance 1 in each component.
        loadings *= np.sqrt(n) / (values[kept] * self.scaler_.n_varying)
        whitened = self.scaler_.project(rows, loadings)
        first, second = whitened[0::2], whitened[1::2]
        agreement = (first.T @ second + second.T @ first) / n
        values, rotation = eigh(agreement)
        top = slice(None, -min(self.n_directions, len(values)) - 1, -1)
        self.correlation_ = values[top]
        self.directions_ = loadings @ rotation[:, top]
        return self

    def fit_transform(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Fit, and score the people of each part."""
        self.fit(parts)
        return [self.transform(part) for part in parts]

    def transform(self, haplotypes: np.ndarray) -> np.ndarray:
        """Scores of people, float64, shape (sample, direction)."""
        check_haplotypes(haplotypes, len(self.directions_))
        scores = self.scaler_.project([_rows(haplotypes)], self.directions_)
        return (scores[0::2] + scores[1::2]) / 2


def _rows(haplotypes: np.ndarray) -> np.ndarray:
    """Haplotypes one below the other, two a person; shape (2 sample, variant)."""
    return haplotypes.transpose(0, 2, 1).reshape(2 * len(haplotypes), -1)
