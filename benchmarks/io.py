"""How fast are genotypes and features read, against what the libraries underneath reach alone?

    OMP_NUM_THREADS=1 python benchmarks/io.py --genotypes "$GDS_SHARED_DATA/kg_chr22/kg_chr22.bed"

CPU seconds of one thread, the shortest of several runs, files in the page cache.

* ``.bed`` and ``.pgen``: ``source.read`` in blocks of 64 and of 1,024 variants against pgenlib's ``read_range`` into
  int8 for the same blocks. Tables are read before the clock starts, for both.
* ``.vcf.gz`` and ``.bcf`` (made by bcftools): ``VcfFile.read`` of everything against a loop over cyvcf2's records
  that asks each for ``genotype.array()``. The tables take another pass over the file, which skips genotypes: the row
  ``open and read``.
* Feature store: batches of 32 random people by ``FeatureDataset.__getitems__`` (the float32 tensors that a model is
  given, from float16), the same rows gathered from Arrow's raw buffer, and ``with_format("torch")``; gigabytes
  stored a CPU second. People have 18,000 blocks of 8 components.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import gds
from gds.genotypes.vcf import VcfFile

RESULTS = Path(__file__).parent / "results" / "io.csv"
BLOCKS, COMPONENTS, BATCH = 18_000, 8, 32


def cpu_seconds(function: Callable[[], object], repeats: int = 7) -> float:
    """Shortest CPU time of a call."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def plink_rows(path: Path) -> list[dict[str, Any]]:
    """Blocks of a .bed or .pgen file."""
    import pgenlib

    source = gds.open_genotypes(path)
    n_samples, n_variants = len(source.samples), len(source.variants)
    reader = pgenlib.PgenReader(bytes(path), raw_sample_ct=n_samples, variant_ct=n_variants)

    def own(step: int) -> None:
        for start in range(0, n_variants, step):
            stop = min(start + step, n_variants)
            reader.read_range(start, stop, np.empty((stop - start, n_samples), dtype=np.int8))

    def ours(step: int) -> None:
        for start in range(0, n_variants, step):
            source.read(slice(start, min(start + step, n_variants)))

    genotypes = n_samples * n_variants / 1e6
    rows = []
    for step in (64, 1024):
        theirs, mine = cpu_seconds(partial(own, step)), cpu_seconds(partial(ours, step))
        name = f"{path.suffix} in blocks of {step}"
        rows.append(row(name, "million genotypes", genotypes / mine, "pgenlib", genotypes / theirs))
    return rows


def vcf_rows(path: Path) -> list[dict[str, Any]]:
    """A whole VCF or BCF file."""
    import cyvcf2

    def own() -> None:
        for record in cyvcf2.VCF(str(path)):
            record.genotype.array()

    source = VcfFile(path)
    genotypes = len(source.samples) * len(source.variants) / 1e6
    theirs = cpu_seconds(own, 3)
    mine = cpu_seconds(lambda: source.read(slice(None)), 3)
    opening = cpu_seconds(lambda: VcfFile(path), 3)
    ending = "".join(path.suffixes)
    return [
        row(f"{ending} read", "million genotypes", genotypes / mine, "cyvcf2", genotypes / theirs),
        row(f"{ending} open and read", "million genotypes", genotypes / (mine + opening), "cyvcf2",
            genotypes / theirs),
    ]  # fmt: skip


def store_rows(n_people: int, folder: Path) -> list[dict[str, Any]]:
    """Random batches of a feature store on disk."""
    import datasets
    import torch

    from gds.features.dataset import arrow_dataset
    from gds.training import FeatureDataset

    torch.set_num_threads(1)
    datasets.disable_progress_bars()
    rng = np.random.default_rng(0)
    few = rng.standard_normal((100, BLOCKS, COMPONENTS), dtype=np.float32).astype(np.float16)
    features = np.empty((n_people, BLOCKS, COMPONENTS), dtype=np.float16)
    for start in range(0, n_people, len(few)):
        features[start : start + len(few)] = few[: n_people - start]
    arrow_dataset(features, np.zeros(n_people, dtype=np.int64)).save_to_disk(str(folder))
    del features
    stored = datasets.load_from_disk(str(folder))
    dataset = FeatureDataset(stored, BLOCKS, COMPONENTS)  # looks at every value, so that the file is cached
    in_torch = stored.with_format("torch")
    batches = [rng.choice(n_people, BATCH, replace=False).tolist() for _ in range(40)]
    gigabytes = len(batches) * BATCH * BLOCKS * COMPONENTS * 2 / 1e9
    raw = chunk_views(stored)
    starts = np.cumsum([0, *(len(chunk) for chunk in raw)])

    def gather(batch: list[int]) -> np.ndarray:
        out = np.empty((len(batch), BLOCKS, COMPONENTS), dtype=np.float16)
        for i, person in enumerate(batch):
            chunk = int(np.searchsorted(starts, person, side="right")) - 1
            out[i] = raw[chunk][person - starts[chunk]]
        return out

    rate = {
        "ours": gigabytes / cpu_seconds(lambda: [dataset.__getitems__(batch) for batch in batches], 5),
        "raw": gigabytes / cpu_seconds(lambda: [gather(batch) for batch in batches], 5),
        "torch": gigabytes / 10 / cpu_seconds(lambda: [in_torch[batch] for batch in batches[:4]], 2),
    }
    name = f"{n_people} x {BLOCKS} x {COMPONENTS} float16, batches of {BATCH}"
    return [
        row(name, "GB stored", rate["ours"], "Arrow's raw buffer", rate["raw"]),
        row(name, "GB stored", rate["ours"], 'with_format("torch")', rate["torch"]),
    ]


def chunk_views(stored: Any) -> list[np.ndarray]:
    """A view of each chunk of the column."""
    column = stored.data.column("features")
    return [
        chunk.flatten().to_numpy(zero_copy_only=True).reshape(-1, BLOCKS, COMPONENTS)
        for chunk in column.chunks
    ]


def row(what: str, unit: str, rate: float, reference: str, reference_rate: float) -> dict[str, Any]:
    """One line of the table."""
    return {
        "what": what,
        "unit": f"{unit} a CPU second",
        "gds": round(rate, 2),
        "reference": reference,
        "reference_rate": round(reference_rate, 2),
        "time_over_reference": round(reference_rate / rate, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--genotypes", type=Path, required=True, help="a .bed file")
    parser.add_argument("--people", type=int, default=10_000, help="people of the feature store")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        people = gds.read_genotypes(arguments.genotypes)
        for ending in (".bed", ".pgen"):
            gds.write_genotypes(people, folder / f"people{ending}")
            rows += plink_rows(folder / f"people{ending}")
        vcf, bcf = folder / "people.vcf.gz", folder / "people.bcf"
        gds.write_genotypes(people, vcf)
        subprocess.run(["bcftools", "view", "-Ob", "-o", bcf, vcf], check=True)
        rows += vcf_rows(vcf) + vcf_rows(bcf)
        rows += store_rows(arguments.people, folder / "store")
    pd.DataFrame(rows).to_csv(arguments.out, index=False)
    print(arguments.out.read_text())


if __name__ == "__main__":
    main()
