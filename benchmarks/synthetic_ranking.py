"""Do the figures rank generators as they must, on the artificial-genomes benchmark (kg_805)?

    python benchmarks/synthetic_ranking.py --out benchmarks/results/synthetic_ranking.csv
    python benchmarks/synthetic_ranking.py --samples runs/fidelity/haplotypes-0-NAME.npz --out ...
    python benchmarks/synthetic_ranking.py --false-flags 20 --out benchmarks/results/synthetic_false_flags.csv

People are halved as benchmarks/fidelity.py does; each generator is fitted to the haplotypes of one half and compared
with it, the other half is held out. The GAN of Yelmen et al. 2021 was trained on everyone, so it has figures of
fidelity only, against everyone. --samples adds haplotypes that benchmarks/fidelity.py left (same seed).

--false-flags cuts people in three at random, again and again: trained on, held out, and real people in the place of
synthetic ones, who give nothing away. The table says how often a privacy figure flags them.
"""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gds.evaluation.neighbourhoods import Neighbourhoods
from gds.evaluation.reference_generators import copies_with_changes, gaussian_threshold, independent_sites
from gds.features.splits import split_people
from gds.files import atomic_path
from gds.genotypes import read_genotypes
from gds.studies.synthetic.evaluation import halves_by_person
from gds.studies.synthetic.rules import verdict
from gds.studies.synthetic.scores import Places, Scores, fidelity_scores, privacy_scores


def haplotypes(folder: Path, name: str) -> np.ndarray:
    folder = folder / "kg_805"
    genotypes = read_genotypes(folder / f"{name}.hapt.zip", phased=True, legend=folder / "805.legend")
    return genotypes.as_haploid().dosage // 2


