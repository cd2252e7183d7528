"""Is a bigger denoiser better, and does an own dense layer for every gene help? The reference's two findings, and ours.

    python benchmarks/reference_findings.py size         # -> results/denoiser_size.csv, docs/denoiser_size.svg
    python benchmarks/reference_findings.py own-layer    # -> results/denoiser_own_layer.csv, docs/...own_layer.svg
    python benchmarks/reference_findings.py neighbours   # -> results/denoiser_neighbours.csv, docs/...neighbours.svg

Ours: a dense layer past the network, from a block's cells and its neighbours' to its prediction (``neighbour_reach``).

Diffusion (the defaults of gds pretrain: v-prediction, constant budget of 10 epochs, batch 64) on one megabase of
1000 Genomes in windows of 64 variants, 8 components each; every seed has a split of people, a GenePCA, initial
weights and noise of its own. Two figures of people who were not trained on: the validation loss over that of
closed-form shrinkage (1 where nothing was learned), and the accuracy for five superpopulations of a logistic
regression on the pooled embedding with 100 labels, five draws of the labels, scored on the test people. Rows are
written as they come; a script that was stopped goes on where it was.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import gds
from gds.classifiers.networks.embedding import embed
from gds.features.dataset import PreparedCohort
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.features.splits import few_label_subset
from gds.files import atomic_path, read_json
from gds.report.style import MUTED, PALETTE, figure_style, new_figure, series_look, styled, thousands
from gds.studies.pretraining.config import load_config
from gds.studies.pretraining.run import pretrain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DATA = Path(os.environ.get("GDS_SHARED_DATA", "../shared/data")) / "kg_chr22"
RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parents[1] / "docs"
LABELS, DRAWS = 100, 5

# Network -> size -> options over the preset.
SIZES: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "transformer": (
        "transformer-mini",
        {
            f"{width} wide, {layers} layers": {
                "hidden_size": width, "num_hidden_layers": layers, "intermediate_size": 4 * width,
                "blocks_per_token": 4,
            }
            for width, layers in ((16, 1), (32, 2), (64, 3), (128, 4))
        },
    ),
    "mlp": ("mlp-tiny", {f"{n} wide": {"mlp_sizes": [n, n // 2, n // 4]} for n in (16, 64, 256, 1024)}),
    "unet1d": ("unet1d-tiny", {f"{n} wide": {"hidden_size": n} for n in (8, 16, 32)}),
}  # fmt: skip
Choices = dict[str, tuple[str, dict[str, dict[str, Any]]]]


def off_and_on(option: str, value: int) -> Choices:
    """Each network without and with an option."""
    return {
        name: (preset, {"off": more, "on": {**more, option: value}})
        for name, preset, more in (
            ("unet1d", "unet1d-tiny", {}),
            ("mlp", "mlp-tiny", {}),
            ("hybrid", "hybrid-tiny", {}),
            ("transformer", "transformer-tiny", {"blocks_per_token": 4}),
        )
    }


QUESTIONS: dict[str, tuple[Choices, str]] = {
    "size": (SIZES, "size"),
    "own-layer": (off_and_on("block_hidden_size", 16), "own layers"),
    "neighbours": (off_and_on("neighbour_reach", 1), "neighbours"),
}


def prepared(folder: Path, seed: int) -> PreparedCohort:
    options = PrepareOptions(
        genotypes=(str(DATA / "kg_chr22.bed"),),
        phenotypes=str(DATA / "kg.panel"),
        label_column="super_pop",
        blocks="window:64",
        seed=seed,
    )
    return prepare_cohort(options, folder / f"data-{seed}")


def probe_accuracy(folder: Path, cohort: PreparedCohort) -> float:
    """Mean accuracy on the test people over draws of 100 labels."""
    encoder = gds.GdsModel.from_pretrained(folder)
    people = cohort.people
    labels = {split: people.loc[cohort.ids(split), "label"].to_numpy() for split in ("train", "test")}
    train, test = (embed(encoder, cohort.features(split)) for split in ("train", "test"))
    accuracies = []
    for draw in range(DRAWS):
        few = few_label_subset(labels["train"], LABELS, seed=draw)
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
        model.fit(train[few], labels["train"][few])
        accuracies.append(model.score(test, labels["test"]))
    return float(np.mean(accuracies))


def runs(networks: Choices, n_seeds: int, n_epochs: int, done: set[tuple]) -> Iterator[dict[str, Any]]:
    training = [f"training.num_train_epochs={n_epochs}", "training.save_strategy=no", "training.report_to=[]"]
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(n_seeds):
            cohort = prepared(Path(scratch), seed)
            for network, (preset, choices) in networks.items():
                for choice, options in choices.items():
                    if (seed, network, choice) in done:
                        continue
                    config = load_config(None, [*training, "training.disable_tqdm=true"], preset=preset)
                    config.model.update({"neighbour_reach": None, **options})
                    folder = Path(scratch) / f"{network}-{choice}-{seed}".replace(" ", "-")
                    started = time.perf_counter()
                    pretrain(config, cohort, folder, seed=seed)
                    record = read_json(folder / "run.json")
                    final = record["final"]
                    yield {
                        "network": network, "choice": choice, "seed": seed, "parameters": record["parameters"],
                        "epochs": n_epochs, "validation_loss": final["eval_loss"],
                        "shrinkage_loss": final["eval_shrinkage_loss"],
                        "loss_over_shrinkage": final["eval_loss"] / final["eval_shrinkage_loss"],
                        "probe_accuracy": probe_accuracy(folder, cohort),
                        "training_seconds": round(time.perf_counter() - started, 1),
                    }  # fmt: skip


FIGURES = {"loss_over_shrinkage": "validation loss / shrinkage", "probe_accuracy": "accuracy, 100 labels"}


@styled
def by_size(table: pd.DataFrame) -> "Figure":
    """Both figures against the number of parameters, a line a network; the bar spans the seeds."""
    figure, panels = new_figure(2, width=8.8, height=3.6)
    for axes, (column, label) in zip(panels, FIGURES.items(), strict=True):
        for index, (network, rows) in enumerate(table.groupby("network", sort=False)):
            sizes = rows.groupby("parameters")[column].agg(["mean", "min", "max"])
            span = [sizes["mean"] - sizes["min"], sizes["max"] - sizes["mean"]]
            axes.errorbar(sizes.index, sizes["mean"], yerr=span, **series_look(index), label=network)
        axes.set(xlabel="parameters", ylabel=label, xscale="log")
        axes.xaxis.set_major_formatter(thousands)
    panels[0].legend()
    return figure


@styled
def on_against_off(table: pd.DataFrame, what: str) -> "Figure":
    """Both figures without and with something, a line from off to on for every network and seed."""
    figure, panels = new_figure(2, width=8.8, height=3.6)
    networks = list(dict.fromkeys(table["network"]))
    for axes, (column, label) in zip(panels, FIGURES.items(), strict=True):
        pairs = table.pivot(index=["network", "seed"], columns="choice", values=column).dropna()
        for (network, seed), pair in pairs.iterrows():
            place = networks.index(network) + 0.12 * (seed - 1)
            axes.plot([place] * 2, [pair["off"], pair["on"]], color=MUTED, linewidth=1)
            for choice, colour in zip(("off", "on"), PALETTE, strict=False):
                axes.plot(place, pair[choice], "o", color=colour)
        axes.set_xticks(range(len(networks)), networks)
        axes.set(ylabel=label)
    for choice, colour in zip(("off", "on"), PALETTE, strict=False):
        panels[0].plot([], [], "o", color=colour, label=f"{what} {choice}")
    panels[0].legend()
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("question", choices=QUESTIONS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    networks, what = QUESTIONS[arguments.question]
    name = f"denoiser_{arguments.question.replace('-', '_')}"
    out = RESULTS / f"{name}.csv"
    table = pd.read_csv(out) if out.is_file() else pd.DataFrame(columns=["seed", "network", "choice"])
    done = set(table[["seed", "network", "choice"]].itertuples(index=False, name=None))
    for row in runs(networks, arguments.seeds, arguments.epochs, done):
        table = pd.concat([table, pd.DataFrame([row])], ignore_index=True)[list(row)]
        with atomic_path(out) as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
        print(row, flush=True)
    figure = by_size(table) if what == "size" else on_against_off(table, what)
    with figure_style(), atomic_path(DOCS / f"{name}.svg") as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
