"""What a GWAS of other people adds to few labels, beside the ceiling; and what people in both do to the figures.

    OMP_NUM_THREADS=1 python benchmarks/polygenic_scores.py        # seeds 10 to 13, 3 CPU minutes; then: summary
    OMP_NUM_THREADS=1 python benchmarks/polygenic_scores.py 10 12  # some of the seeds: rows already there are kept

A seed is a simulated cohort of Europeans with ALS's prevalence (1/350) and SNP heritability (.085) over 200 genes and
100 causal variants, the 15 published loci among them. 1,000 people are for training, of whom 100 or 400 are labelled;
2,500 are tested. The GWAS is of 2,000, 8,000 or 30,000 other people, half of them cases; "8000, test people among them"
is the mistake: its first 2,500 are the test people. One row a method in benchmarks/results/polygenic_scores.csv. The
rule by which ridge regression keeps the amount 1 was set on seeds 0 to 4, which are not in it.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

import gds
from gds.classifiers.linear.ridge import DosageRidge
from gds.classifiers.linear.standardised import DosageScaler
from gds.evaluation.ceiling import auroc_ceiling
from gds.features.dataset import PreparedCohort
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.genotypes.simulate.cohort import SimulatedCohort
from gds.studies.few_labels.result import FewLabelResult
from gds.studies.few_labels.task import few_label_task
from gds.studies.polygenic.published_weights import SummaryOptions, published_weights
from gds.studies.polygenic.scores import add_polygenic_scores

RESULTS = Path("benchmarks/results/polygenic_scores.csv")
N_TRAIN, N_TEST = 1000, 2500
LABELS = (100, 400)
STUDIES = ("2000", "8000", "30000", "8000, test people among them")
HERITABILITY, PREVALENCE = 0.085, 1 / 350


def simulated(seed: int) -> SimulatedCohort:
    """Everyone: the cohort and the people of the largest study."""
    half = (N_TRAIN + N_TEST + 30_000) // 2
    return gds.simulate_cohort(
        half, half, n_genes=200, n_causal=100, populations={"CEU": 1.0}, heritability=HERITABILITY,
        prevalence=PREVALENCE, covariate_effects=False, seed=seed,
    )  # fmt: skip


def gwas(everyone: SimulatedCohort, people: np.ndarray) -> pd.DataFrame:
    """GWAS-SSF rows of the trend test (Armitage), with log odds that have its z-score."""
    dosage = everyone.genotypes.dosage[people]
    case = everyone.phenotypes["ALS"].to_numpy(float)[people]
    scaler = DosageScaler().fit([dosage])
    r = scaler.back_project([dosage], ((case - case.mean()) / case.std())[:, None])[:, 0] / len(people)
    frequency = scaler.mean_ / 2
    with np.errstate(divide="ignore"):
        error = np.sqrt(2 / (len(people) * frequency * (1 - frequency)))
    variants = everyone.genotypes.variants
    table = pd.DataFrame(
        {
            "chromosome": variants["chromosome"], "base_pair_location": variants["position"],
            "effect_allele": variants["effect_allele"], "other_allele": variants["other_allele"],
            "beta": r * np.sqrt(len(people)) * error, "standard_error": error,
            "effect_allele_frequency": frequency, "rsid": variants["id"], "n": len(people),
        }
    )  # fmt: skip
    return table[np.isfinite(error)]


def prepared(everyone: SimulatedCohort, cohort: np.ndarray, folder: Path) -> PreparedCohort:
    """The cohort alone, its first people for training, the others to be tested."""
    gds.write_genotypes(everyone.genotypes.subset(samples=cohort), folder / "cohort.bed")
    table = everyone.phenotypes.iloc[cohort].assign(split=np.repeat(["train", "test"], [N_TRAIN, N_TEST]))
    table.to_csv(folder / "people.tsv", sep="\t", index_label="id")
    options = PrepareOptions(
        genotypes=(str(folder / "cohort.bed"),), phenotypes=str(folder / "people.tsv"), label_column="ALS",
        split_column="split", blocks="window:64", relatives="none",
    )  # fmt: skip
    return prepare_cohort(options, folder / "data")


def rows(seed: int) -> list[dict[str, object]]:
    """Every method of one seed."""
    started = time.process_time()
    everyone = simulated(seed)
    # Cases and controls alternate, so that every part is half cases.
    case = everyone.phenotypes["ALS"].to_numpy()
    rng = np.random.default_rng(seed)
    order = np.stack([rng.permutation(np.flatnonzero(case == k)) for k in (0, 1)], axis=1).ravel()
    cohort, others = order[: N_TRAIN + N_TEST], order[N_TRAIN + N_TEST :]
    members = {study: others[: int(study)] for study in STUDIES if study.isdigit()}
    members[STUDIES[-1]] = np.concatenate([cohort[N_TRAIN:], others])[:8000]
    liability = everyone.truth["genetic_liability"].to_numpy()[cohort[N_TRAIN:]]
    truth = roc_auc_score(case[cohort[N_TRAIN:]], liability)
    found: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        data = prepared(everyone, cohort, folder)
        tables = {study: folder / f"{len(people)}{study[4:8]}.tsv" for study, people in members.items()}
        for study, path in tables.items():
            gwas(everyone, members[study]).to_csv(path, sep="\t", index=False)
        for n_labels in LABELS:
            task = few_label_task(data, n_labels, seed=seed)
            few, unlabelled, test = (task.dosages(ids) for ids in (task.few, task.unlabelled, task.test))
            ridge = DosageRidge(seed=seed).fit(few, task.labels_few, unlabelled=unlabelled)
            common = {"seed": seed, "n_labels": n_labels, "truth": round(truth, 4)}
            scores = {
                ("none", "ridge on dosages"): (
                    ridge.predict_proba(test),
                    f"heritability {ridge.heritability_}",
                )
            }
            for study, path in tables.items():
                result = FewLabelResult()
                add_polygenic_scores(task, result, published_weights(task, SummaryOptions(str(path))), seed)
                for name, probabilities in result.probabilities.items():
                    details = {key: value for key, value in result.details[name].items() if key != "variants"}
                    how = "; ".join(f"{key} {value}" for key, value in details.items())
                    scores[study, name] = (probabilities, how)
            for (study, name), (probabilities, chosen) in scores.items():
                auroc = roc_auc_score(task.labels_test, probabilities[:, 1])
                found.append(
                    {**common, "study": study, "method": name, "auroc": round(auroc, 4), "chosen": chosen}
                )
    print(f"seed {seed}: {time.process_time() - started:.0f} CPU seconds", flush=True)
    return found


def summary() -> None:
    """Mean AUROC over seeds, the spread of a seed beside it."""
    table = pd.read_csv(RESULTS)
    mean = table.groupby(["study", "method", "n_labels"], sort=False)["auroc"].agg(["mean", "std", "count"])
    print(mean.round(3).to_string())
    print(
        f"ceiling {auroc_ceiling(PREVALENCE, HERITABILITY):.3f}; true genetic liability {table['truth'].mean():.3f}"
    )


def main(arguments: list[str]) -> None:
    if arguments == ["summary"]:
        return summary()
    first, last = (int(arguments[0]), int(arguments[1])) if arguments else (10, 14)
    done = set(pd.read_csv(RESULTS)["seed"]) if RESULTS.exists() else set()
    for seed in sorted(set(range(first, last)) - done):
        pd.DataFrame(rows(seed)).to_csv(RESULTS, mode="a", header=not RESULTS.exists(), index=False)
    return summary()


if __name__ == "__main__":
    main(sys.argv[1:])
