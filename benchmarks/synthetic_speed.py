"""How long do the fidelity and distance tables of 5,000 real against 5,000 synthetic people take, at 10,000 variants?

    python benchmarks/synthetic_speed.py --out benchmarks/results/synthetic_speed.csv

The whole of what gds evaluate prints without labels, all references included, beside as many held-out people: wall time
of each step, and the peak memory of the process. Genotypes are a simulated population with LD.
"""

import argparse
import os
import resource
import time

import numpy as np
import pandas as pd

from gds.studies.synthetic.evaluation import evaluate_synthetic
from gds.studies.synthetic.genotypes import ThreeSets


def people(n: int, n_variants: int, rng: np.random.Generator) -> np.ndarray:
    """Dosages of a population whose neighbouring variants are correlated (latent autoregression, r about .9)."""
    dosage = np.zeros((n, n_variants), dtype=np.int8)
    cut = np.random.default_rng(1).normal(scale=0.7, size=n_variants)
    for _ in range(2):
        latent = rng.standard_normal(n)
        for variant in range(n_variants):
            latent = 0.9 * latent + np.sqrt(1 - 0.9**2) * rng.standard_normal(n)
            dosage[:, variant] += latent > cut[variant]
    return dosage


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=5000)
    parser.add_argument("--variants", type=int, default=10_000)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    variants = pd.DataFrame(
        {
            "chromosome": np.repeat([str(i) for i in range(1, 21)], -(-args.variants // 20))[: args.variants],
            "position": 5000 * np.arange(1, args.variants + 1),
        }
    )
    train, test, synthetic = (people(args.people, args.variants, rng) for _ in range(3))
    sets = ThreeSets(train, test, synthetic, variants=variants, unit="people", ids={})
    wall, cpu = time.perf_counter(), time.process_time()
    evaluation = evaluate_synthetic(sets)
    total = {"all": time.perf_counter() - wall}
    table = pd.DataFrame(
        [
            {"step": step, "wall_seconds": round(value, 1)}
            for step, value in (evaluation.seconds | total).items()
        ]
    )
    table["cpu_seconds"] = [np.nan] * (len(table) - 1) + [round(time.process_time() - cpu, 1)]
    table["people"], table["variants"] = args.people, args.variants
    table["threads"] = os.environ.get("OMP_NUM_THREADS", "all")
    table["peak_gb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    table.to_csv(args.out, index=False)
    print(table.to_string())


if __name__ == "__main__":
    main()
