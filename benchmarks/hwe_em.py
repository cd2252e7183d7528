"""Few-label accuracy of the Hardy-Weinberg mixture on 26 populations, beside what it must be compared with.

    OMP_NUM_THREADS=1 python benchmarks/hwe_em.py benchmarks/results/hwe_em.csv

805 ancestry-informative SNPs of 1000 Genomes people (``kg_805`` of GDS_SHARED_DATA); ten 80/20 splits of
people, stratified; nested subsets of 5, 10 and 20 % of the training labels. The components and the EM see training
people only. The constants of HWE-EM are frozen; ``chosen`` lets folds of the labels give up EM.
"""

import os
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from gds.classifiers.baselines import METHODS, Method
from gds.classifiers.mixtures.hwe_mixture import HWEMixture
from gds.evaluation.classification import classification_metrics
from gds.features.splits import few_label_subset, split_people

SPLITS = 10
FRACTIONS = (0.05, 0.1, 0.2)
COMPARED = {
    "HWE-EM": Method(
        "constants frozen", lambda seed: HWEMixture(fall_back=False, seed=seed), "dosages", True
    ),
    "HWE-EM, chosen": METHODS["HWE-EM"],
    "HWE mixture": METHODS["HWE mixture"],
    "LDA on PCs": METHODS["LDA on PCs"],
    "logistic on PCs": METHODS["logistic on PCs"],
    "ridge on dosages": METHODS["ridge on dosages"],
}


def read_kg_805(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids, dosages (two haplotypes, ``_A`` and ``_B``, are one person) and populations."""
    with zipfile.ZipFile(folder / "kg_805" / "real.hapt.zip") as archive:
        lines = archive.read(archive.namelist()[0]).decode().splitlines()
    rows = [line.split() for line in lines]
    ids = np.array([row[1].removesuffix("_A") for row in rows[::2]])
    if ids.tolist() != [row[1].removesuffix("_B") for row in rows[1::2]]:
        raise SystemExit("expected the two haplotypes of each person in neighbouring rows")
    haplotypes = np.array([row[2:] for row in rows], dtype=np.int8)
    panel = pd.read_csv(folder / "kg_chr22" / "kg.panel", sep=r"\s+", index_col="sample", usecols=[0, 1])
    return ids, haplotypes[::2] + haplotypes[1::2], panel.loc[ids, "pop"].to_numpy(dtype=str)


def measure(seed: int, ids: np.ndarray, dosages: np.ndarray, label: np.ndarray) -> list[dict[str, object]]:
    """Every method at every number of labels, in one split."""
    split = split_people(list(ids), strata=label, fractions=(0.8, 0.0, 0.2), seed=seed)
    train, test = np.flatnonzero(split == "train"), np.flatnonzero(split == "test")
    rows: list[dict[str, object]] = []
    for fraction in FRACTIONS:
        chosen = few_label_subset(label[train], round(fraction * len(train)), seed=seed)
        few = train[chosen]
        unlabelled = np.setdiff1d(train, few)
        for name, method in COMPARED.items():
            started = time.perf_counter()
            model = method.make(seed).fit(dosages[few], label[few], unlabelled=dosages[unlabelled])
            seconds = time.perf_counter() - started
            probabilities = np.zeros((len(test), label.max() + 1))
            probabilities[:, model.classes_] = model.predict_proba(dosages[test])
            score = classification_metrics(label[test], probabilities, n_bootstrap=0)["value"]
            rows.append(
                {
                    "method": name,
                    "fraction": fraction,
                    "n_labels": len(few),
                    "split": seed,
                    "accuracy": round(score["accuracy"], 4),
                    "log_loss": round(score["log_loss"], 4),
                    "auroc": round(score["auroc"], 4),
                    "seconds": round(seconds, 2),
                }
            )
    return rows


def main(path: str) -> None:
    folder = Path(os.environ.get("GDS_SHARED_DATA", "../shared/data"))
    ids, dosages, population = read_kg_805(folder)
    label = np.unique(population, return_inverse=True)[1]
    rows = [row for seed in tqdm(range(SPLITS), unit="split") for row in measure(seed, ids, dosages, label)]
    table = pd.DataFrame(rows)
    table.to_csv(path, index=False)
    mean = table.groupby(["method", "fraction"], sort=False)[["accuracy", "log_loss", "seconds"]].mean()
    print(mean.unstack().round(3).to_string())


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "benchmarks/results/hwe_em.csv")
