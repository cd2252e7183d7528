"""How long simulating a cohort takes, on one core, and how much memory.

    python benchmarks/simulate.py benchmarks/results/simulate.csv

Each cohort is simulated and written in a process of its own, so that its peak memory is its own.
"""

import multiprocessing
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from gds.genotypes.simulate import simulate_cohort, write_cohort

COHORTS: list[dict[str, Any]] = [
    {"n_cases": 1000, "n_controls": 2000, "n_genes": 400},
    {"n_cases": 1000, "n_controls": 2000, "n_genes": 400, "pool_size": 4000},
    {"n_cases": 1000, "n_controls": 2000, "n_genes": 400, "demography": "AmericanAdmixture_4B18"},
]


def peak_memory() -> float:
    """Of this process so far, in GB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


def measure(options: dict[str, Any]) -> dict[str, Any]:
    """One row of the table."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    started = time.perf_counter()
    cohort = simulate_cohort(**options, seed=0)
    simulated, memory = time.perf_counter(), peak_memory()
    with tempfile.TemporaryDirectory() as folder:
        write_cohort(cohort, Path(folder) / "cohort")
    written, cpu = time.perf_counter(), time.process_time()
    parameters = cohort.parameters
    return {
        "people": len(cohort.phenotypes),
        "cases": parameters["n_cases"],
        "genes": parameters["n_genes"],
        "variants": parameters["n_variants"],
        "demography": parameters["demography"],
        "haplotypes_per_population": parameters["pool_size"],
        "heritability": parameters["heritability"],
        "people_screened": parameters["people_screened"],
        "prevalence_asked": round(parameters["prevalence"], 6),
        "prevalence_found": round(parameters["ill_among_screened"] / parameters["people_screened"], 6),
        "seconds_simulate": round(simulated - started, 1),
        "seconds_write": round(written - simulated, 1),
        "cpu_seconds_both": round(cpu, 1),
        "peak_memory_simulate_gb": memory,
        "peak_memory_write_gb": peak_memory(),
    }


def main(path: str) -> None:
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as workers:
        table = pd.DataFrame(workers.map(measure, COHORTS, chunksize=1))
    table.to_csv(path, index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "benchmarks/results/simulate.csv")
