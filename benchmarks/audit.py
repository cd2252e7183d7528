"""Does the audit name the right cause, and does it clear the clean ones? Twenty simulated cohorts of each kind.

    OMP_NUM_THREADS=1 python benchmarks/audit.py            # seeds 0 to 19, about 15 CPU minutes; then: summary
    OMP_NUM_THREADS=1 python benchmarks/audit.py 0 10       # some of the seeds: rows already there are kept
    OMP_NUM_THREADS=1 python benchmarks/audit.py penncath   # real people, with GDS_SHARED_DATA

Each cohort has 500 cases of a disease of prevalence 1/350 and 1,000 controls of three ancestries, 200 genes, four
batches, sex and age, and a random split of people by which a quarter is tested. The cohorts of a seed share their
haplotypes, not their people. The rules of the audit were tuned on seeds of 1000 and more; a third argument names
another file than benchmarks/results/audit.csv for such. One row a cohort, written as it goes.
"""

import os
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import gds
from gds.classifiers.baselines import CovariateClassifier
from gds.classifiers.linear.standardised import DosageScaler
from gds.genotypes.simulate.demography import HaplotypePool
from gds.studies.audit import AuditCohort, audit_cohort

RESULTS = Path("benchmarks/results/audit.csv")
DATA = Path(os.environ.get("GDS_SHARED_DATA", "../shared/data"))
N_CHOSEN = 300
SIZE = {"n_genes": 200, "pool_size": 500}
TECHNICAL = ("batch", "plate", "missingness and heterozygosity")
KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "no signal": ({"heritability": 0.0}, "clean"),
    "h2 .085": ({"heritability": 0.085}, "clean"),
    "h2 .3": ({"heritability": 0.3}, "clean"),
    "batch as published": ({"heritability": 0.085, "batch_confounding": "published"}, "confounded"),
    "relatives across the split": ({"heritability": 0.085, "n_related_pairs": 150}, "related"),
}
CHOSEN = ("variants chosen on everyone, not recorded", "variants chosen on everyone, recorded")


@cache
def pool_of(seed: int) -> HaplotypePool:
    return gds.simulate_cohort(10, 10, **SIZE, seed=seed, heritability=0.5).pool


def simulated(kind: str, seed: int) -> AuditCohort:
    """One cohort, with a split that ignores families, which the audit is not told of."""
    options, _ = KINDS[kind]
    cohort = gds.simulate_cohort(500, 1000, **SIZE, seed=seed, pool=pool_of(seed), **options)
    table = cohort.phenotypes
    return AuditCohort(
        kind, table["ALS"].to_numpy(np.int64), ["control", "case"], cohort.genotypes.dosage, table,
        batch_columns=["batch", "plate"], covariates=["sex", "age"], ancestry_column="population",
        is_test=np.random.default_rng(seed).random(len(table)) < 0.25,
        prevalence=1 / 350, heritability=options["heritability"] or 0.085,
    )  # fmt: skip


def chosen_on_everyone(cohort: AuditCohort, recorded: bool) -> AuditCohort:
    """The same people with the 300 variants most associated with the label among all of them.

    Recorded: the audit is told by whose labels, and has the other variants too. Otherwise it sees the 300 alone.
    """
    centred = (cohort.labels - cohort.labels.mean())[:, None]
    size = np.abs(DosageScaler().fit([cohort.dosage]).back_project([cohort.dosage], centred)[:, 0])
    chosen = np.sort(np.argsort(-size)[:N_CHOSEN])
    if not recorded:
        return replace(cohort, dosage=cohort.dosage[:, chosen])
    is_selected = np.isin(np.arange(len(size)), chosen)
    return replace(cohort, is_selected=is_selected, chosen_by=np.ones(len(cohort.labels), dtype=bool))


def row(kind: str, expected: str, seed: int, cohort: AuditCohort) -> dict[str, object]:
    started = time.process_time()
    audit = audit_cohort(cohort)
    verdict = audit.verdict
    right = verdict.status == expected and (expected != "confounded" or verdict.causes[0] in TECHNICAL)
    return {
        "kind": kind, "seed": seed, "expected": expected, "status": verdict.status,
        "causes": "; ".join(verdict.causes), "right": right,
        "all_findings": "; ".join(finding.status for finding in verdict.findings),
        "auroc": round(audit.results[0].auroc().value, 4), "cpu_seconds": round(time.process_time() - started, 1),
        "people": len(cohort.labels), "variants": cohort.dosage.shape[1],
    }  # fmt: skip


def add(found: dict[str, object], path: Path = RESULTS) -> None:
    """Append one row."""
    pd.DataFrame([found]).to_csv(path, mode="a", header=not path.exists(), index=False)
    print(found, flush=True)


def done(path: Path = RESULTS) -> set[tuple[str, int]]:
    if not path.exists():
        return set()
    table = pd.read_csv(path)
    return set(zip(table["kind"], table["seed"], strict=True))


def penncath() -> None:
    """Coronary artery disease: genotypes alone, then predictions that know age and sex."""
    g = gds.read_genotypes(DATA / "penncath" / "penncath.bed")
    table = gds.read_phenotypes(DATA / "penncath" / "clinical.csv").loc[g.samples["id"]]
    labels = table["CAD"].to_numpy(np.int64)
    is_test = np.random.default_rng(0).random(len(labels)) < 0.3
    alone = AuditCohort(
        "penncath", labels, ["control", "case"], g.dosage, table, covariates=["sex", "age"], is_test=is_test
    )
    model = CovariateClassifier().fit(table.loc[~is_test, ["age", "sex"]], labels[~is_test])
    predicted = np.full(len(labels), np.nan)
    predicted[is_test] = model.predict_proba(table.loc[is_test, ["age", "sex"]])[:, 1]
    if ("penncath, genotypes", 0) not in done():
        add(row("penncath, genotypes", "clean", 0, alone))
    known = row("penncath, with age and sex", "confounded", 0, replace(alone, predictions=predicted))
    add(known | {"right": known["status"] == "confounded" and "sex, age" in str(known["causes"])})


def main(arguments: list[str]) -> None:
    if arguments == ["penncath"]:
        penncath()
        return
    first, last = (int(arguments[0]), int(arguments[1])) if arguments else (0, 20)
    path = Path(arguments[2]) if len(arguments) > 2 else RESULTS
    known = done(path)
    for seed in range(first, last):
        for kind, (_, expected) in KINDS.items():
            if (kind, seed) not in known:
                add(row(kind, expected, seed, simulated(kind, seed)), path)
        for kind in CHOSEN:
            if (kind, seed) not in known:
                cohort = chosen_on_everyone(simulated("no signal", seed), kind == CHOSEN[1])
                add(row(kind, "selected", seed, cohort), path)
    table = pd.read_csv(path)
    print(table.groupby("kind", sort=False)["right"].agg(["sum", "size"]).to_string())


if __name__ == "__main__":
    main(sys.argv[1:])
