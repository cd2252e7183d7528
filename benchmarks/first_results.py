"""The first real results: what simple methods reach on real and simulated people, and what they must not reach.

    OMP_NUM_THREADS=1 python benchmarks/first_results.py            # all; or: mouse penncath kg_805 simulated

Writes benchmarks/results/first_results_NAME.csv, one row a split, method and number of labels, and prints the
tables of docs/first-results.md. The real genotypes are public but not in the repository: a task whose folder of
GDS_SHARED_DATA is absent is skipped.
"""

import os
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from tqdm import tqdm

import gds
from gds.classifiers.baselines import (
    CovariateClassifier,
    DosageRidge,
    HWEMixture,
    LogisticOnPCs,
    ShrinkageLDA,
)
from gds.classifiers.linear.quantitative_ridge import QuantitativeRidge
from gds.evaluation.ceiling import auroc_ceiling
from gds.evaluation.classification import classification_metrics
from gds.features.labels import cut_at_threshold
from gds.features.splits import few_label_subset, split_people
from gds.genotypes.sample_quality import sample_quality
from gds.genotypes.variant_quality import variant_quality

DATA = Path(os.environ.get("GDS_SHARED_DATA", "../shared/data"))
RESULTS = Path("benchmarks/results")
FRACTIONS = (0.8, 0.0, 0.2)
Row = dict[str, Any]


def auroc(labels: np.ndarray, score: np.ndarray) -> float:
    """Of any score that ranks people."""
    ranks = rankdata(score) / (len(score) + 1)
    return float(classification_metrics(labels, ranks, n_bootstrap=0).loc["auroc", "value"])


