"""Which generator makes faithful people without copying any? One table for every backbone and both objectives.

    OMP_NUM_THREADS=1 python benchmarks/fidelity.py --seeds 7 8 9

The haplotypes of ``kg_805`` (GDS_SHARED_DATA), split by person: generators are trained on one half, and everything is
compared with the other half, which nothing has seen. The generators' settings were chosen on the split of seed 0; the
table is of other seeds. Beside them stand what must pass (a real half), what must fail (independent sites, copies, the
reference GAN) and closed-form generators. The best generator has about ten core-minutes; what each backbone learns
under each objective in about one stands below it, that of the best among them. Trained generators and samples are kept
under --work, so that an interrupted run goes on where it stopped and another way of drawing needs no new training.
Rows that were not asked for stay in --out. ``--dosages`` makes the second table: people in place of haplotypes.
"""

import argparse
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import set_seed

from gds.evaluation.distances import equal_sizes
from gds.evaluation.fidelity import allele_frequency_agreement
from gds.evaluation.linkage import ld_correlation, three_point_correlation
from gds.evaluation.membership import membership_figures
from gds.evaluation.neighbours import (
    adversarial_accuracy,
    nearest_neighbour_privacy_loss,
    precision_recall_density_coverage,
)
from gds.evaluation.privacy import record_distances
from gds.evaluation.reference_generators import (
    copies_with_changes,
    gaussian_threshold,
    haplotype_mosaic,
    independent_sites,
)
from gds.features import GenePCA, GeneTokens
from gds.features.dataset import arrow_dataset
from gds.features.splits import split_people
from gds.files import atomic_path, read_json, write_json
from gds.generation import GenotypeGenerator
from gds.genotypes import Genotypes, assign_blocks, read_genotypes
from gds.models import GdsConfig, GdsForDiffusion, GdsForMaskedModeling
from gds.studies.pretraining.run import last_checkpoint
from gds.training import FeatureDataset, GdsTrainer
from gds.training.arguments import training_arguments

# What the best generator has to reach at once; the bounds on AA are distances from the real half's own value.
TARGETS = {"allele_frequency_r": 0.995, "ld_r2_r": 0.975, "three_point_r": 0.90, "recall": 0.60}
LIMITS = {"privacy_loss": 0.11, "membership_auc": 0.55}
AA_TOLERANCE = 0.08
REAL = "training people (real half)"

TRAINING: dict[str, Any] = {
    "per_device_train_batch_size": 64,
    "per_device_eval_batch_size": 256,
    "lr_scheduler_type": "cosine",
    "learning_rate": 1e-3,
    "warmup_steps": 0.05,
    "weight_decay": 0.05,
    "ema_decay": 0.998,
}
_MLP = {"backbone": "mlp", "mlp_sizes": [512, 512], "hidden_dropout": 0.1}
NETWORKS: dict[str, dict[str, Any]] = {
    "MLP U-Net": _MLP,
    "MLP U-Net + neighbours": {**_MLP, "neighbour_reach": 1},
    "transformer": {
        "hidden_size": 128, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 256,
        "blocks_per_token": 8, "hidden_dropout": 0.1,
    },
    "1D U-Net": {
        "backbone": "unet1d", "hidden_size": 16, "block_hidden_size": 16, "channel_multipliers": [1, 2, 4],
        "num_residual_blocks": 1, "attention_levels": [], "num_attention_heads": 4, "hidden_dropout": 0.1,
    },
    "MLP + CNN": {
        "backbone": "hybrid", "mlp_sizes": [256, 256], "hidden_size": 16, "block_hidden_size": 16,
        "channel_multipliers": [1, 1], "num_residual_blocks": 1, "attention_levels": [],
        "num_attention_heads": 4, "hidden_dropout": 0.1,
    },
}  # fmt: skip
# Epochs and sampling steps that make about a core-minute, of a masked model and of a diffusion model.
CORE_MINUTE = {
    "MLP U-Net": ((14, 36), (24, 20)),
    "MLP U-Net + neighbours": ((14, 36), (24, 20)),
    "transformer": ((10, 24), (13, 16)),
    "1D U-Net": ((5, 16), (5, 12)),
    "MLP + CNN": ((10, 24), (13, 14)),
}
DIFFUSION: dict[str, Any] = {
    "use_timestep": True,
    "prediction_type": "v_prediction",
    "sampler": "dpm-solver++",
}
WINDOW = 8
CHECKPOINT_STEPS = 200
FIT_NAME = "fit.json"


