"""HWE-EM at biobank size: CPU seconds of its two parts, measured at a fraction of the people.

    OMP_NUM_THREADS=1 python benchmarks/hwe_em_speed.py 4000 20000 benchmarks/results/hwe_em_speed.csv

Arguments: unlabelled people, variants, table (a row is added). Independent sites, two classes, 500 labels, the choice
of EM and temperature by five folds included. Components come from the Krylov space that is used beyond 6,000 people,
so that both parts grow linearly with people times variants; CPU seconds do not depend on what else runs.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from gds.classifiers.components import principal_components
from gds.classifiers.mixtures.frequency_prior import LowRankPrior
from gds.classifiers.mixtures.hwe_mixture import HWEMixture
from gds.files import atomic_path

N_LABELS = 500


def main(n_people: int, n_variants: int, path: Path) -> None:
    rng = np.random.default_rng(0)
    base = rng.uniform(0.05, 0.5, n_variants).astype(np.float32)
    shifted = np.clip(base + rng.normal(0, 0.05, n_variants), 0.01, 0.99).astype(np.float32)
    y = np.arange(N_LABELS + n_people) % 2
    X = np.empty((len(y), n_variants), dtype=np.int8)
    for row, label in enumerate(y):
        frequency = shifted if label else base
        X[row] = (rng.random((2, n_variants), dtype=np.float32) < frequency).sum(axis=0)
    principal_components.LARGEST_EXACT = 1000
    few, unlabelled = X[:N_LABELS], X[N_LABELS:]
    started = time.process_time()
    LowRankPrior().fit([few, unlabelled])
    prior = time.process_time() - started
    started = time.process_time()
    model = HWEMixture().fit(few, y[:N_LABELS], unlabelled=unlabelled)
    whole = time.process_time() - started
    row = pd.DataFrame(
        [{"people": n_people, "variants": n_variants, "labels": N_LABELS, "classes": 2,
          "prior_seconds": round(prior, 1), "em_seconds": round(whole - prior, 1), "kept_em": model.n_iterations_ > 0,
          "per_billion_genotypes": round(whole / (n_people * n_variants) * 1e9)}]
    )  # fmt: skip
    print(row.to_string())
    table = pd.concat([pd.read_csv(path), row], ignore_index=True) if path.is_file() else row
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
