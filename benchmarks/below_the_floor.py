"""Does every network learn? Validation loss against every constant and the closed-form floor.

    python benchmarks/below_the_floor.py    # -> results/below_the_floor.csv

Each backbone, with and without own layers for every gene, two of them with a layer past them as well, and each
objective on one megabase of 1000 Genomes in windows of 64 variants: diffusion of 8 components (the reference's
epsilon-prediction; its floor is shrinkage, sqrt(1 - alpha_bar) x_t), masked modelling of components (L1) and of
genotypes (cross-entropy), slots masked at ratios from 0 to 1, where the floor is each cell's own best constant,
fitted on training people: median or genotype frequencies, what independent cells allow. "constant" is the best
single prediction for all cells: zero noise, one median, one set of frequencies. All losses are of the same masks
and noise. The interval of the difference to the floor is that of the mean over validation people. Rows that the
file has are not measured again.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gds.features.dataset import PreparedCohort
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.files import atomic_path, read_json
from gds.models import GdsForDiffusion, GdsForMaskedModeling
from gds.models.randomness import EVALUATION_EPOCH, draw_keys
from gds.studies.pretraining.config import load_config
from gds.studies.pretraining.run import pretrain

DATA = Path(os.environ.get("GDS_SHARED_DATA", "../shared/data")) / "kg_chr22"
OUT = Path(__file__).parent / "results" / "below_the_floor.csv"
PRESETS = ("transformer-tiny", "unet1d-tiny", "unet1d-per-gene-tiny", "mlp-tiny", "hybrid-tiny")
# And with a dense layer past the network, from a window's cells and its neighbours' to its prediction.
NETWORKS = {
    **{preset: (preset, ["model.neighbour_reach=null"]) for preset in PRESETS},
    **{
        f"{preset} + neighbours": (preset, ["model.neighbour_reach=1"])
        for preset in ("transformer-tiny", "mlp-tiny")
    },
}
OBJECTIVES = {
    "diffusion": ("diffusion", "pca", ["model.prediction_type=epsilon", "model.sampler=ancestral"]),
    "masked components": ("masked", "pca", []),
    "masked genotypes": ("masked", "tokens", []),
}


def losses(model: Any, train: Tensor, people: Tensor) -> dict[str, np.ndarray]:
    """Loss of each validation person: the network's, the floor's and the constant's, on the same draws."""
    keys = draw_keys(0, EVALUATION_EPOCH, torch.arange(len(people)))
    with torch.no_grad():
        if isinstance(model, GdsForDiffusion):
            found = model(people, keys).statistics
            silent = GdsForDiffusion(model.config).eval()
            silent.config.precondition = False  # and its head starts as zero: it says that there is no noise
            silent.gds.set_padding(model.gds.is_padding)
            constant = silent(people, keys).statistics["loss"]
            return {
                "network": found["loss"][:, 0].numpy(), "floor": found["shrinkage_loss"][:, 0].numpy(),
                "constant": constant[:, 0].numpy(),
            }  # fmt: skip
        scored = model.draw_mask(keys)
        found = model(people, keys, is_masked=scored).statistics["loss"][:, 0]
        valid = ~model.gds.is_padding
        if model.is_discrete:
            scored = scored & (people >= 0)
            counts = torch.stack([(train == dosage).sum(dim=0) for dosage in range(3)], dim=-1).double()
            cell = ((counts + 0.5) / (counts + 0.5).sum(-1, keepdim=True)).log()
            overall = (counts[valid].sum(0) / counts[valid].sum()).log().expand_as(cell)
            kind = people.long().clamp(min=0).unsqueeze(-1)
            costs = [
                -log.expand(len(people), -1, -1, -1).gather(-1, kind).squeeze(-1) for log in (cell, overall)
            ]
        else:
            costs = [(people - train.median(dim=0).values).abs(), (people - train[:, valid].median()).abs()]
        n_scored = scored.sum(dim=(1, 2)).clamp(min=1)
        floor, constant = (cost.masked_fill(~scored, 0).sum(dim=(1, 2)) / n_scored for cost in costs)
        return {"network": found.numpy(), "floor": floor.numpy(), "constant": constant.numpy()}


def measure(
    objective: str, network: str, cohort: PreparedCohort, folder: Path, n_epochs: int
) -> dict[str, Any]:
    kind, _, options = OBJECTIVES[objective]
    preset, of_network = NETWORKS[network]
    training = [f"training.num_train_epochs={n_epochs}", "training.save_strategy=no", "training.report_to=[]"]
    masking = ["model.mask_unit=slot", "model.mask_ratio=[0, 1]"] if kind == "masked" else []
    overrides = [*training, "training.disable_tqdm=true", *options, *of_network, *masking]
    started = time.perf_counter()
    pretrain(load_config(None, overrides, kind, preset), cohort, folder)
    seconds = time.perf_counter() - started
    model = (GdsForDiffusion if kind == "diffusion" else GdsForMaskedModeling).from_pretrained(folder).eval()
    train, people = (torch.from_numpy(np.array(cohort.features(split))) for split in ("train", "validation"))
    found = losses(model, train, people)
    difference = found["network"] - found["floor"]
    margin = 1.96 * difference.std(ddof=1) / len(difference) ** 0.5
    return {
        "objective": objective, "preset": network, "parameters": read_json(folder / "run.json")["parameters"],
        "epochs": n_epochs, "validation_people": len(people), "constant": found["constant"].mean(),
        "floor": found["floor"].mean(), "network": found["network"].mean(),
        "difference_lower": difference.mean() - margin, "difference_upper": difference.mean() + margin,
        "training_seconds": round(seconds),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    rows = pd.read_csv(OUT).to_dict("records") if OUT.is_file() else []
    done = {(row["objective"], row["preset"]) for row in rows}
    with tempfile.TemporaryDirectory() as scratch:
        cohorts = {
            kind: prepare_cohort(
                PrepareOptions(
                    genotypes=(str(DATA / "kg_chr22.bed"),), blocks="window:64", features=kind, seed=0
                ),
                Path(scratch) / kind,
            )
            for kind in ("pca", "tokens")
        }
        for objective, (_, kind, _) in OBJECTIVES.items():
            for network in NETWORKS:
                if (objective, network) in done:
                    continue
                folder = Path(scratch) / f"{objective}-{network}".replace(" ", "-")
                rows.append(measure(objective, network, cohorts[kind], folder, arguments.epochs))
                print(rows[-1], flush=True)
                with atomic_path(OUT) as temporary:
                    pd.DataFrame(rows).to_csv(temporary, index=False, float_format="%.5g")


if __name__ == "__main__":
    main()
