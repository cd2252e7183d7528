"""How long do the fidelity and distance tables of 5,000 real against 5,000 synthetic people take, at 10,000 variants?

    python benchmarks/synthetic_speed.py --out benchmarks/results/synthetic_speed.csv

Time of one file's own figures (those of its references come on top), and the peak memory of the process.
"""

import argparse
import os
import resource
import time

import numpy as np
import pandas as pd

from gds.studies.synthetic_scores import Places, fidelity_scores, privacy_scores


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=5000)
    parser.add_argument("--variants", type=int, default=10_000)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    frequency = rng.uniform(0.05, 0.95, args.variants)
    train, test, synthetic = (
        rng.binomial(2, frequency, (args.people, args.variants)).astype(np.int8) for _ in range(3)
    )
    places = Places(np.full(args.variants, "1"), 1000 * np.arange(1, args.variants + 1))
    rows = []
    for step in ("fidelity", "privacy"):
        wall, cpu = time.perf_counter(), time.process_time()
        if step == "fidelity":
            fidelity_scores(train, synthetic, places, ploidy=2)
        else:
            privacy_scores(train, test, synthetic, ploidy=2)
        rows.append(
            {
                "step": step,
                "people": args.people,
                "variants": args.variants,
                "threads": os.environ.get("OMP_NUM_THREADS", "all"),
                "wall_seconds": round(time.perf_counter() - wall, 1),
                "cpu_seconds": round(time.process_time() - cpu, 1),
                "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
            }
        )
        pd.DataFrame(rows).to_csv(args.out, index=False)
        print(rows[-1], flush=True)


if __name__ == "__main__":
    main()
