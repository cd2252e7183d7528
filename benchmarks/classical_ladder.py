"""What methods without a neural network reach with few labels: the ladder that pre-training has to climb.

    OMP_NUM_THREADS=1 python benchmarks/classical_ladder.py chr22 3      # or: 805 3; number of splits

``chr22``: phased, dense genotypes of one megabase (``kg_chr22`` of GDS_SHARED_DATA), 5 superpopulations and 26
populations. ``805``: 805 ancestry-informative SNPs, 26 populations. 80/20 splits of people, stratified; nested
label subsets; components, pruning and copying panels see training people only. Writes
benchmarks/results/classical_ladder_NAME.csv, one row a split, method and number of labels, after every split.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

import gds
from gds.classifiers.baselines import METHODS
from gds.classifiers.ensemble import mean_log_posterior
from gds.classifiers.haplotype_copying import HaplotypeCopying
from gds.features.splits import few_label_subset, split_people
from gds.genotypes.ld import ld_prune

DATA = Path(os.environ.get("GDS_SHARED_DATA", "../shared/data"))
RESULTS = Path("benchmarks/results")
ENSEMBLE = ("copying profile", "windowed propagation", "HWE-EM, pruned")
TASKS: dict[str, dict[str, tuple[float, ...]]] = {
    "chr22": {"super_pop": (20, 50, 100, 400), "pop": (100, 400)},
    "805": {"pop": (0.05, 0.1, 0.2)},
}
METHODS_OF: dict[str, dict[str, tuple[str, ...]]] = {
    "chr22": {
        "super_pop": (
            "chance", "logistic on PCs", "logistic on PCs, pruned", "LDA on PCs, pruned", "ridge on dosages",
            "HWE mixture, pruned", "HWE-EM", "HWE-EM, pruned", "mixture on PCs, pruned", "haplotype directions",
            "copying profile", "windowed propagation", "copying graph",
        ),
        "pop": (
            "chance", "LDA on PCs, pruned", "HWE mixture, pruned", "HWE-EM, pruned", "mixture on PCs, pruned",
            "haplotype directions", "copying profile", "windowed propagation", "copying graph",
        ),
    },
    "805": {
        "pop": ("chance", "LDA on PCs", "mixture on PCs", "HWE mixture", "HWE-EM", "HWE-EM, tuned"),
    },
}  # fmt: skip


def read(name: str) -> tuple[gds.Genotypes, pd.DataFrame]:
    """Phased genotypes and the table of populations, row by row."""
    file = {"chr22": DATA / "kg_chr22" / "kg_chr22.vcf.gz", "805": DATA / "kg_805" / "real.hapt.zip"}[name]
    g = gds.read_genotypes(file, phased=True)
    panel = pd.read_csv(DATA / "kg_chr22" / "kg.panel", sep=r"\s+", index_col="sample", usecols=[0, 1, 2])
    return g, panel.loc[g.samples["id"].str.removesuffix("_A")]


def split_rows(name: str, g: gds.Genotypes, panel: pd.DataFrame, seed: int) -> list[dict[str, Any]]:
    """Every method at every number of labels, in one split."""
    split = split_people(
        list(panel.index), strata=panel["pop"].to_numpy(str), fractions=(0.8, 0, 0.2), seed=seed
    )
    train, test = np.flatnonzero(split == "train"), np.flatnonzero(split == "test")
    pruned = ld_prune(g, samples=train) if name == "chr22" else np.arange(len(g.variants))
    copying = None
    if name == "chr22":
        assert g.haplotypes is not None
        copying = HaplotypeCopying(remember=True, seed=seed).fit([g.haplotypes[train]])
    rows: list[dict[str, Any]] = []
    for target, budgets in TASKS[name].items():
        label: np.ndarray = np.unique(panel[target].to_numpy(str), return_inverse=True)[1]
        for budget in budgets:
            n_labels = round(budget * len(train)) if budget < 1 else int(budget)
            few = train[few_label_subset(label[train], n_labels, seed=seed)]
            rest = np.setdiff1d(train, few)
            found: dict[str, np.ndarray] = {}
            seconds: dict[str, float] = {}
            for method in METHODS_OF[name][target]:
                started = time.perf_counter()
                found[method] = predicted(method, g, pruned, copying, seed, label, few, rest, test)
                seconds[method] = time.perf_counter() - started
            if set(ENSEMBLE) <= set(found):
                found["ensemble"] = mean_log_posterior([found[member] for member in ENSEMBLE])
            for method, probabilities in found.items():
                rows.append(
                    {
                        "target": target,
                        "labels": budget,
                        "split": seed,
                        "method": method,
                        "accuracy": round(float((probabilities.argmax(axis=1) == label[test]).mean()), 4),
                        "log_loss": round(log_loss(label[test], probabilities), 4),
                        "seconds": round(seconds.get(method, 0.0), 1),
                    }
                )
            print(target, budget, {row["method"]: row["accuracy"] for row in rows[-len(found) :]}, flush=True)
    return rows


def predicted(
    method: str,
    g: gds.Genotypes,
    pruned: np.ndarray,
    copying: HaplotypeCopying | None,
    seed: int,
    label: np.ndarray,
    few: np.ndarray,
    rest: np.ndarray,
    test: np.ndarray,
) -> np.ndarray:
    """Probabilities of test people by one method, by its name in METHODS, ``, pruned`` for pruned variants."""
    name = method.removesuffix(", pruned")
    entry = METHODS[name]
    model = entry.make(seed)
    if "copying" in model.get_params():
        model.set_params(copying=copying)
    elif hasattr(model.get_params().get("representation"), "copying"):
        model.representation.copying = copying
    read: Callable[[np.ndarray], np.ndarray]
    if entry.reads == "haplotypes":
        assert g.haplotypes is not None
        haplotypes = g.haplotypes

        def read(people: np.ndarray) -> np.ndarray:
            return haplotypes[people]
    else:
        sites = pruned if method != name else np.arange(len(g.variants))

        def read(people: np.ndarray) -> np.ndarray:
            return g.dosage[np.ix_(people, sites)]

    known = {"unlabelled": read(rest)} if entry.uses_unlabelled else {}
    model.fit(read(few), label[few], **known)
    return model.predict_proba(read(test))


def log_loss(label: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of minus the log probability of the true class."""
    return float(-np.log(np.clip(probabilities[np.arange(len(label)), label], 1e-12, 1)).mean())


