"""The same person genotyped twice, found without comparing every pair."""

import numpy as np
import pandas as pd

from gds.genotypes.counts import allele_frequencies, as_indices, count_genotypes, is_autosomal, read_in_pieces
from gds.genotypes.matrix import GenotypeSource

_MIN_VARIANTS = 200
# Within few regions, people who share both haplotypes by descent look like copies.
_MIN_REGIONS, _REGION = 20, 1_000_000
_MAX_VARIANTS = 5000
_BANDS, _BAND_WIDTH = 64, 16
_MAX_CANDIDATES = 5_000_000


def duplicate_pairs(
    source: GenotypeSource,
    samples: np.ndarray | None = None,
    *,
    min_concordance: float = 0.99,
    min_frequency: float = 0.1,
    seed: int = 0,
) -> tuple[pd.DataFrame, str]:
    """Pairs of people with the same genotypes (copies, or identical twins).

    Candidates are people who agree at all 16 variants of at least one of 64 random sets of common variants;
    they are then compared at up to 5,000 common variants. Two copies with errors or missing calls at 5 % of
    their genotypes agree in a set with probability .44, and so are missed by all 64 with probability 1e-16;
    unrelated people seldom agree in any.

    Parameters
    ----------
    source
        Genotypes.
    samples
        Indices of people, shape (sample,); default all.
    min_concordance
        Share of equal genotypes, among those that both have, from which two people are one.
    min_frequency
        Frequency of the rarer allele from which a variant tells people apart.
    seed
        Of the choice of variants.

    Returns
    -------
    pairs
        Columns first, second (places among ``samples``, first < second), concordance, variants.
    why_skipped
        Empty, or why nobody was compared.
    """
    none = pd.DataFrame({"first": [], "second": [], "concordance": [], "variants": []})
    people = as_indices(samples, len(source.samples), "samples")
    index = np.flatnonzero(is_autosomal(source.variants["chromosome"].to_numpy(object)))
    places = source.variants.iloc[index]
    n_regions = len(places["position"].floordiv(_REGION).groupby(places["chromosome"]).value_counts())
    if n_regions < _MIN_REGIONS:
        return none, f"duplicates need variants in {_MIN_REGIONS} regions of 1 Mb, there are {n_regions}"
    # A seeded shuffle, so that variants of one set are seldom linked.
    shuffled = np.random.default_rng(seed).permutation(index)
    chosen: list[np.ndarray] = []
    n_chosen = 0
    for begin in range(0, len(shuffled), _MAX_VARIANTS):
        for _, dosage in read_in_pieces(source, np.sort(shuffled[begin : begin + _MAX_VARIANTS]), people):
            frequency = allele_frequencies(count_genotypes(dosage))
            common = np.minimum(frequency, 1 - frequency) >= min_frequency
            chosen.append(dosage[:, common])
            n_chosen += int(common.sum())
        if n_chosen >= _MAX_VARIANTS:
            break
    if n_chosen < _MIN_VARIANTS:
        return none, (
            f"duplicates need {_MIN_VARIANTS} autosomal variants with an allele frequency of {min_frequency:g} "
            f"or more, there are {n_chosen}"
        )
    dosage = np.concatenate(chosen, axis=1)[:, :_MAX_VARIANTS]
    candidates = _candidates(dosage, np.random.default_rng(seed))
    if candidates is None:
        return none, "too many people agree at random sets of variants, which are too few or too linked"
    first, second = candidates
    concordance, n_shared = np.empty(len(first)), np.empty(len(first), dtype=np.int64)
    for begin in range(0, len(first), 1024):
        part = slice(begin, begin + 1024)
        a, b = dosage[first[part]], dosage[second[part]]
        both = (a >= 0) & (b >= 0)
        n_shared[part] = both.sum(axis=1)
        concordance[part] = ((a == b) & both).sum(axis=1) / np.maximum(n_shared[part], 1)
    same = (concordance >= min_concordance) & (n_shared >= _MIN_VARIANTS // 2)
    return pd.DataFrame(
        {
            "first": first[same],
            "second": second[same],
            "concordance": concordance[same],
            "variants": n_shared[same],
        }
    ), ""


def _candidates(dosage: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray] | None:
    """Pairs that agree at a random set of variants, or None if these hardly tell people apart."""
    n_samples, n_variants = dosage.shape
    pairs: set[int] = set()
    for _ in range(_BANDS):
        band = rng.choice(n_variants, size=_BAND_WIDTH, replace=False)
        # Base 4 (missing is 3) in one int64.
        key = (np.where(dosage[:, band] < 0, 3, dosage[:, band]).astype(np.int64) << (2 * np.arange(16))).sum(
            axis=1
        )
        order = np.argsort(key, kind="stable")
        bounds = np.flatnonzero(np.r_[True, np.diff(key[order]) != 0, True])
        sizes = np.diff(bounds)
        if (sizes * (sizes - 1) // 2).sum() + len(pairs) > _MAX_CANDIDATES:
            return None
        for begin, size in zip(bounds[:-1][sizes > 1], sizes[sizes > 1], strict=True):
            people = np.sort(order[begin : begin + size])
            i, j = np.triu_indices(size, k=1)
            pairs.update((people[i] * n_samples + people[j]).tolist())
    code = np.array(sorted(pairs), dtype=np.int64)
    return code // n_samples, code % n_samples
