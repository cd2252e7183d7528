"""What comes back from components: genotypes of held-out people, rounded with cut points or to the nearest.

    python benchmarks/reconstruction.py --genotypes "$GDS_SHARED_DATA/kg_chr22/kg_chr22.bed"

GenePCA is fitted on four fifths of the people of each of five seeded splits; figures are of the other fifth, which no
fitted number has seen. Non-major concordance is over calls that are not homozygous for the training people's major
allele; carriers are non-major calls of variants with a training frequency below 5 %, pooled, over the true number.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from gds.features import GenePCA
from gds.genotypes import assign_blocks, read_genotypes

RESULTS = Path(__file__).parent / "results" / "reconstruction.csv"
SETTINGS = (("window:16", 8), ("window:64", 4), ("window:64", 8), ("window:64", 16), ("window:128", 8))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--genotypes", type=Path, required=True)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()

    people = read_genotypes(arguments.genotypes)
    n_samples = len(people.samples)
    figures: dict[tuple[str, int, str], list[list[float]]] = {}
    for seed in range(arguments.splits):
        order = np.random.default_rng(seed).permutation(n_samples)
        training, held_out = np.sort(order[: n_samples * 4 // 5]), np.sort(order[n_samples * 4 // 5 :])
        for spec, n_components in SETTINGS:
            pca = GenePCA(n_components).fit(people, assign_blocks(people.variants, spec), training)
            scores = pca.transform(people, held_out)
            truth = people.read(np.arange(len(people.variants)), held_out)
            observed = truth >= 0
            major = np.where(pca.allele_frequency_ > 0.5, 2, 0)
            rare = np.minimum(pca.allele_frequency_, 1 - pca.allele_frequency_) < 0.05
            carrier = observed & (truth != major)
            expected_r2 = float(pca.expected_r2_.mean())
            for rounding in ("threshold", "nearest"):
                back = pca.inverse_transform(scores, rounding=rounding)
                same = back == truth
                figures.setdefault((spec, n_components, rounding), []).append(
                    [
                        same[observed].mean(),
                        same[carrier].mean(),
                        (observed & (back != major))[:, rare].sum() / carrier[:, rare].sum(),
                        same[:, rare][carrier[:, rare]].mean(),
                        expected_r2,
                    ]
                )
    names = ("concordance", "non_major_concordance", "rare_carriers_over_truth", "rare_carrier_concordance")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with arguments.out.open("w", newline="") as file:
        writer = csv.writer(file)
        head = ["blocks", "components", "rounding", "splits"]
        writer.writerow(head + [f"{name}{end}" for name in names for end in ("", "_sd")] + ["expected_r2"])
        for (spec, n_components, rounding), values in figures.items():
            mean, sd = np.mean(values, axis=0), np.std(values, axis=0, ddof=1)
            row = [f"{number:.4f}" for pair in zip(mean[:-1], sd[:-1], strict=True) for number in pair]
            writer.writerow([spec, n_components, rounding, len(values), *row, f"{mean[-1]:.4f}"])
    print(arguments.out.read_text())


if __name__ == "__main__":
    main()
