"""Principal components of people, the covariates that stand for ancestry."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import eigh

from gds.errors import UserError
from gds.genotypes.counts import (
    allele_frequencies,
    as_indices,
    genotype_counts,
    is_autosomal,
    read_in_pieces,
)
from gds.genotypes.ld import ld_prune
from gds.genotypes.matrix import GenotypeSource

# An eigendecomposition of this order takes 7 GB and some ten minutes.
_LARGEST_MATRIX = 30_000


@dataclass(frozen=True)
class PrincipalComponents:
    """Principal components fitted on some people; others are projected onto them.

    A dosage x is standardised as (x - 2p) / sqrt(2p (1 - p)) with the frequencies of the people fitted on;
    a missing one is 0, where PLINK weighs each pair of people by the variants that both have (at 2 % missing
    genotypes its eigenvalues are 1-3 % larger; without any they are equal). Projected people lie a little
    closer to the origin than they would if fitted on, the more so the fewer variants per person there are.

    Attributes
    ----------
    variants
        The variants used, shape (variant,): the rows of the source's table.
    allele_frequency
        float64, shape (variant,), among the people fitted on.
    loadings
        float64, shape (variant, component), unit columns.
    eigenvalues
        float64, shape (component,): of the relationship matrix Z Z' / variants, as ``plink2 --pca`` prints.
    total_variance
        Sum of all eigenvalues.
    n_samples
        Number of people fitted on.
    """

    variants: pd.DataFrame
    allele_frequency: np.ndarray
    loadings: np.ndarray
    eigenvalues: np.ndarray
    total_variance: float
    n_samples: int

    def project(self, source: GenotypeSource, samples: np.ndarray | None = None) -> np.ndarray:
        """Scores of people of the same source (or of one with the same variants in the same rows).

        Returns
        -------
        numpy.ndarray
            float64, shape (sample, component). Over the people fitted on, each component has mean square
            eigenvalue / number of people: columns are ``eigenvectors x sqrt(eigenvalues)``.

        Raises
        ------
        UserError
            The source has other variants in these rows.
        """
        rows = self.variants.index.to_numpy()
        keys = ["chromosome", "position", "effect_allele", "other_allele"]
        if rows.max() >= len(source.variants) or not (
            source.variants[keys]
            .iloc[rows]
            .reset_index(drop=True)
            .equals(self.variants[keys].reset_index(drop=True))
        ):
            raise UserError(
                "these genotypes have other variants, or other alleles, than those the components were fitted on"
            )
        people = as_indices(samples, len(source.samples), "samples")
        scores = np.zeros((len(people), len(self.eigenvalues)))
        done = 0
        for piece, dosage in read_in_pieces(source, rows, people, task="projecting people"):
            here = slice(done, done + len(piece))
            scores += _standardise(dosage, self.allele_frequency[here]) @ self.loadings[here]
            done += len(piece)
        return scores / np.sqrt(len(rows))


def fit_pca(
    source: GenotypeSource,
    samples: np.ndarray | None = None,
    variants: np.ndarray | None = None,
    *,
    n_components: int = 10,
    min_frequency: float = 0.01,
) -> PrincipalComponents:
    """Fit principal components on (training) people.

    Parameters
    ----------
    source
        Genotypes.
    samples
        Indices of the people to fit on; default all.
    variants
        Indices of LD-pruned variants; default: :func:`prune_for_pca`.
    n_components
        Number of components.
    min_frequency
        Variants whose rarer allele is rarer than this, or absent, are left out.

    Raises
    ------
    UserError
        Fewer people or variants than components are left, or both are too many for an exact solution.
    """
    people = as_indices(samples, len(source.samples), "samples")
    if variants is None:
        variants = prune_for_pca(source, people)
    variants = np.sort(as_indices(variants, len(source.variants), "variants"))
    frequency = allele_frequencies(genotype_counts(source, people, variants))
    common = np.minimum(frequency, 1 - frequency) >= max(min_frequency, np.finfo(float).tiny)
    variants, frequency = variants[common], frequency[common]
    n, m = len(people), len(variants)
    if not 1 <= n_components <= min(n - 1, m):
        raise UserError(
            f"{n_components} principal components need more people than that and as many variants: {n:,} "
            f"people have {m:,} LD-pruned variants with a minor allele frequency of {min_frequency:g} or more"
        )
    if min(n, m) > _LARGEST_MATRIX:
        raise UserError(
            f"exact principal components of {n:,} people and {m:,} variants need too much memory: fit on at "
            f"most {_LARGEST_MATRIX:,} of these people and project the others, or prune variants harder"
        )
    if n <= m:
        eigenvalues, vectors, total = _from_people(source, people, variants, frequency, n_components)
        loadings = np.concatenate(
            [
                _standardise(dosage, frequency[_where(variants, piece)]).T @ vectors
                for piece, dosage in read_in_pieces(source, variants, people, task="computing loadings")
            ]
        )
        loadings /= np.linalg.norm(loadings, axis=0)
    else:
        eigenvalues, loadings, total = _from_variants(source, people, variants, frequency, n_components)
    # An eigenvector's sign is arbitrary: the largest loading is made positive.
    peak = np.abs(loadings).argmax(axis=0)
    loadings = loadings * np.sign(loadings[peak, np.arange(n_components)])
    return PrincipalComponents(source.variants.iloc[variants], frequency, loadings, eigenvalues, total, n)


def prune_for_pca(
    source: GenotypeSource,
    samples: np.ndarray | None = None,
    *,
    window: str = "500kb",
    r2: float = 0.2,
    min_frequency: float = 0.01,
    min_call_rate: float = 0.95,
) -> np.ndarray:
    """LD-pruned, common, well-called autosomal variants; ascending indices, int64."""
    candidates = np.flatnonzero(is_autosomal(source.variants["chromosome"].to_numpy(object)))
    people = as_indices(samples, len(source.samples), "samples")
    counts = genotype_counts(source, people, candidates)
    frequency = allele_frequencies(counts)
    good = np.minimum(frequency, 1 - frequency) >= min_frequency
    good &= counts.sum(axis=1) >= min_call_rate * len(people)
    return ld_prune(source, window, r2=r2, samples=people, variants=candidates[good])


def _standardise(dosage: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    z = dosage.astype(np.float64)
    z -= 2 * frequency
    z /= np.sqrt(2 * frequency * (1 - frequency))
    if dosage.min(initial=0) < 0:
        z[dosage < 0] = 0
    return z


def _where(variants: np.ndarray, piece: np.ndarray) -> np.ndarray:
    return np.searchsorted(variants, piece)


def _from_people(
    source: GenotypeSource,
    people: np.ndarray,
    variants: np.ndarray,
    frequency: np.ndarray,
    n_components: int,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Eigenvalues and eigenvectors of the (sample, sample) relationship matrix."""
    relationship: np.ndarray | None = None
    for piece, dosage in read_in_pieces(source, variants, people, task="relating people"):
        for begin in range(0, len(piece), 1024):
            part = slice(begin, begin + 1024)
            z = _standardise(dosage[:, part], frequency[_where(variants, piece[part])])
            relationship = z @ z.T if relationship is None else relationship + z @ z.T
    assert relationship is not None
    relationship /= len(variants)
    return *_top(relationship, n_components), float(np.trace(relationship))


def _from_variants(
    source: GenotypeSource,
    people: np.ndarray,
    variants: np.ndarray,
    frequency: np.ndarray,
    n_components: int,
) -> tuple[np.ndarray, np.ndarray, float]:
    """The same eigenvalues, and the loadings, from the (variant, variant) covariance matrix."""
    covariance = np.zeros((len(variants), len(variants)))
    for begin in range(0, len(people), 1024):
        z = _standardise(source.read(variants, people[begin : begin + 1024]), frequency)
        covariance += z.T @ z
    covariance /= len(variants)
    return *_top(covariance, n_components), float(np.trace(covariance))


def _top(matrix: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    n = len(matrix)
    values, vectors = eigh(matrix, subset_by_index=[n - n_components, n - 1])
    return values[::-1].copy(), vectors[:, ::-1].copy()
