"""Genotypes counted in one pass over a source, in reads of bounded size."""

from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

from gds.errors import UserError
from gds.genotypes.gene_file import chromosome_keys
from gds.genotypes.matrix import GenotypeSource

# Reads this large already run at the file's full rate.
_READ_BYTES = 2**26


def as_indices(chosen: np.ndarray | slice | None, n: int, what: str) -> np.ndarray:
    """Indices of people or variants, from indices, a boolean mask, a slice, or None for all.

    Parameters
    ----------
    chosen
        What was given.
    n
        How many there are.
    what
        Word for an error, ``"samples"`` or ``"variants"``.

    Raises
    ------
    UserError
        A mask of another length, an index out of range, or one that occurs twice.
    """
    if chosen is None:
        return np.arange(n)
    if isinstance(chosen, slice):
        return np.arange(n)[chosen]
    chosen = np.asarray(chosen)
    if chosen.dtype == bool:
        if chosen.shape != (n,):
            raise UserError(f"a mask of {what} must have shape ({n},), found {chosen.shape}")
        return np.flatnonzero(chosen)
    if chosen.size == 0:
        return np.empty(0, dtype=np.int64)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu" or chosen.min() < 0 or chosen.max() >= n:
        raise UserError(f"{what} must be indices from 0 to {n - 1}, or a mask; found {chosen!r:.100}")
    if len(np.unique(chosen)) != len(chosen):
        raise UserError(
            f"{what} are chosen more than once: {len(chosen):,} indices, {len(np.unique(chosen)):,} distinct"
        )
    return chosen.astype(np.int64)


def read_in_pieces(
    source: GenotypeSource,
    variants: np.ndarray | None = None,
    samples: np.ndarray | None = None,
    *,
    task: str = "reading genotypes",
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Read variants in the order given, a bounded number of dosages at a time.

    Parameters
    ----------
    source
        Where dosages are read from.
    variants
        Indices of variants, shape (variant,); default all.
    samples
        Indices of people, shape (sample,); default all.
    task
        What the progress bar says, once reading has taken five seconds.

    Yields
    ------
    tuple
        Indices of the variants of one piece, int64, shape (piece,), and their dosages, int8, shape
        (sample, piece), -1 missing.
    """
    index = as_indices(variants, len(source.variants), "variants")
    people = as_indices(samples, len(source.samples), "samples")
    step = max(1, _READ_BYTES // max(len(people), 1))
    with tqdm(total=len(index), desc=task, unit=" variants", delay=5, disable=None) as bar:
        for begin in range(0, len(index), step):
            piece = index[begin : begin + step]
            yield piece, read_dosage(source, piece, people)
            bar.update(len(piece))


def read_dosage(source: GenotypeSource, variants: np.ndarray, people: np.ndarray) -> np.ndarray:
    """``source.read`` by indices; a slice, and everyone, where that is what they are: both are read faster."""
    n = len(source.samples)
    is_everyone = len(people) == n and (people == np.arange(n)).all()
    return source.read(_as_slice(variants), None if is_everyone else people)


def _as_slice(index: np.ndarray) -> slice | np.ndarray:
    if len(index) and index[-1] - index[0] == len(index) - 1 and (np.diff(index) == 1).all():
        return slice(int(index[0]), int(index[-1]) + 1)
    return index


def count_genotypes(dosage: np.ndarray) -> np.ndarray:
    """Number of people with 0, 1 and 2 copies of the effect allele.

    Parameters
    ----------
    dosage
        int8, shape (sample, variant), -1 missing.

    Returns
    -------
    numpy.ndarray
        int64, shape (variant, 3).
    """
    return np.stack([np.count_nonzero(dosage == copies, axis=0) for copies in (0, 1, 2)], axis=1)


def genotype_counts(
    source: GenotypeSource, samples: np.ndarray | None = None, variants: np.ndarray | None = None
) -> np.ndarray:
    """:func:`count_genotypes` of a whole source; int64, shape (variant, 3)."""
    pieces = read_in_pieces(source, variants, samples, task="counting genotypes")
    counts = [count_genotypes(dosage) for _, dosage in pieces]
    return np.concatenate(counts) if counts else np.zeros((0, 3), dtype=np.int64)


def allele_frequencies(counts: np.ndarray) -> np.ndarray:
    """Frequency of the effect allele among people who have a genotype.

    Parameters
    ----------
    counts
        From :func:`count_genotypes`, shape (variant, 3).

    Returns
    -------
    numpy.ndarray
        float64, shape (variant,); NaN where everybody is missing.
    """
    n_alleles = 2 * counts.sum(axis=1)
    n_effect = counts[:, 1] + 2 * counts[:, 2]
    return np.divide(n_effect, n_alleles, out=np.full(len(counts), np.nan), where=n_alleles > 0)


def is_autosomal(chromosome: np.ndarray) -> np.ndarray:
    """Whether variants lie on a numbered chromosome; bool, shape (variant,)."""
    return np.array([name.isdigit() and name != "0" for name in chromosome_keys(chromosome)], dtype=bool)