@dataclass(frozen=True)
class Recipe:
    """One generator: objective, network, length of training, options of ``GenotypeGenerator.generate``."""

    objective: str
    network: str
    epochs: int
    sampling: dict[str, Any]


# Chosen on seed 0: dropout, temperatures, steps; the 250 epochs were set on the way to seed 3.
BEST = "masked, MLP U-Net + neighbours"
TEMPERATURE = 0.95
_DRAWN = {"num_inference_steps": 120, "temperature": TEMPERATURE}
RECIPES = {
    BEST: Recipe("masked", "MLP U-Net + neighbours", 250, {**_DRAWN, "temperature": 0.975}),
    # Of people there are half as many rows as of haplotypes, and copying begins earlier; chosen on seed 0 too.
    f"{BEST}, 80 epochs": Recipe("masked", "MLP U-Net + neighbours", 80, _DRAWN),
    "masked, MLP U-Net": Recipe("masked", "MLP U-Net", 250, _DRAWN),
    **{
        f"masked, {network}, 1 core-minute": Recipe(
            "masked", network, epochs, {"num_inference_steps": steps, "temperature": TEMPERATURE}
        )
        for network, ((epochs, steps), _) in CORE_MINUTE.items()
    },
    **{
        f"diffusion, {network}, 1 core-minute": Recipe(
            "diffusion", network, epochs, {"num_inference_steps": steps}
        )
        for network, (_, (epochs, steps)) in CORE_MINUTE.items()
    },
}


@dataclass(frozen=True)
class Halves:
    """Rows trained on and rows held out, as alleles 0/1 (haplotypes) or dosages (people)."""

    folder: Path
    people: Genotypes
    train: np.ndarray
    test: np.ndarray
    ploidy: int

    def alleles(self, rows: np.ndarray) -> np.ndarray:
        """int8 (row, variant): 0/1 for haplotypes, which the package writes as homozygotes, 0/1/2 for people."""
        return self.people.dosage[rows] // (2 if self.ploidy == 1 else 1)


def read_halves(folder: Path, seed: int, dosages: bool) -> Halves:
    """Half of the people to train on, half to compare with, populations alike."""
    people = read_genotypes(
        folder / "kg_805" / "real.hapt.zip", legend=folder / "kg_805" / "805.legend", phased=True
    )
    panel = pd.read_csv(folder / "kg_chr22" / "kg.panel", sep=r"\s+", index_col="sample", usecols=[0, 1])
    ids = people.samples["id"]
    population = panel.loc[ids, "pop"].to_numpy(dtype=str)
    split = split_people(list(ids), strata=population, fractions=(0.5, 0.0, 0.5), seed=seed)
    if not dosages:
        people, split = people.as_haploid(), np.repeat(split, 2)
    return Halves(
        folder, people, np.flatnonzero(split == "train"), np.flatnonzero(split == "test"), 2 if dosages else 1
    )


# Generators without a network, and a file made by others; of (halves, seed).
REFERENCES: dict[str, Callable[[Halves, int], np.ndarray]] = {
    REAL: lambda halves, seed: halves.alleles(halves.train),
    "copies, one SNP changed": lambda halves, seed: _like_training(copies_with_changes, halves, seed),
    "independent sites": lambda halves, seed: _like_training(independent_sites, halves, seed),
    "Gaussian threshold": lambda halves, seed: _like_training(gaussian_threshold, halves, seed),
    "haplotype mosaic (HMM)": lambda halves, seed: _like_training(
        haplotype_mosaic, halves, seed, switch_rate=0.0025
    ),
    "reference GAN": lambda halves, seed: _gan(halves.folder)[: len(halves.train)],
}
OF_HAPLOTYPES = ("haplotype mosaic (HMM)", "reference GAN")


def _like_training(make: Callable[..., np.ndarray], halves: Halves, seed: int, **options: Any) -> np.ndarray:
    """As many rows as there are training rows, made from these."""
    train = halves.alleles(halves.train)
    return make(train, len(train), seed=seed, **options)


def _gan(folder: Path) -> np.ndarray:
    read = read_genotypes(
        folder / "kg_805" / "gan.hapt.zip", legend=folder / "kg_805" / "805.legend", phased=True
    )
    return read.as_haploid().dosage // 2


