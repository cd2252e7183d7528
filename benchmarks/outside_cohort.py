"""Predictions for half of real people whose genotypes were spoiled, beside those of the same people untouched.

    OMP_NUM_THREADS=1 python benchmarks/outside_cohort.py benchmarks/results/outside_cohort.csv
    OMP_NUM_THREADS=1 python benchmarks/outside_cohort.py benchmarks/results/outliers.csv outliers   # 90 CPU seconds

1000 Genomes phase 1 (``kg_phase1`` of GDS_SHARED_DATA; 1,092 people, 14,079 variants). In each of five splits half
of the people train gene-wise components (windows of 64 variants) and a logistic regression on them, of 4
superpopulations or of 14 populations. The other half comes as a second cohort in a file of its own: alleles swapped
in half of the variants, strands flipped in half, then also 40 % of the variants left out, then also all positions
moved as if to another build. ``total_variation`` is half the summed absolute difference of a person's probabilities.

``outliers`` asks who is flagged as out of distribution when one population, or one superpopulation, is withheld from
the training half: of the withheld people (``detected``), and of the people of the other half whose population was
trained on (``falsely_flagged``; 1 % by construction). Resumed by the same command. The constants were chosen on split
100, these are splits 0 and 1.
"""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from gds.classifiers.linear.tuned_logistic import LogisticProbe
from gds.features import GenePCA
from gds.features.splits import split_people
from gds.features.training_distribution import TrainingDistribution
from gds.genotypes import (
    Genotypes,
    align_genotypes,
    assign_blocks,
    open_genotypes,
    read_genotypes,
    write_genotypes,
)
from gds.genotypes.alignment import AlignedSource

SPLITS = 5
OUTLIER_SPLITS = 2
SPOILED = {
    "swapped and flipped": (0.0, 0), "and 40 % left out": (0.4, 0), "and moved to another build": (0.4, 1_000_000)
}  # fmt: skip
WINDOW = "window:64"
COMPLEMENT = {"A": "T", "T": "A", "C": "G", "G": "C"}


def spoil(genotypes: Genotypes, rng: np.random.Generator, left_out: float, moved: int) -> Genotypes:
    """Swap alleles and flip strands of half of the variants each; leave some out, move the others."""
    n = len(genotypes.variants)
    swapped, flipped, kept = rng.random(n) < 0.5, rng.random(n) < 0.5, rng.random(n) >= left_out
    variants, dosage = genotypes.variants.copy(), genotypes.dosage.copy()
    effect, other = (variants[name].to_numpy(object) for name in ("effect_allele", "other_allele"))
    effect, other = np.where(swapped, other, effect), np.where(swapped, effect, other)
    dosage[:, swapped] = np.where(dosage[:, swapped] < 0, -1, 2 - dosage[:, swapped])
    for name, alleles in (("effect_allele", effect), ("other_allele", other)):
        variants[name] = [COMPLEMENT[a] if f else a for a, f in zip(alleles, flipped, strict=True)]
    variants["position"] += moved
    return replace(genotypes, dosage=dosage, variants=variants).subset(variants=kept)


def write_spoiled(genotypes: Genotypes, name: str, seed: int, folder: Path) -> Path:
    path = folder / f"{list(SPOILED).index(name)}.pgen"
    write_genotypes(spoil(genotypes, np.random.default_rng(seed), *SPOILED[name]), path)
    return path


def aligned_to(path: Path, name: str, variants: pd.DataFrame, frequency: np.ndarray) -> AlignedSource:
    build = "other" if SPOILED[name][1] else "hg19"
    return align_genotypes(open_genotypes(path, genome_build=build), variants, frequency, genome_build="hg19")


def measure(whole: Genotypes, labels: np.ndarray, seed: int, folder: Path) -> list[dict[str, object]]:
    """Every way of spoiling in one split of the people."""
    half = split_people(whole.samples["id"].tolist(), strata=labels, fractions=(0.5, 0.0, 0.5), seed=seed)
    train, other = np.flatnonzero(half == "train"), np.flatnonzero(half == "test")
    pca = GenePCA(n_components=8, cut_points=False).fit(whole, assign_blocks(whole.variants, WINDOW), train)
    probe = LogisticProbe(C=0.01, seed=seed).fit(
        pca.transform(whole, train).reshape(len(train), -1), labels[train]
    )
    untouched = probe.predict_proba(pca.transform(whole, other).reshape(len(other), -1))
    rows: list[dict[str, object]] = []
    for name in SPOILED:
        path = write_spoiled(whole.subset(samples=other), name, seed, folder)
        aligned = aligned_to(path, name, pca.variants_, pca.allele_frequency_)
        found = probe.predict_proba(pca.transform(aligned).reshape(len(other), -1))
        distance = np.abs(found - untouched).sum(axis=1) / 2
        rows.append(
            {
                "split": seed,
                "spoiled": name,
                "matched_by": aligned.report.matched_by,
                "variants_found": aligned.report.found,
                "palindromic_by_frequency": aligned.report.palindromic_by_frequency,
                "palindromic_dropped": aligned.report.palindromic_dropped,
                "same_class": (found.argmax(axis=1) == untouched.argmax(axis=1)).mean(),
                "total_variation_mean": distance.mean(),
                "total_variation_largest": distance.max(),
                "accuracy_untouched": (probe.classes_[untouched.argmax(axis=1)] == labels[other]).mean(),
                "accuracy": (probe.classes_[found.argmax(axis=1)] == labels[other]).mean(),
            }
        )
    return rows


