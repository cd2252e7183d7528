"""Clumping: of linked variants keep the one with the smallest p-value, as ``plink --clump``."""

import numpy as np

from gds.errors import UserError
from gds.genotypes.counts import as_indices, read_dosage
from gds.genotypes.ld import by_chromosome, squared_correlation
from gds.genotypes.matrix import GenotypeSource


def clump(
    source: GenotypeSource,
    neg_log10_p: np.ndarray,
    *,
    r2: float = 0.1,
    kilobases: float = 250,
    variants: np.ndarray | None = None,
    samples: np.ndarray | None = None,
) -> np.ndarray:
    """Index variants: the most significant one, then the most significant one that is not linked to it, and so on.

    The rule of ``plink --clump`` with all variants admitted (``--clump-p1 1 --clump-p2 1``). r2 is that of dosages,
    where PLINK 1.9 estimates haplotype frequencies; the two agree in random mating. The index variants of a smaller
    p-value threshold are those of them that pass it, so that one clumping serves all thresholds.

    Parameters
    ----------
    source
        Genotypes whose LD decides.
    neg_log10_p
        -log10 p of each variant of ``variants``, (variant,); of equal ones the earlier goes first.
    r2
        Squared correlation from which variants are of one clump, above 0.
    kilobases
        Greatest distance from an index variant to a member.
    variants
        Indices into the source's variants, shape (variant,); default all.
    samples
        Indices of the (training) people whose LD decides; default all.

    Returns
    -------
    numpy.ndarray
        Positions in ``variants`` of the index variants, ascending, int64.

    Raises
    ------
    UserError
        An option is out of range, or the p-values are not one a variant.
    """
    if not 0 < r2 <= 1 or not kilobases > 0:
        raise UserError(
            f"clumping needs 0 < r2 <= 1 and a distance above 0, found r2 {r2} and {kilobases} kb"
        )
    index = as_indices(variants, len(source.variants), "variants")
    people = as_indices(samples, len(source.samples), "samples")
    if len(neg_log10_p) != len(index):
        raise UserError(f"expected a p-value for each of {len(index)} variants, found {len(neg_log10_p)}")
    place = np.empty(len(source.variants), dtype=np.int64)
    place[index] = np.arange(len(index))
    chosen = []
    for here in by_chromosome(source, index):
        position = source.variants["position"].to_numpy()[here]
        free = np.ones(len(here), dtype=bool)
        # The window of one index variant at a time: never a whole chromosome.
        for lead in np.argsort(-np.asarray(neg_log10_p)[place[here]], kind="stable"):
            if not free[lead]:
                continue
            chosen.append(place[here[lead]])
            first = np.searchsorted(position, position[lead] - 1000 * kilobases, side="left")
            last = np.searchsorted(position, position[lead] + 1000 * kilobases, side="right")
            window = first + np.flatnonzero(free[first:last])
            dosage = read_dosage(source, here[window], people)
            linked = squared_correlation(dosage[:, window == lead], dosage)[0] >= r2
            free[window[linked]] = False
            free[lead] = False
    return np.sort(np.array(chosen, dtype=np.int64))
