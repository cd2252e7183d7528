"""How long does gene-wise PCA take, against scikit-learn on the same single thread?

    OMP_NUM_THREADS=1 python benchmarks/gene_pca.py --genotypes "$GDS_SHARED_DATA/kg_chr22/kg_chr22.bed"

Two cohorts, 2,504 people x 2,000 genes and 10,000 x 500. Gene sizes are log-normal with median 70 and a tail
that would reach 5,000 variants among 18,000 genes. Genes are windows of the real genotypes given, with
people made of pieces of several where more are wanted than there are; without a file, mosaics of random
founder haplotypes, whose flatter spectrum takes the partial solver two products more. Times are CPU seconds
of one thread, the shortest of two runs of each gene, gene by gene side by side. scikit-learn is given
float32 in memory and 8 components; its full solver sees every tenth gene of at most 600 variants and a few
larger ones, and its time for the whole distribution follows from power laws between neighbouring sizes.
The engine is the one that a large fit chooses on the machine at hand (:mod:`gds.features.engine`);
``product_peak_gops`` is what it reaches in a large product.
``components`` is ``GenePCA(8, cut_points=False)``, which computes what scikit-learn's fit does (eigenvectors
and variances, here in float64 from integer sums); ``fit`` adds the cut points of the way back to dosages,
which scikit-learn has not.
"""

import argparse
import csv
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from gds.features import GenePCA
from gds.features.covariance import covariance_of
from gds.features.engine import Engine, fastest_engine
from gds.features.gram import integer_product
from gds.genotypes import read_genotypes

COHORTS = ((2504, 2000), (10_000, 500))
RESULTS = Path(__file__).parent / "results" / "gene_pca.csv"
COMPONENTS = 8
FULL = "scikit-learn full"
# Genes of the full solver beside the small ones; the largest takes it several seconds.
LARGE_FULL = (800, 1100, 1600)


def gene_sizes(n_genes: int) -> np.ndarray:
    """Log-normal sizes of median 70 whose largest would be 5,000 among 18,000 genes.

    Evenly spaced quantiles, so that none is left to chance.
    """
    from scipy.stats import norm

    spread = np.log(5000 / 70) / norm.ppf(1 - 0.5 / 18_000)
    sizes = 70 * np.exp(spread * norm.ppf((np.arange(n_genes) + 0.5) / n_genes))
    return np.maximum(np.rint(sizes), 1).astype(int)


def mosaic_gene(
    n_samples: int, n_variants: int, rng: np.random.Generator, people: np.ndarray | None = None
) -> np.ndarray:
    """int8 (variant, sample): a random window of ``people``, or founder haplotypes, put together from
    pieces."""
    if people is None:
        frequency = np.clip(rng.beta(0.4, 1.6, n_variants), 0.01, 0.99)
        window = (rng.random((n_variants, 64)) < frequency[:, None]).astype(np.int8)
    else:
        start = int(rng.integers(0, len(people) - n_variants + 1))
        window = people[start : start + n_variants]
        if n_samples == window.shape[1]:
            return window.copy()
    dosage = np.zeros((n_variants, n_samples), dtype=np.int8)
    for _ in range(2 if people is None else 1):
        start = 0
        while start < n_variants:
            stop = start + int(rng.integers(100, 400))
            # Unequal founders make the spectrum steep, as in real haplotype blocks.
            share = rng.random(n_samples) ** (4 if people is None else 1)
            dosage[start:stop] += window[start:stop][:, (window.shape[1] * share).astype(np.int64)]
            start = stop
    mutated = rng.random(dosage.shape, dtype=np.float32) < 0.001
    dosage[mutated] = rng.integers(0, 3, int(mutated.sum()), dtype=np.int8)
    return dosage