def measure_outliers(whole: Genotypes, panel: pd.DataFrame, seed: int, path: Path) -> None:
    """Withhold each population in turn, and each superpopulation; one row a way of spoiling, appended to a file."""
    done = set()
    if path.exists():
        table = pd.read_csv(path, keep_default_na=False)
        done = set(zip(table["split"], table["withheld"], strict=True))
    population, superpopulation = (
        panel[name].to_numpy(dtype=str) for name in ("population", "superpopulation")
    )
    ids = whole.samples["id"].tolist()
    trains = split_people(ids, strata=population, fractions=(0.5, 0.0, 0.5), seed=seed) == "train"
    with tempfile.TemporaryDirectory() as temporary:
        files = {name: write_spoiled(whole, name, seed, Path(temporary)) for name in SPOILED}
        for withheld in tqdm(
            ["nobody", *np.unique(superpopulation), *np.unique(population)], desc=f"split {seed}"
        ):
            if (seed, withheld) in done:
                continue
            is_withheld = (population == withheld) | (superpopulation == withheld)
            train = trains & ~is_withheld
            fitted = TrainingDistribution.fit(whole.dosage[train], np.arange(len(whole.variants)), seed)
            used = fitted.variant_index
            frequency = np.where(whole.dosage < 0, 0, whole.dosage)[train].mean(axis=0) / 2
            seen = {"untouched": whole.dosage[:, used]}
            for name in SPOILED:
                seen[name] = aligned_to(files[name], name, whole.variants, frequency).read(used)
            rows = []
            for name, dosage in seen.items():
                flagged = fitted.is_outside(fitted.distance(dosage))
                rows.append(
                    {
                        "split": seed, "withheld": withheld, "spoiled": name, "trained_on": int(train.sum()),
                        "withheld_people": int(is_withheld.sum()),
                        "detected": flagged[is_withheld].mean() if is_withheld.any() else np.nan,
                        "others": int((~trains & ~is_withheld).sum()),
                        "falsely_flagged": flagged[~trains & ~is_withheld].mean(),
                    }
                )  # fmt: skip
            pd.DataFrame(rows).to_csv(
                path, mode="a", header=not path.exists(), index=False, float_format="%.4g"
            )


def main() -> None:
    folder = Path(os.environ.get("GDS_SHARED_DATA", "../shared/data")) / "kg_phase1"
    whole = read_genotypes(folder / "kg_phase1.bed")
    # The platforms at the end of a line are one to three words.
    columns = {"names": ["id", "population", "superpopulation"], "usecols": [0, 1, 2], "index_col": "id"}
    panel = pd.read_csv(folder / "phase1.panel", sep=r"\s+", header=None, **columns)
    panel = panel.loc[whole.samples["id"]]
    if sys.argv[2:] == ["outliers"]:
        for seed in range(OUTLIER_SPLITS):
            measure_outliers(whole, panel, seed, Path(sys.argv[1]))
        table = pd.read_csv(sys.argv[1], keep_default_na=False, na_values=[""])
        rates = table.groupby(["withheld", "spoiled"], sort=False)[["detected", "falsely_flagged"]].mean()
        print(rates.unstack().round(3).to_string())
        return
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for label in ("superpopulation", "population"):
            for seed in tqdm(range(SPLITS), desc=label):
                found = measure(whole, panel[label].to_numpy(dtype=str), seed, Path(temporary))
                rows += [{"label": label} | row for row in found]
    table = pd.DataFrame(rows)
    if len(sys.argv) > 1:
        table.to_csv(sys.argv[1], index=False, float_format="%.4g")
    numbers = table.drop(columns=["split", "matched_by"])
    print(numbers.groupby(["label", "spoiled"], sort=False).mean().round(4).to_string())


if __name__ == "__main__":
    main()
