"""Do the figures rank generators as they must, on the artificial-genomes benchmark (kg_805)?

    python benchmarks/synthetic_ranking.py --out benchmarks/results/synthetic_ranking.csv

People are halved; each generator is fitted to the haplotypes of one half and compared with it, the other half is held
out. The GAN of Yelmen et al. 2021 was trained on everyone, so it has figures of fidelity only, against everyone.
"""

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd

from gds.evaluation.reference_generators import copies_with_changes, gaussian_threshold, independent_sites
from gds.genotypes import read_genotypes
from gds.studies.synthetic_evaluation import halves_by_person
from gds.studies.synthetic_rules import verdict
from gds.studies.synthetic_scores import Places, fidelity_scores, privacy_scores


def haplotypes(folder: Path, name: str) -> np.ndarray:
    genotypes = read_genotypes(folder / f"{name}.hapt.zip", phased=True, legend=folder / "805.legend")
    return genotypes.as_haploid().dosage // 2


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=os.environ.get("GDS_SHARED_DATA", "../shared/data"))
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    folder = Path(args.data) / "kg_805"
    real, gan = haplotypes(folder, "real"), haplotypes(folder, "gan")
    train, test = halves_by_person(real, 2, args.seed)
    n, seed = len(train), args.seed
    mixed = np.concatenate([copies_with_changes(train, n // 2, n_changes=0, seed=seed), test[: n - n // 2]])
    others = {
        "real_half": test,
        "gan": gan,
        "gaussian_threshold": gaussian_threshold(train, n, seed=seed),
        "independent_sites": independent_sites(train, n, seed=seed),
        "copies": copies_with_changes(train, n, n_changes=0, seed=seed),
        "copies_one_changed": copies_with_changes(train, n, seed=seed),
        "half_copies": mixed,
    }
    places = Places(np.zeros(real.shape[1], int), np.arange(real.shape[1]))
    found: dict[str, dict[str, tuple[float, float, float]]] = {}
    held_out: dict[str, dict[str, float]] = {}
    for name, other in others.items():
        against = real if name == "gan" else train
        found[name] = dict(fidelity_scores(against, other, places, ploidy=1, seed=seed).values)
        # Held-out people must not be among those generated: those that the mixture holds are left out.
        if name not in ("gan", "real_half"):
            unseen = test[n - n // 2 :] if name == "half_copies" else test
            privacy = privacy_scores(train, unseen, other, ploidy=1, seed=seed)
            found[name] |= privacy.values
            held_out[name] = privacy.held_out
    rows = []
    for name, values in found.items():
        for figure, interval in values.items():
            references = {
                reference: found[reference][figure][0]
                for reference in ("real_half", "independent_sites")
                if figure in found[reference]
            }
            if figure in held_out.get(name, {}):
                references["held_out"] = held_out[name][figure]
            called = verdict(figure, interval, references)
            rows.append([name, figure, *np.round(interval, 4), called])
    table = pd.DataFrame(rows, columns=["generator", "figure", "value", "lower", "upper", "verdict"])
    table.to_csv(args.out, index=False)
    print(table.pivot(index="figure", columns="generator", values="value").round(3).to_string())
    print(table.pivot(index="figure", columns="generator", values="verdict").to_string())


if __name__ == "__main__":
    main()