def train(
    recipe: Recipe, halves: Halves, seed: int, folder: Path
) -> tuple[GenotypeGenerator, dict[str, float]]:
    """The generator of a recipe, and how well its network fits; ``folder`` has it where it was trained before.

    Checkpoints go there too: an interrupted training goes on from the last one, with the same result.
    """
    if (folder / FIT_NAME).is_file():
        return GenotypeGenerator.from_pretrained(folder), read_json(folder / FIT_NAME)
    blocks = assign_blocks(halves.people.variants, f"window:{WINDOW}")
    featurizer: GeneTokens | GenePCA = GeneTokens(WINDOW) if recipe.objective == "masked" else GenePCA(WINDOW)
    featurizer.fit(halves.people, blocks, halves.train)
    shape = featurizer.is_padding_.shape
    data = [
        FeatureDataset(
            arrow_dataset(featurizer.transform(halves.people, rows), np.full(len(rows), -100)), *shape
        )
        for rows in (halves.train, halves.test)
    ]
    set_seed(seed)
    shared = {"n_blocks": shape[0], "n_channels": shape[1], **NETWORKS[recipe.network]}
    model: Any
    if recipe.objective == "masked":
        unmasking = {"input_kind": "tokens", "mask_ratio": [0.0, 1.0], "mask_unit": "slot"}
        model = GdsForMaskedModeling(GdsConfig(**shared, **unmasking))
    else:
        model = GdsForDiffusion(GdsConfig(**shared, **DIFFUSION))
    model.gds.set_padding(featurizer.is_padding_)
    training = dict(TRAINING)
    ema_decay = training.pop("ema_decay")
    started = time.process_time()
    arguments = training_arguments(
        folder / "checkpoints", seed=seed, num_train_epochs=recipe.epochs, save_steps=CHECKPOINT_STEPS,
        save_total_limit=2, report_to=[], logging_strategy="no", dataloader_drop_last=True, **training,
    )  # fmt: skip
    trainer = GdsTrainer(
        model=model, args=arguments, train_dataset=data[0], eval_dataset=data[1], ema_decay=ema_decay
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(folder / "checkpoints", averaged=True))
    fit = {
        "train_loss": trainer.evaluate(data[0])["eval_loss"],
        "held_out_loss": trainer.evaluate(data[1])["eval_loss"],
        # Of this process alone where another one was interrupted.
        "training_cpu_seconds": time.process_time() - started,
        "epochs": float(recipe.epochs),
        "parameters": float(model.num_parameters()),
    }
    generator = GenotypeGenerator(trainer.accelerator.unwrap_model(trainer.model), featurizer)
    generator.save_pretrained(folder)
    write_json(folder / FIT_NAME, fit)
    shutil.rmtree(folder / "checkpoints")
    return generator, fit


def sample(
    generator: GenotypeGenerator, recipe: Recipe, halves: Halves, seed: int
) -> tuple[np.ndarray, dict[str, float]]:
    """As many synthetic rows as were trained on, and what they cost."""
    started = time.process_time()
    features = generator.generate(len(halves.train), seed=seed, batch_size=512, **recipe.sampling)
    cost = {
        "steps": float(generator.n_passes(**recipe.sampling)),
        "sampling_cpu_seconds": time.process_time() - started,
    }
    featurizer = generator.featurizer
    assert isinstance(featurizer, GeneTokens | GenePCA)
    if halves.ploidy == 2:
        return featurizer.inverse_transform(features), cost
    # Haplotypes are homozygotes here: a cell between them is a failure of the model, and the nearer one stands for it.
    dosage = (
        featurizer.inverse_transform(features)
        if isinstance(featurizer, GeneTokens)
        else featurizer.inverse_transform(features, rounding="none")
    )
    cost["heterozygous"] = float((abs(dosage - 1) < 0.5).mean())
    return (dosage >= 1).astype(np.int8), cost