def split_and_check(
    g: gds.Genotypes, seed: int, strata: np.ndarray | None = None, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of training and test people, and the dosages of variants that pass among the former."""
    split = split_people(g.samples["id"], strata=strata, groups=groups, fractions=FRACTIONS, seed=seed)
    train, test = np.flatnonzero(split == "train"), np.flatnonzero(split == "test")
    passing = variant_quality(g, train, keep_few_heterozygotes=True).kept
    return train, test, g.dosage[:, passing]


def mouse() -> Iterator[Row]:
    """CD8 is heritable, BMI hardly; siblings on one side of every split; 20 splits."""
    g = gds.read_genotypes(DATA / "mouse" / "mouse.vcf.gz")
    g = g.subset(sample_quality(g).kept)  # eight near-identical mice go
    table = gds.read_phenotypes(DATA / "mouse" / "mouse.pheno.tsv").loc[g.samples["id"]]
    for trait in ("CD8", "BMI"):
        measured = table[trait].notna().to_numpy()
        mice, values = g.subset(measured), table.loc[measured, trait].to_numpy()
        family = table.loc[measured, "FAMILY"].to_numpy(dtype=str)
        for seed in tqdm(range(20), desc=trait, unit="split"):
            train, test, dosage = split_and_check(mice, seed, groups=family)
            labels, _ = cut_at_threshold(values, np.isin(np.arange(len(values)), train), "median")
            for n_labels in (50, 200, len(train)):
                few = train[few_label_subset(labels[train], n_labels, seed=seed)]
                known = {"unlabelled": dosage[np.setdiff1d(train, few)], "groups": family[few]}
                binary = DosageRidge(seed=seed).fit(dosage[few], labels[few], **known)
                linear = QuantitativeRidge(seed=seed).fit(dosage[few], values[few], **known)
                for method, score in (
                    ("ridge on classes", binary.decision_function(dosage[test])[:, 0]),
                    ("ridge on values", linear.predict(dosage[test])),
                ):
                    yield {
                        "trait": trait, "method": method, "labels": "all" if len(few) == len(train) else n_labels,
                        "n_labels": len(few), "split": seed, "auroc": auroc(labels[test], score),
                    }  # fmt: skip


def penncath() -> Iterator[Row]:
    """Coronary artery disease: 4,367 variants carry no signal that can be seen, age and sex do; 10 splits."""
    g = gds.read_genotypes(DATA / "penncath" / "penncath.bed")
    g = g.subset(sample_quality(g).kept)
    table = gds.read_phenotypes(DATA / "penncath" / "clinical.csv").loc[g.samples["id"]]
    labels, covariates = table["CAD"].to_numpy(dtype=np.int64), table[["age", "sex"]]
    for seed in tqdm(range(10), desc="CAD", unit="split"):
        train, test, dosage = split_and_check(g, seed, strata=labels)
        for n_labels in (100, 300, len(train)):
            few = train[few_label_subset(labels[train], n_labels, seed=seed)]
            unlabelled = dosage[np.setdiff1d(train, few)]
            shared = {
                "labels": "all" if len(few) == len(train) else n_labels,
                "n_labels": len(few),
                "split": seed,
            }
            for method, model in (
                ("ridge", DosageRidge(seed=seed)),
                ("logistic on PCs", LogisticOnPCs(seed=seed)),
            ):
                model.fit(dosage[few], labels[few], unlabelled=unlabelled)
                score = model.predict_proba(dosage[test])[:, 1]
                yield {"method": method, **shared, "auroc": auroc(labels[test], score)}
            model = CovariateClassifier(seed=seed).fit(covariates.iloc[few], labels[few])
            score = model.predict_proba(covariates.iloc[test])[:, 1]
            yield {"method": "age and sex", **shared, "auroc": auroc(labels[test], score)}


def kg_805() -> Iterator[Row]:
    """26 populations with all training labels, in five of the splits of label_efficiency.py, which has fewer."""
    with (
        zipfile.ZipFile(DATA / "kg_805" / "real.hapt.zip") as archive,
        archive.open(archive.namelist()[0]) as text,
    ):
        haplotypes = pd.read_csv(text, sep=r"\s+", header=None, index_col=1).drop(columns=0)
    ids = haplotypes.index[::2].str.removesuffix("_A")
    dosage = (haplotypes.to_numpy(np.int8)[::2] + haplotypes.to_numpy(np.int8)[1::2]).astype(np.int8)
    panel = pd.read_csv(DATA / "kg_chr22" / "kg.panel", sep=r"\s+", index_col="sample", usecols=[0, 1])
    labels = np.unique(panel.loc[ids, "pop"].to_numpy(dtype=str), return_inverse=True)[1]
    for seed in tqdm(range(5), desc="26 populations", unit="split"):
        split = split_people(list(ids), strata=labels, fractions=FRACTIONS, seed=seed)
        train, test = split == "train", split == "test"
        for method, model in (
            ("HWE-EM", HWEMixture(seed=seed)),
            ("LDA on PCs", ShrinkageLDA(seed=seed)),
            ("logistic on PCs", LogisticOnPCs(seed=seed)),
            ("ridge", DosageRidge(seed=seed)),
        ):
            model.fit(dosage[train], labels[train])
            metrics = classification_metrics(labels[test], model.predict_proba(dosage[test]), n_bootstrap=0)[
                "value"
            ]
            yield {
                "method": method, "labels": "all", "n_labels": int(train.sum()), "split": seed,
                "accuracy": metrics["accuracy"], "log_loss": metrics["log_loss"],
            }  # fmt: skip


def simulated() -> Iterator[Row]:
    """ALS without signal, with the published SNP heritability, with a strong one; two cohorts, 3 splits each."""
    for heritability, cohort_seed in product((0.0, 0.085, 0.5), (1, 2)):
        cohort = gds.simulate_cohort(
            1000, 1000, n_genes=150, populations={"CEU": 1}, heritability=heritability,
            als_loci=heritability > 0, seed=cohort_seed,
        )  # fmt: skip
        g, labels = cohort.genotypes, cohort.phenotypes["ALS"].to_numpy(dtype=np.int64)
        ceiling = auroc_ceiling(cohort.parameters["prevalence"], heritability)
        for seed in tqdm(range(3), desc=f"h2 = {heritability}", unit="split"):
            train, test, dosage = split_and_check(g, seed, strata=labels)
            for n_labels in (100, 500, len(train)):
                few = train[few_label_subset(labels[train], n_labels, seed=seed)]
                model = DosageRidge(seed=seed)
                model.fit(dosage[few], labels[few], unlabelled=dosage[np.setdiff1d(train, few)])
                yield {
                    "heritability": heritability, "ceiling": ceiling, "method": "ridge", "cohort": cohort_seed,
                    "labels": "all" if len(few) == len(train) else n_labels, "n_labels": len(few), "split": seed,
                    "auroc": auroc(labels[test], model.decision_function(dosage[test])[:, 0]),
                }  # fmt: skip


TASKS: dict[str, tuple[Callable[[], Iterator[Row]], list[str], list[str]]] = {
    "mouse": (mouse, ["trait", "method"], ["mouse"]),
    "penncath": (penncath, ["method"], ["penncath"]),
    "kg_805": (kg_805, ["method"], ["kg_805", "kg_chr22"]),
    "simulated": (simulated, ["heritability", "ceiling"], []),
}


def main(names: list[str]) -> None:
    for name in names or TASKS:
        task, rows, folders = TASKS[name]
        absent = [folder for folder in folders if not (DATA / folder).is_dir()]
        if absent:
            print(f"{name}: skipped, {DATA / absent[0]} is absent (set GDS_SHARED_DATA)")
            continue
        started = time.perf_counter()
        table = pd.DataFrame(task()).round(4)
        table.to_csv(RESULTS / f"first_results_{name}.csv", index=False)
        metric = "accuracy" if "accuracy" in table else "auroc"
        cells = table.groupby([*rows, "labels"], sort=False)[metric].agg(
            lambda values: f"{values.mean():.3f} ± {values.std():.3f}"
        )
        print(f"\n{name}: {metric}, mean ± sd over splits ({time.perf_counter() - started:.0f} s)")
        print(cells.unstack(sort=False).to_string())


if __name__ == "__main__":
    main(sys.argv[1:])