def halves(folder: Path, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Haplotypes of the two halves, populations alike; the same people as in benchmarks/fidelity.py."""
    people = read_genotypes(
        folder / "kg_805" / "real.hapt.zip", legend=folder / "kg_805" / "805.legend", phased=True
    )
    panel = pd.read_csv(folder / "kg_chr22" / "kg.panel", sep=r"\s+", index_col="sample", usecols=[0, 1])
    ids = people.samples["id"]
    population = panel.loc[ids, "pop"].to_numpy(dtype=str)
    split = split_people(list(ids), strata=population, fractions=(0.5, 0.0, 0.5), seed=seed)
    alleles = people.as_haploid().dosage // 2
    return of_people(alleles, np.flatnonzero(split == "train")), of_people(
        alleles, np.flatnonzero(split == "test")
    )


def of_people(real: np.ndarray, people: np.ndarray) -> np.ndarray:
    return real[(2 * people[:, None] + np.arange(2)).ravel()]


# Whose fidelity others are judged beside, so they come first.
REFERENCES = ("real_half", "independent_sites")
COLUMNS = [
    "seed", "generator", "figure", "value", "lower", "upper", "verdict", "held_out", "exact_frequencies",
]  # fmt: skip


def rank(
    folder: Path, samples: Mapping[str, np.ndarray], seed: int, out: Path, only: Sequence[str] | None
) -> pd.DataFrame:
    """Figures of every generator that the table does not have yet, each saved when it is done."""
    train, test = halves(folder, seed)
    n = len(train)
    unshown, shown = halves_by_person(test, 2, seed)
    makes: dict[str, Callable[[], np.ndarray]] = {
        "real_half": lambda: test,
        "independent_sites": lambda: independent_sites(train, n, seed=seed),
        **{name: lambda rows=rows: rows for name, rows in samples.items()},  # type: ignore[misc]
        "gan": lambda: haplotypes(folder, "gan"),
        "gaussian_threshold": lambda: gaussian_threshold(train, n, seed=seed),
        "copies": lambda: copies_with_changes(train, n, n_changes=0, seed=seed),
        "copies_one_changed": lambda: copies_with_changes(train, n, seed=seed),
        "half_copies": lambda: np.concatenate(
            [copies_with_changes(train, n // 2, n_changes=0, seed=seed), shown]
        ),
    }
    places = Places(np.zeros(train.shape[1], int), np.arange(train.shape[1]))
    compared = Neighbourhoods()
    table = pd.read_csv(out) if out.is_file() else pd.DataFrame(columns=COLUMNS)
    for name, make in makes.items():
        here = table[table["seed"] == seed]
        if name in set(here["generator"]) or (only and name not in (*only, *samples, *REFERENCES)):
            continue
        other = make()
        against = haplotypes(folder, "real") if name == "gan" else train
        found = fidelity_scores(against, {name: other}, places, ploidy=1, seed=seed, neighbourhoods=compared)[
            name
        ]
        privacy = Scores()
        # Real people that nothing was trained on: half of the held-out ones against the other half. Held-out people
        # must not be among those generated: those that the mixture holds are left out.
        if name != "gan":
            held_out = unshown if name in ("real_half", "half_copies") else test
            judged = shown if name == "real_half" else other
            privacy = privacy_scores(train, held_out, judged, ploidy=1, seed=seed, neighbourhoods=compared)
        known = {each: here[here["generator"] == each].set_index("figure")["value"] for each in REFERENCES}
        if name in REFERENCES:
            known[name] = pd.Series({figure: each[0] for figure, each in found.values.items()})
        rows = []
        for scores in (found, privacy):
            for figure, interval in scores.values.items():
                references = {
                    each: float(values[figure]) for each, values in known.items() if figure in values
                }
                called = verdict(figure, interval, references, scores.excess.get(figure))
                beside = scores.references.get(figure, {})
                rows.append([seed, name, figure, *np.round(interval, 4), called, *_round(beside)])
        table = pd.concat([table, pd.DataFrame(rows, columns=COLUMNS)], ignore_index=True)
        with atomic_path(out) as temporary:
            table.to_csv(temporary, index=False)
        print(name, flush=True)
    return table[table["seed"] == seed]


def _round(references: Mapping[str, float]) -> list[float]:
    return [round(references.get(name, np.nan), 4) for name in ("held_out", "exact_frequencies")]


def false_flags(real: np.ndarray, n_seeds: int) -> pd.DataFrame:
    """Of each privacy figure, how often real people in the place of synthetic ones were flagged."""
    rows = []
    for unit, ploidy in (("haplotypes", 1), ("people", 2)):
        for seed in range(n_seeds):
            order = np.random.default_rng(seed).permutation(len(real) // 2)
            thirds = [of_people(real, np.sort(part)) for part in np.array_split(order, 3)]
            if ploidy == 2:
                thirds = [each[::2] + each[1::2] for each in thirds]
            scores = privacy_scores(*thirds, ploidy=ploidy, seed=seed)
            for figure, interval in scores.values.items():
                called = verdict(figure, interval, {}, scores.excess.get(figure))
                if called is not None:
                    rows.append([unit, seed, figure, interval[0], called != "good"])
    table = pd.DataFrame(rows, columns=["unit", "seed", "figure", "value", "flagged"])
    evaluations = table.groupby(["unit", "seed"])["flagged"].any().groupby("unit").sum()
    print(f"evaluations with any flag: {evaluations.to_dict()} of {n_seeds} each")
    grouped = table.groupby(["unit", "figure"], sort=False)
    return (
        grouped.agg(
            mean=("value", "mean"),
            sd=("value", "std"),
            flagged=("flagged", "sum"),
            evaluations=("seed", "size"),
        )
        .reset_index()
        .round(4)
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("GDS_SHARED_DATA", "../shared/data"))
    )
    parser.add_argument("--samples", nargs="*", default=[], type=Path, help=".npz with an array 'synthetic'")
    parser.add_argument("--only", nargs="+", help="these generators, --samples and the references alone")
    parser.add_argument("--false-flags", type=int, metavar="N", help="splits; nothing else is done")
    parser.add_argument("--out", required=True, type=Path, help="generators that it has are left out")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.false_flags:
        table = false_flags(haplotypes(args.data, "real"), args.false_flags)
        table.to_csv(args.out, index=False)
        print(table.to_string())
    else:
        samples = {path.stem: np.load(path)["synthetic"] for path in args.samples}
        table = rank(args.data, samples, args.seed, args.out, args.only)
        print(table.pivot(index="figure", columns="generator", values="value").round(3).to_string())
        print(table.pivot(index="figure", columns="generator", values="verdict").to_string())


if __name__ == "__main__":
    main()
