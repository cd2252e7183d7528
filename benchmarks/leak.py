"""The leak, on purpose: synthetic people of a generator that saw every training label, against one that saw the few.

    python benchmarks/leak.py            # writes benchmarks/results/leak.csv and docs/leak.svg; resumed by itself

That few labels suffice with synthetic people has been reported of generators which had been trained with all
labels. Here one denoiser, pre-trained without labels, is taught the classes twice with equal settings: by the
labels of the run, and by those of all training people. Either draws N_SYNTHETIC people, and ridge regression
learns from these and the same few. The package refuses the second (gds.studies.few_labels.label_provenance);
this script takes the other labels from the study itself, which no method of a benchmark is handed.

Superpopulations of 1000 Genomes by 805 SNPs; columns of the table: gds.studies.label_efficiency.repeated_splits.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import gds
from gds.classifiers.linear.ridge import DosageRidge
from gds.features.gene_pca import GenePCA
from gds.files import atomic_path
from gds.report.label_figures import LabelPanel, label_panels
from gds.studies.few_labels.augmentation import conditional_generator, synthetic_people
from gds.studies.label_efficiency.budgets import parse_budget
from gds.studies.label_efficiency.repeated_splits import SplitMethod, run_over_splits, summarise_splits
from gds.studies.label_efficiency.split_encoder import split_encoder, split_genotypes
from gds.studies.label_efficiency.split_methods import split_methods
from gds.studies.label_efficiency.split_task import LabelledGenotypes, SplitTask
from gds.studies.pretraining.config import load_config

DATA = Path(os.environ.get("GDS_SHARED_DATA", "../shared/data"))
RESULTS = Path("benchmarks/results/leak.csv")
PICTURE = Path("docs/leak.svg")
BUDGETS = ("20", "50", "100")
N_SYNTHETIC = 600
STEPS, LEARNING_RATE = 300, 3e-3
DENOISER = (
    "features.blocks=window:64", "features.n_components=32", "model.mlp_sizes=[512, 384, 256]",
    "training.num_train_epochs=30",
    "model.neighbour_reach=null",
)  # fmt: skip

# Rows and labels that the generator is taught by.
Teacher = Callable[[SplitTask], tuple[np.ndarray, np.ndarray]]


def augmented_ridge(teacher: Teacher, role: str) -> SplitMethod:
    """Ridge regression on the few and on a generator's people; the heritability is chosen on the few alone."""

    def learn(task: SplitTask, seed: int) -> np.ndarray:
        folder = split_encoder(task.people, "denoiser", load_config(None, DENOISER, "diffusion", "mlp-tiny"))
        featurizer, genotypes = GenePCA.from_pretrained(folder), split_genotypes(task.people)
        taught, labels = teacher(task)
        others = ~np.isin(task.people.train, taught)
        labelled = featurizer.transform(genotypes, taught)
        rest = featurizer.transform(genotypes, task.people.train)[others]
        generator = conditional_generator(
            folder,
            labelled,
            labels,
            rest,
            task.n_classes,
            n_steps=STEPS,
            learning_rate=LEARNING_RATE,
            seed=seed,
        )
        ratio = N_SYNTHETIC / len(task.few)
        features, classes = synthetic_people(generator, task.labels_few, ratio, seed=seed)
        synthetic = featurizer.inverse_transform(features, rounding="nearest")
        few, unlabelled, test = (task.people.dosages(rows) for rows in (task.few, task.unlabelled, task.test))
        plain = DosageRidge(seed=seed).fit(few, task.labels_few, unlabelled=unlabelled)
        model = DosageRidge(plain.heritability_, seed=seed).fit(
            np.concatenate([few, synthetic]),
            np.concatenate([task.labels_few, classes]),
            unlabelled=unlabelled,
        )
        return model.predict_proba(test)

    return SplitMethod(learn, role)


def read_superpopulations() -> tuple[LabelledGenotypes, np.ndarray]:
    """People and their labels, and the labels once more."""
    g = gds.read_genotypes(DATA / "kg_805" / "real.hapt.zip", phased=True)
    panel = pd.read_csv(DATA / "kg_chr22" / "kg.panel", sep=r"\s+", index_col="sample", usecols=[0, 1, 2])
    g.samples["id"] = g.samples["id"].str.removesuffix("_A")
    panel = panel.loc[g.samples["id"]]
    labels = np.unique(panel["super_pop"].to_numpy(str), return_inverse=True)[1]
    strata = panel["pop"].to_numpy(str)
    return LabelledGenotypes("kg_805_superpopulation", g, labels=labels, strata=strata, dense=False), labels


def main(arguments: argparse.Namespace) -> None:
    study, every_label = read_superpopulations()
    methods = {
        **split_methods(["chance", "ridge on dosages"]),
        "ridge + diffusion": augmented_ridge(lambda task: (task.few, task.labels_few), "augmented"),
        "ridge + diffusion that saw all labels": augmented_ridge(
            lambda task: (task.people.train, every_label[task.people.train]), "leak"
        ),
    }
    table = run_over_splits(
        study, methods, [parse_budget(text) for text in BUDGETS], splits=range(arguments.splits),
        path=RESULTS, work=arguments.work,
    )  # fmt: skip
    found = summarise_splits(table, "accuracy")
    print(found.pivot(index="method", columns="budget", values="value").round(3).to_string())
    # The t interval of two splits would fill the panel.
    found.loc[found["n_splits"] < 3, ["lower", "upper"]] = np.nan
    chance = found["role"] == "chance"
    panel = LabelPanel(
        "5 superpopulations, 805 SNPs", "accuracy", found[~chance], found["value"][chance].mean()
    )
    with atomic_path(PICTURE) as temporary:
        label_panels([panel]).savefig(temporary, metadata={"Date": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--splits", type=int, default=3, metavar="N", help="80/20 splits of people")
    parser.add_argument("--work", type=Path, default=Path("runs/label_efficiency"), help="scratch folder")
    main(parser.parse_args())
