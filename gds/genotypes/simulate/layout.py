"""Where simulated genes lie on the hg19 genome."""

from bisect import bisect_left, insort

import numpy as np
import pandas as pd

# Lengths of the autosomes of GRCh37 (hg19), from the Genome Reference Consortium's assembly report.
HG19_AUTOSOMES = {
    "1": 249_250_621, "2": 243_199_373, "3": 198_022_430, "4": 191_154_276, "5": 180_915_260,
    "6": 171_115_067, "7": 159_138_663, "8": 146_364_022, "9": 141_213_431, "10": 135_534_747,
    "11": 135_006_516, "12": 133_851_895, "13": 115_169_878, "14": 107_349_540, "15": 102_531_392,
    "16": 90_354_753, "17": 81_195_210, "18": 78_077_248, "19": 59_128_983, "20": 63_025_520,
    "21": 48_129_895, "22": 51_304_566,
}  # fmt: skip

LENGTH_SIGMA = 0.8  # of log gene length; with a median of 30 kb, 95 % of genes span 6-144 kb
LENGTH_LIMITS = (3_000, 300_000)
GAP = 10_000  # least distance between genes
PLACE = ["chromosome", "gene_start", "gene_end", "gene"]


def lay_genes(
    n_genes: int, median_length: float, loci: pd.DataFrame | None, rng: np.random.Generator
) -> pd.DataFrame:
    """Lay genes without overlap on the autosomes, in proportion to their lengths.

    Parameters
    ----------
    n_genes
        How many, those of ``loci`` included.
    median_length
        Of the log-normal gene length, in base pairs.
    loci
        Published loci (:func:`read_als_loci`) whose genes keep their own places; or None.
    rng
        Source of lengths and places.

    Returns
    -------
    pandas.DataFrame
        Columns chromosome, start, end (1-based, inclusive) and name, in genomic order. Genes other
        than those of ``loci`` are named GENE00001, GENE00002, ... in that order.
    """
    taken: dict[str, list[tuple[int, int]]] = {chromosome: [] for chromosome in HG19_AUTOSOMES}
    named = {}
    if loci is not None:
        for chromosome, start, end, name in loci[PLACE].to_numpy().tolist():
            insort(taken[chromosome], (start, end))
            named[chromosome, start] = name
    chromosomes = list(HG19_AUTOSOMES)
    lengths = np.array(list(HG19_AUTOSOMES.values()))
    for _ in range(n_genes - len(named)):
        length = int(np.clip(rng.lognormal(np.log(median_length), LENGTH_SIGMA), *LENGTH_LIMITS))
        while True:
            chosen = int(rng.choice(len(chromosomes), p=lengths / lengths.sum()))
            start = int(rng.integers(1, lengths[chosen] - length))
            if _is_free(taken[chromosomes[chosen]], start, start + length - 1):
                insort(taken[chromosomes[chosen]], (start, start + length - 1))
                break
    rows = [(chromosome, *interval) for chromosome in chromosomes for interval in taken[chromosome]]
    genes = pd.DataFrame(rows, columns=["chromosome", "start", "end"])
    places = zip(genes["chromosome"], genes["start"], strict=True)
    genes["name"] = pd.Series(
        [named.get(place, f"GENE{number:05d}") for number, place in enumerate(places, start=1)], dtype=str
    )
    return genes


def _is_free(taken: list[tuple[int, int]], start: int, end: int) -> bool:
    """Whether [start, end] keeps its distance from the sorted intervals ``taken``."""
    here = bisect_left(taken, (start, end))
    after = here == len(taken) or taken[here][0] > end + GAP
    before = here == 0 or taken[here - 1][1] < start - GAP
    return after and before
