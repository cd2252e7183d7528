"""What helps when labels are few, by how much, and what does not: every method on every data set.

    python benchmarks/label_efficiency.py --task kg_805                  # its methods, budgets and splits
    python benchmarks/label_efficiency.py --task kg_chr22_superpopulation --methods "HWE-EM, LD-pruned" --splits 5
    python benchmarks/label_efficiency.py                                # tables, and docs/label-efficiency.svg

Each task has its CSV, benchmarks/results/label_efficiency_TASK.csv (columns:
:mod:`gds.studies.label_efficiency.repeated_splits`), written after every run; an interrupted command is
resumed by itself. People are split 80/20, relatives together;
variants, components, pruning and copying panels see training people only, and whatever a method tunes, it tunes by
folds of its labels. Genotypes are read from GDS_SHARED_DATA; --work holds what may be deleted.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import gds
from gds.files import atomic_path
from gds.genotypes.sample_quality import sample_quality
from gds.report.label_figures import LabelPanel, label_panels
from gds.studies.label_efficiency.budgets import parse_budget
from gds.studies.label_efficiency.repeated_splits import read_results, run_over_splits, summarise_splits
from gds.studies.label_efficiency.split_methods import split_methods
from gds.studies.label_efficiency.split_task import LabelledGenotypes

DATA = Path(os.environ.get("GDS_SHARED_DATA", "../shared/data"))
RESULTS = Path("benchmarks/results")
COSTLY_SPLITS = 3


def kg_805() -> LabelledGenotypes:
    """805 ancestry-informative SNPs, 26 populations."""
    return _thousand_genomes("kg_805", DATA / "kg_805" / "real.hapt.zip", "pop", dense=False)


def kg_chr22_superpopulation() -> LabelledGenotypes:
    """One megabase, dense and phased, 5 superpopulations."""
    return _thousand_genomes(
        "kg_chr22_superpopulation", DATA / "kg_chr22" / "kg_chr22.vcf.gz", "super_pop", dense=True
    )


def kg_chr22_population() -> LabelledGenotypes:
    """The same megabase, 26 populations."""
    return _thousand_genomes("kg_chr22_population", DATA / "kg_chr22" / "kg_chr22.vcf.gz", "pop", dense=True)


def _thousand_genomes(name: str, file: Path, column: str, *, dense: bool) -> LabelledGenotypes:
    g = gds.read_genotypes(file, phased=True)
    panel = pd.read_csv(DATA / "kg_chr22" / "kg.panel", sep=r"\s+", index_col="sample", usecols=[0, 1, 2])
    panel = panel.loc[g.samples["id"].str.removesuffix("_A")]
    g.samples["id"] = panel.index.to_numpy()
    labels = np.unique(panel[column].to_numpy(str), return_inverse=True)[1]
    return LabelledGenotypes(name, g, labels=labels, strata=panel["pop"].to_numpy(str), dense=dense)


def mouse_cd8() -> LabelledGenotypes:
    """T cells of outbred mice above the median of the training mice; families apart."""
    return _mouse("mouse_cd8", "CD8")


def mouse_bmi() -> LabelledGenotypes:
    """Body mass: hardly any signal, a check on all the others."""
    return _mouse("mouse_bmi", "BMI")


def _mouse(name: str, trait: str) -> LabelledGenotypes:
    g = gds.read_genotypes(DATA / "mouse" / "mouse.vcf.gz")
    g = g.subset(sample_quality(g).kept)  # eight near-identical mice go
    table = gds.read_phenotypes(DATA / "mouse" / "mouse.pheno.tsv").loc[g.samples["id"]]
    measured = table[trait].notna().to_numpy()
    table = table[measured]
    return LabelledGenotypes(
        name, g.subset(measured), values=table[trait].to_numpy(float), families=table["FAMILY"].to_numpy(str),
        covariates=table[["SEX"]].reset_index(drop=True), check_variants=True,
    )  # fmt: skip


def penncath() -> LabelledGenotypes:
    """Coronary artery disease: these variants say nothing about it, age and sex do."""
    g = gds.read_genotypes(DATA / "penncath" / "penncath.bed")
    g = g.subset(sample_quality(g).kept)
    table = gds.read_phenotypes(DATA / "penncath" / "clinical.csv").loc[g.samples["id"]]
    labels = table["CAD"].to_numpy(dtype=np.int64)
    return LabelledGenotypes(
        "penncath", g, labels=labels, strata=labels.astype(str), covariates=table[["age", "sex"]],
        check_variants=True,
    )  # fmt: skip


ON_PCS = ("logistic on PCs", "LDA on PCs", "label spreading on PCs", "mixture on PCs")
ON_PRUNED_PCS = tuple(f"{name}, LD-pruned" for name in ON_PCS)
CONTROLS = ("ridge + HWE resampling", "ridge + mosaics", "ridge + pseudo-labels")
COPYING = (
    "haplotype directions, LD-pruned", "copying profile", "windowed propagation", "wide propagation", "copying graph",
)  # fmt: skip
ENSEMBLE = "copying profile x windowed propagation x HWE-EM, LD-pruned"
WIDE_ENSEMBLE = "copying profile x wide propagation x HWE-EM, LD-pruned"
RIDGES = ("ridge on dosages", "ridge on dosages, weighted", "ridge on values", "ridge on values, weighted")


@dataclass(frozen=True)
class Task:
    """A data set, its numbers of labels, how many splits and choices of labels, and its methods.

    Those of ``with_all`` are also given all labels: the best of them is what there is to reach. The ``costly`` ones are
    run in the first three splits only.
    """

    read: Callable[[], LabelledGenotypes]
    budgets: tuple[str, ...]
    splits: int
    seeds: int
    methods: tuple[str, ...]
    with_all: tuple[str, ...] = ()
    costly: tuple[str, ...] = ()
    metric: str = "accuracy"


TASKS = {
    "kg_805": Task(
        kg_805, ("5%", "10%", "20%"), 10, 1,
        ("chance", "ridge on dosages", *ON_PCS, "HWE mixture", "HWE-EM", "HWE-EM, tuned"),
        ("HWE mixture", "ridge on dosages"),
        ("L1 logistic on dosages", "boosted trees", *CONTROLS),
    ),
    "kg_chr22_superpopulation": Task(
        kg_chr22_superpopulation, ("20", "50", "100"), 5, 1,
        ("chance", "ridge on dosages", "logistic on PCs", *ON_PRUNED_PCS, "HWE mixture, LD-pruned",
         "HWE-EM, LD-pruned", *COPYING, ENSEMBLE, WIDE_ENSEMBLE),
        ("HWE mixture, LD-pruned", "copying profile", "windowed propagation"),
        ("LDA on PCs", "label spreading on PCs", "mixture on PCs", "HWE-EM", "L1 logistic on dosages",
         "boosted trees, LD-pruned", *CONTROLS),
    ),
    "kg_chr22_population": Task(
        kg_chr22_population, ("100", "400"), 5, 1,
        ("chance", "ridge on dosages", "LDA on PCs, LD-pruned", "mixture on PCs, LD-pruned", "HWE mixture, LD-pruned",
         "HWE-EM, LD-pruned", *COPYING, ENSEMBLE, WIDE_ENSEMBLE),
        ("HWE mixture, LD-pruned", "copying profile", "windowed propagation"),
    ),
    "mouse_cd8": Task(
        mouse_cd8, ("50", "200", "all"), 20, 1, ("chance", *RIDGES, "logistic on PCs", "LDA on PCs"), metric="auroc"
    ),
    "mouse_bmi": Task(
        mouse_bmi, ("50", "200", "all"), 20, 1, ("chance", "ridge on dosages", "ridge on values, weighted"),
        metric="auroc",
    ),
    "penncath": Task(
        penncath, ("100", "300", "all"), 10, 1,
        ("chance", "covariates", "ridge on dosages", "ridge on dosages, weighted", "HWE-EM, LD-pruned"), metric="auroc",
    ),
}  # fmt: skip


PICTURE = Path("docs/label-efficiency.svg")
LOCAL_ENCODER = "contrastive, wide propagation"
DRAWN = (
    (
        "kg_805",
        "26 populations, 805 SNPs",
        ("HWE-EM", "HWE-EM, tuned", "HWE-EM, masked prior", "LDA on PCs", "ridge on dosages"),
    ),
    (
        "kg_chr22_superpopulation",
        "5 superpopulations, one megabase",
        (
            ENSEMBLE,
            LOCAL_ENCODER,
            "copying profile",
            "HWE-EM, LD-pruned",
            "logistic on PCs, LD-pruned",
            "logistic on PCs",
        ),
    ),
    (
        "kg_chr22_population",
        "26 populations, one megabase",
        (
            WIDE_ENSEMBLE,
            f"{LOCAL_ENCODER} x {WIDE_ENSEMBLE}",
            LOCAL_ENCODER,
            "wide propagation",
            "HWE-EM, LD-pruned",
        ),
    ),
    ("mouse_cd8", "mice, T cells", ("ridge on dosages", "ridge on values", "ridge on values, weighted")),
    ("mouse_bmi", "mice, body mass: a control", ("ridge on dosages", "ridge on values, weighted")),
)
SHORT = {
    ENSEMBLE: "copying x propagation x HWE-EM",
    LOCAL_ENCODER: "contrastive encoder, local",
    WIDE_ENSEMBLE: "copying x wide propagation x HWE-EM",
    f"{LOCAL_ENCODER} x {WIDE_ENSEMBLE}": "these three x the encoder",
    "ridge on dosages": "ridge on dosages (GBLUP)",
}


def picture(results: Path) -> None:
    """Metric against labels of the methods in DRAWN, with intervals, chance, and the best with all labels."""
    panels = []
    for name, title, methods in DRAWN:
        table = read_results(sorted(results.glob(f"label_efficiency_{name}*.csv")))
        if table.empty:
            continue
        found = summarise_splits(table, TASKS[name].metric)
        chance = found.loc[found["role"] == "chance", "value"]
        with_all = found.loc[(found["budget"] == "all") & (found["n_splits"] > 2), "value"]
        rows = found[found["method"].isin(methods)]
        if "all" in TASKS[name].budgets:
            with_all = with_all[:0]
        else:
            rows = rows[rows["budget"] != "all"]
        if rows["budget"].nunique() < 2:
            continue  # no line to draw
        # The t interval of two splits would fill the panel.
        rows = rows.assign(**{bound: rows[bound].where(rows["n_splits"] > 2) for bound in ("lower", "upper")})
        order = rows["method"].map(methods.index)
        rows = rows.iloc[np.argsort(order, kind="stable")].replace({"method": SHORT})
        panels.append(
            LabelPanel(
                title, {"auroc": "AUROC"}.get(TASKS[name].metric, TASKS[name].metric), rows,
                float(chance.mean()), best_with_all=with_all.max() if len(with_all) else None,
            )
        )  # fmt: skip
    with atomic_path(PICTURE) as temporary:
        label_panels(panels).savefig(temporary, metadata={"Date": None})


def summary(name: str, results: Path) -> str:
    """Mean of each method and budget over splits, with the corrected interval."""
    table = read_results(sorted(results.glob(f"label_efficiency_{name}*.csv")))
    if table.empty:
        return f"{name}: no results"
    found = summarise_splits(table, TASKS[name].metric)
    cells = [f"{value:.3f} ({n})" for value, n in found[["value", "n_splits"]].itertuples(index=False)]
    wide = found.assign(cell=cells).pivot_table(
        index="method", columns="budget", values="cell", aggfunc="first", sort=False
    )
    return f"{name}: {TASKS[name].metric}, mean (splits)\n{wide.to_string()}"


def main(arguments: argparse.Namespace) -> None:
    if not arguments.task:
        print("\n\n".join(summary(name, arguments.results) for name in TASKS))
        picture(arguments.results)
        return
    task = TASKS[arguments.task]
    study = task.read()
    n_splits = arguments.splits or task.splits
    part = f"_{arguments.part}" if arguments.part else ""
    runs = [
        (task.methods, task.budgets, n_splits),
        (task.with_all, ("all",), n_splits),
        (task.costly, task.budgets, min(n_splits, COSTLY_SPLITS)),
    ]
    if arguments.methods or arguments.budgets:
        runs = [(arguments.methods or task.methods, arguments.budgets or task.budgets, n_splits)]
    for names, budgets, splits in runs:
        run_over_splits(
            study, split_methods(names), [parse_budget(text) for text in budgets],
            splits=range(splits), seeds=range(arguments.seeds or task.seeds),
            path=arguments.results / f"label_efficiency_{arguments.task}{part}.csv", work=arguments.work,
        )  # fmt: skip
    print(summary(arguments.task, arguments.results))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", choices=TASKS, help="which data set; left out: only print the tables")
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="default: those of the task")
    parser.add_argument("--budgets", nargs="+", metavar="N", help="numbers of labels: 20, 5%%, 5/class, all")
    parser.add_argument("--splits", type=int, metavar="N", help="80/20 splits of people")
    parser.add_argument("--seeds", type=int, metavar="N", help="choices of labels in each split")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the tables")
    parser.add_argument(
        "--part", default="", metavar="NAME", help="rows go to label_efficiency_TASK_NAME.csv"
    )
    parser.add_argument("--work", type=Path, default=Path("runs/label_efficiency"), help="scratch folder")
    main(parser.parse_args())
