"""From a .bed file to scores on disk: core-seconds for 18,000 genes.

    OMP_NUM_THREADS=1 python benchmarks/bed_to_features.py --genotypes "$GDS_SHARED_DATA/kg_chr22/kg_chr22.bed"

A file of genes, windows of the real genotypes whose sizes have the distribution of ``gene_pca.py``, is fitted
(everyone trains) and transformed to a float16 array on disk, by ``fit_transform`` in one pass over the file; beside
it the two passes of ``fit`` and ``transform``; medians of several rounds. CPU seconds of one thread,
file reading included, times 18,000 over the number of genes. Then the peak memory of a process of its own that does
the same with 10,000 people (real ones repeated), interpreter, torch and libraries included; beyond 1,500 MB the
script fails.
"""

import argparse
import math
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

import gds
from gds.features.engine import fastest_engine
from gds.features.gram import integer_product
from gds.genotypes import Blocks

RESULTS = Path(__file__).parent / "results" / "bed_to_features.csv"
MANY = 10_000
MOST_MEGABYTES = 1500


def gene_file(people: gds.Genotypes, n_genes: int, folder: Path) -> tuple[Path, Blocks]:
    """A .bed of random windows of the people's genotypes, and its blocks."""
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    spread = np.log(5000 / 70) / norm.ppf(1 - 0.5 / 18_000)
    sizes = 70 * np.exp(spread * norm.ppf((np.arange(n_genes) + 0.5) / n_genes))
    sizes = rng.permutation(np.maximum(np.rint(sizes), 1).astype(int))
    starts = [int(rng.integers(0, len(people.variants) - size + 1)) for size in sizes]
    index = np.concatenate([np.arange(a, a + size) for a, size in zip(starts, sizes, strict=True)])
    variants = people.variants.iloc[index].reset_index(drop=True)
    variants["position"] = np.arange(1, len(variants) + 1)
    variants["id"] = [f"v{j}" for j in range(len(variants))]
    path = folder / "genes.bed"
    gds.write_genotypes(gds.Genotypes(people.read(index), people.samples, variants), path)
    offset = np.concatenate([[0], np.cumsum(sizes)])
    names = np.array([f"GENE{i}" for i in range(n_genes)])
    chromosome = np.full(n_genes, variants["chromosome"][0])
    return path, Blocks(names, chromosome, offset[:-1] + 1, offset[1:], np.arange(len(variants)), offset)


def peak_megabytes(path: Path, blocks: Blocks, cut_points: bool) -> float:
    """Fit and transform; the largest resident set of this process so far."""
    import torch

    torch.set_num_threads(1)
    with threadpool_limits(1):
        source = gds.open_genotypes(path)
        shape = (len(source.samples), len(blocks), 8)
        out = np.lib.format.open_memmap(path.with_suffix(".npy"), "w+", np.float16, shape)
        pca, everyone = gds.GenePCA(8, cut_points=cut_points), np.arange(len(source.samples))
        pca.fit_transform(source, blocks, everyone, everyone[:0], out=out)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(path: Path, blocks: Blocks, folder: Path, cut_points: bool) -> dict[str, float]:
    """CPU seconds of one pass, and of two."""
    source = gds.open_genotypes(path)
    everyone = np.arange(len(source.samples))
    shape = (len(everyone), len(blocks), 8)
    out = np.lib.format.open_memmap(folder / "features.npy", "w+", np.float16, shape)
    start = time.process_time()
    gds.GenePCA(8, cut_points=cut_points).fit_transform(source, blocks, everyone, everyone[:0], out=out)
    out.flush()
    once = time.process_time()
    pca = gds.GenePCA(8, cut_points=cut_points).fit(source, blocks)
    fitted = time.process_time()
    pca.transform(source, out=out)
    out.flush()
    done = time.process_time()
    return {"one_pass": once - start, "fit": fitted - once, "transform": done - fitted}


def repeated(people: gds.Genotypes, n_samples: int) -> gds.Genotypes:
    """The same people again and again, under new ids."""
    rows = np.arange(n_samples) % len(people.samples)
    samples = people.samples.iloc[rows].reset_index(drop=True)
    samples["id"] = [f"P{i}" for i in range(n_samples)]
    return gds.Genotypes(people.dosage[rows], samples, people.variants)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--genotypes", type=Path, required=True)
    parser.add_argument("--genes", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-genes", type=int, default=150)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()

    import torch

    # 18,000 genes are worth what their engine has to import first, the few measured here would not be.
    integer_product(np.ones((2, 2), np.int8), engine=fastest_engine(math.inf))
    torch.set_num_threads(1)
    rows = []
    scale = 18_000 / arguments.genes
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        people = gds.read_genotypes(arguments.genotypes)
        path, blocks = gene_file(people, arguments.genes, Path(folder))
        gds.GenePCA(8).fit(gds.open_genotypes(path), blocks, np.arange(200))  # imports and first calls
        for cut_points in (False, True):
            rounds = [measure(path, blocks, Path(folder), cut_points) for _ in range(arguments.rounds)]
            medians = {name: float(np.median([one[name] for one in rounds])) * scale for name in rounds[0]}
            rows.append(
                {
                    "people": len(people.samples),
                    "genes": len(blocks),
                    "variants": len(blocks.variant_index),
                    "rounds": arguments.rounds,
                    "cut_points": cut_points,
                    **{f"{name}_seconds_of_18000_genes": round(value, 1) for name, value in medians.items()},
                }
            )
        many = Path(folder) / "many"
        many.mkdir()
        path, blocks = gene_file(repeated(people, MANY), arguments.memory_genes, many)
        for row in rows:
            # A fresh interpreter: this one has held more.
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                peak = pool.apply(peak_megabytes, (path, blocks, row["cut_points"]))
            row[f"peak_megabytes_of_{MANY}_people"] = round(peak)
    pd.DataFrame(rows).to_csv(arguments.out, index=False)
    print(arguments.out.read_text())
    if max(row[f"peak_megabytes_of_{MANY}_people"] for row in rows) > MOST_MEGABYTES:
        raise SystemExit(f"more than {MOST_MEGABYTES} MB")


if __name__ == "__main__":
    main()
