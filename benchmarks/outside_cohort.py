"""Predictions for half of real people whose genotypes were spoiled, beside those of the same people untouched.

    OMP_NUM_THREADS=1 python benchmarks/outside_cohort.py benchmarks/results/outside_cohort.csv

1000 Genomes phase 1 (``kg_phase1`` of GDS_SHARED_DATA; 1,092 people, 14,079 variants). In each of five splits half
of the people train gene-wise components (windows of 64 variants) and a logistic regression on them, of 4
superpopulations or of 14 populations. The other half comes as a second cohort in a file of its own: alleles swapped
in half of the variants, strands flipped in half, then also 40 % of the variants left out, then also all positions
moved as if to another build. ``total_variation`` is half the summed absolute difference of a person's probabilities.
"""

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from gds.classifiers.tuned_logistic import LogisticProbe
from gds.features import GenePCA
from gds.features.splits import split_people
from gds.genotypes import (
    Genotypes,
    align_genotypes,
    assign_blocks,
    open_genotypes,
    read_genotypes,
    write_genotypes,
)

SPLITS = 5
WINDOW = "window:64"
COMPLEMENT = {"A": "T", "T": "A", "C": "G", "G": "C"}
LEFT_OUT = 0.4
MOVED = 1_000_000


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
    for name, left_out, moved in (
        ("swapped and flipped", 0.0, 0),
        ("and 40 % left out", LEFT_OUT, 0),
        ("and moved to another build", LEFT_OUT, MOVED),
    ):
        path = folder / "second.pgen"
        write_genotypes(
            spoil(whole.subset(samples=other), np.random.default_rng(seed), left_out, moved), path
        )
        aligned = align_genotypes(
            open_genotypes(path, genome_build="other" if moved else "hg19"), pca.variants_, pca.allele_frequency_,
            genome_build="hg19",
        )  # fmt: skip
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


def main() -> None:
    folder = Path(os.environ.get("GDS_SHARED_DATA", "../shared/data")) / "kg_phase1"
    whole = read_genotypes(folder / "kg_phase1.bed")
    # The platforms at the end of a line are one to three words.
    columns = {"names": ["id", "population", "superpopulation"], "usecols": [0, 1, 2], "index_col": "id"}
    panel = pd.read_csv(folder / "phase1.panel", sep=r"\s+", header=None, **columns)
    panel = panel.loc[whole.samples["id"]]
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