def figures(synthetic: np.ndarray, halves: Halves, seed: int) -> dict[str, float]:
    """Everything of one set of rows, against the held-out half."""
    train, test = halves.alleles(halves.train), halves.alleles(halves.test)
    train, test, synthetic = equal_sizes(train, test, synthetic, seed=seed)
    linkage = ld_correlation(test, synthetic)[0]
    nearest = adversarial_accuracy(test, synthetic, seed=seed)
    density = precision_recall_density_coverage(test, synthetic, seed=seed)
    distances = record_distances(train, test, synthetic)
    attack = membership_figures(
        -distances.train_to_synthetic, -distances.test_to_synthetic, n_bootstrap=200, seed=seed
    )
    return {
        "allele_frequency_r": allele_frequency_agreement(test, synthetic, ploidy=halves.ploidy)["r"],
        "ld_r2_r": linkage["r"],
        "strong_ld_kept": linkage["strong_kept"],
        "three_point_r": three_point_correlation(test, synthetic, seed=seed)["r"],
        "aa_truth": nearest["aa_truth"],
        "aa_syn": nearest["aa_syn"],
        "precision": density["precision"],
        "recall": density["recall"],
        "privacy_loss": nearest_neighbour_privacy_loss(train, test, synthetic, seed=seed)["privacy_loss"],
        "membership_auc": float(attack.loc["auc", "value"]),
    }


def verdict(row: pd.Series, real: pd.Series) -> str:
    """What a row misses of the targets, or ``reaches all``."""
    missed = [name for name, least in TARGETS.items() if not row[name] >= least]
    missed += [name for name, most in LIMITS.items() if not row[name] <= most]
    missed += [name for name in ("aa_truth", "aa_syn") if not abs(row[name] - real[name]) <= AA_TOLERANCE]
    return "reaches all" if not missed else "misses " + ", ".join(missed)


def measure(arguments: argparse.Namespace, seed: int) -> list[dict[str, Any]]:
    """Rows of one split, the real half first."""
    halves = read_halves(arguments.data, seed, arguments.dosages)
    rows = []
    kind = "people" if arguments.dosages else "haplotypes"
    wanted = set(arguments.only or [*REFERENCES, *RECIPES]) | {REAL}
    for name, make in REFERENCES.items():
        if name in wanted and not (arguments.dosages and name in OF_HAPLOTYPES):
            rows.append({"generator": name, "seed": seed, **figures(make(halves, seed), halves, seed)})
            print(_line(rows[-1]), flush=True)
    for name, recipe in RECIPES.items():
        if name not in wanted:
            continue
        kept = arguments.work / f"{kind}-{seed}-{name.replace(' ', '_')}.npz"
        if not kept.is_file():
            trained = f"{kind}-{seed}-{recipe.objective}-{recipe.network}-{recipe.epochs}".replace(" ", "_")
            generator, fit = train(recipe, halves, seed, arguments.work / trained)
            synthetic, cost = sample(generator, recipe, halves, seed)
            with atomic_path(kept) as temporary, temporary.open("wb") as file:
                arrays: dict[str, Any] = {"synthetic": synthetic, **fit, **cost}
                np.savez_compressed(file, **arrays)
        with np.load(kept) as found:
            fit = {key: float(found[key]) for key in found.files if key != "synthetic"}
            rows.append({"generator": name, "seed": seed, **figures(found["synthetic"], halves, seed), **fit})
        print(_line(rows[-1]), flush=True)
    return rows


def _line(row: dict[str, Any]) -> str:
    return "  ".join(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="GDS_SHARED_DATA")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--dosages", action="store_true", help="people in place of haplotypes")
    parser.add_argument(
        "--only", nargs="+", choices=[*REFERENCES, *RECIPES], help="these generators and the real half"
    )
    parser.add_argument("--work", type=Path, default=Path("runs/fidelity"), help="where samples are kept")
    parser.add_argument("--out", type=Path, help="table; default benchmarks/results/fidelity[_dosages].csv")
    arguments = parser.parse_args()
    if arguments.out is None:
        name = "fidelity_dosages.csv" if arguments.dosages else "fidelity.csv"
        arguments.out = Path(__file__).parent / "results" / name
    torch.set_num_threads(1)
    arguments.work.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame([row for seed in arguments.seeds for row in measure(arguments, seed)])
    real = table[table["generator"] == REAL].set_index("seed")
    table["verdict"] = [verdict(row, real.loc[row["seed"]]) for _, row in table.iterrows()]
    if arguments.out.is_file():
        # Rows measured again take the place of their older selves; all others stay.
        table = pd.concat([pd.read_csv(arguments.out), table], ignore_index=True)
        table = table.drop_duplicates(["generator", "seed"], keep="last")
        rank = {name: number for number, name in enumerate([*REFERENCES, *RECIPES])}
        table = table.iloc[np.lexsort((table["generator"].map(rank), table["seed"]))]
    with atomic_path(arguments.out) as temporary:
        table.to_csv(temporary, index=False, float_format="%.4g")
    print(table.to_string())


if __name__ == "__main__":
    main()