def summary(table: pd.DataFrame) -> str:
    """Mean accuracy, and its difference to HWE-EM with a 95 % interval of the corrected resampled t-test."""
    lines = []
    for (target, labels), part in table.groupby(["target", "labels"], sort=False):
        wide = part.pivot(index="split", columns="method", values="accuracy")
        reference = wide["HWE-EM, pruned" if "HWE-EM, pruned" in wide else "HWE-EM"]
        n = len(wide)
        for method in part["method"].unique():
            away = wide[method] - reference
            # Nadeau and Bengio 2003: training sets overlap, so the variance is that of 1/n + n_test/n_train.
            spread = away.std() * np.sqrt(1 / n + 0.25) * stats.t.ppf(0.975, max(n - 1, 1))
            lines.append(
                f"{target:9} {labels:>5} {method:26} {wide[method].mean():.3f}  {away.mean():+.3f} +- {spread:.3f}"
            )
    return "\n".join(lines)


def main(name: str, n_splits: int) -> None:
    g, panel = read(name)
    rows: list[dict[str, Any]] = []
    for seed in range(n_splits):
        rows += split_rows(name, g, panel, seed)
        pd.DataFrame(rows).to_csv(RESULTS / f"classical_ladder_{name}.csv", index=False)
    print(summary(pd.DataFrame(rows)))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "chr22", int(sys.argv[2]) if len(sys.argv) > 2 else 5)