def cpu_seconds(function: Callable[[], object], repeats: int = 2) -> float:
    """Shortest CPU time of a call."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
        if times[-1] > 1:
            break
    return min(times)


def extrapolated(sizes: np.ndarray, measured: dict[int, float]) -> float:
    """Sum over all sizes of a time known at some: power laws between them and beyond the last two."""
    known = np.log(sorted(measured))
    times = np.log([measured[size] for size in sorted(measured)])
    slope = (times[-1] - times[-2]) / (known[-1] - known[-2]) if len(known) > 1 else 2.0
    beyond = times[-1] + slope * (np.log(sizes) - known[-1])
    inside = np.interp(np.log(sizes), known, times)
    return float(np.exp(np.where(np.log(sizes) > known[-1], beyond, inside)).sum())


def measure(
    n_samples: int, n_genes: int, people: np.ndarray | None, engine: Engine, peak: float
) -> list[dict[str, object]]:
    """One row a method for one cohort."""
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(0)
    sizes = gene_sizes(n_genes)
    large = {int(np.abs(sizes - size).argmin()) for size in LARGE_FULL}
    fitted = {"components": GenePCA(COMPONENTS, cut_points=False), "fit": GenePCA(COMPONENTS)}
    methods = ("components", "fit", "scikit-learn default", FULL)
    seconds: dict[str, list[tuple[int, float]]] = {method: [] for method in methods}
    covariance_seconds = eigenvector_seconds = 0.0
    for gene in tqdm(rng.permutation(n_genes), desc=f"{n_samples} people"):
        size = int(sizes[gene])
        dosage = mosaic_gene(n_samples, size, rng, people)
        values = np.ascontiguousarray(dosage.T, dtype=np.float32)
        k = min(COMPONENTS, size)
        calls: dict[str, Callable[[], object]] = {
            "components": partial(fitted["components"]._fit_block, dosage, None, engine),
            "fit": partial(fitted["fit"]._fit_block, dosage, None, engine),
            "scikit-learn default": partial(PCA(k).fit, values),
        }
        if gene in large or (gene % 10 == 5 and size <= 600):
            calls[FULL] = partial(PCA(k, svd_solver="full").fit, values)
        for method, call in calls.items():
            seconds[method].append((size, cpu_seconds(call)))
        covariance = covariance_of(dosage, engine=engine)
        covariance_seconds += cpu_seconds(partial(covariance_of, dosage, engine=engine))
        eigenvector_seconds += cpu_seconds(partial(covariance.leading, COMPONENTS))
    total = {method: sum(took for _, took in seconds[method]) for method in methods}
    total[FULL] = extrapolated(sizes, dict(seconds[FULL]))
    # Every Gram matrix in full, which is what the fastest float library would have to multiply.
    operations = float((2.0 * n_samples * sizes.astype(float) ** 2).sum())
    return [
        {
            "people": n_samples,
            "genes": n_genes,
            "variants": int(sizes.sum()),
            "genotypes": "mosaic" if people is None else "real",
            "method": method,
            "genes_measured": len(seconds[method]),
            "largest_measured": max(size for size, _ in seconds[method]),
            "cpu_seconds": round(total[method], 2),
            "over_components": round(total[method] / total["components"], 2),
            "over_fit": round(total[method] / total["fit"], 2),
            "ms_at_70_variants": round(
                1e3 * float(np.median([took for size, took in seconds[method] if 60 <= size <= 80])), 3
            ),
            "gram_equivalent_gops": round(operations / total[method] / 1e9),
            "engine": engine.value,
            "product_peak_gops": round(peak / 1e9),
            "covariance_seconds": round(covariance_seconds, 2) if method == "components" else "",
            "eigenvector_seconds": round(eigenvector_seconds, 2) if method == "components" else "",
        }
        for method in methods
    ]


def product_peak(engine: Engine) -> float:
    """Operations a second of one thread, on a large product."""
    rows = np.random.default_rng(0).integers(0, 3, (1024, 16384), dtype=np.int8)
    integer_product(rows[:2], engine=engine)  # imports, and compiles
    return 2 * 1024 * 1024 * 16384 / cpu_seconds(lambda: integer_product(rows, engine=engine), 5)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--genotypes", type=Path, help="real genotypes of at least 5,000 variants in order")
    parser.add_argument("--share", type=float, default=1.0, help="share of the genes, for a quick look")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    people = None
    if arguments.genotypes:
        people = np.ascontiguousarray(read_genotypes(arguments.genotypes).dosage.T)
    with threadpool_limits(1):
        engine = fastest_engine(math.inf)
        peak = product_peak(engine)
        rows = [
            row
            for n_samples, n_genes in COHORTS
            for row in measure(n_samples, round(n_genes * arguments.share), people, engine, peak)
        ]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with arguments.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    print(arguments.out.read_text())


if __name__ == "__main__":
    main()
