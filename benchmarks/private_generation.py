"""What does a guarantee cost? Fidelity and leakage of one generator against epsilon.

    OMP_NUM_THREADS=1 python benchmarks/private_generation.py --out benchmarks/results/private_generation.csv

The haplotypes of ``kg_805`` (GDS_SHARED_DATA), split by person: half are protected and trained on. Of the other half,
one part is public (the featurizer is fitted on it, and the baseline "public people only" is trained on it), the other
compares and serves as those who were not trained on. The unit of privacy is the person, who has two rows. Network,
steps and optimiser are the same for every epsilon; they were chosen on the split of seed 0 (a handful of runs), and
the table is of another.
The noise comes from a fixed seed, so that the table can be made again: these models themselves guarantee nothing.
Each model is kept under --work, and an interrupted run goes on where it stopped.
"""

import argparse
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import set_seed

from gds.evaluation.membership import calibrated_scores, membership_figures
from gds.evaluation.reference_generators import gaussian_threshold, independent_sites
from gds.features import GenePCA
from gds.features.dataset import arrow_dataset
from gds.features.splits import split_people
from gds.files import RUN_RECORD, atomic_path, write_json
from gds.generation import GenotypeGenerator
from gds.genotypes import Genotypes, assign_blocks, read_genotypes
from gds.models import GdsConfig, GdsForDiffusion
from gds.report.style import new_figure, series_look, styled
from gds.studies.attacks.attacked_people import AttackedPeople
from gds.studies.attacks.shadows import ShadowRecipe, shadow_losses
from gds.studies.pretraining.config import PretrainConfig
from gds.studies.synthetic.scores import Places, fidelity_scores, privacy_scores
from gds.training import FeatureDataset
from gds.training.arguments import training_arguments
from gds.training.person_losses import person_losses
from gds.training.private.people import PeopleDataset
from gds.training.private.settings import PrivacySettings
from gds.training.private.trainer import PrivateTrainer

# Components of public people: of each window, so that everything between windows has to be learned from protected
# people; or genome-wide, so that the untrained network is a Gaussian with the covariance of public people.
WINDOW, COMPONENTS = 8, 400
DELTA = 1e-4
MODEL: dict[str, Any] = {
    "backbone": "mlp", "mlp_sizes": [24], "condition_size": 32, "use_timestep": True,
    "prediction_type": "v_prediction", "sampler": "dpm-solver++", "num_inference_steps": 30,
}  # fmt: skip
BATCH_PEOPLE, CLIP, DRAWS = 313, 0.1, 1
TRAINING: dict[str, Any] = {
    "learning_rate": 1e-2, "lr_scheduler_type": "cosine", "warmup_steps": 0.05, "weight_decay": 0.0,
    "per_device_train_batch_size": 512,
}  # fmt: skip
EMA_DECAY = 0.97
FIGURES = ("allele_frequency_r", "ld_r", "three_point_r", "aa_truth", "aa_syn", "precision", "recall")


@dataclass(frozen=True)
class Parts:
    """Haplotypes as samples of their own, and the rows of each part, two consecutive ones a person."""

    people: Genotypes
    protected: np.ndarray
    public: np.ndarray
    compared: np.ndarray

    def alleles(self, rows: np.ndarray) -> np.ndarray:
        """int8 (row, variant), 0 or 1."""
        return self.people.dosage[rows] // 2


def read_parts(folder: Path, seed: int) -> Parts:
    """Protected, public and compared people, populations alike in all three."""
    found = read_genotypes(
        folder / "kg_805" / "real.hapt.zip", legend=folder / "kg_805" / "805.legend", phased=True
    )
    panel = pd.read_csv(folder / "kg_chr22" / "kg.panel", sep=r"\s+", index_col="sample", usecols=[0, 1])
    ids = found.samples["id"]
    split = split_people(
        list(ids), strata=panel.loc[ids, "pop"].to_numpy(dtype=str), fractions=(0.5, 0.25, 0.25), seed=seed
    )
    rows = [np.flatnonzero(np.repeat(split, 2) == name) for name in ("train", "validation", "test")]
    return Parts(found.as_haploid(), *rows)


def fit_featurizer(parts: Parts, kind: str) -> GenePCA:
    """Components of public people."""
    variants = parts.people.variants
    if kind == "windows":
        return GenePCA(WINDOW).fit(parts.people, assign_blocks(variants, f"window:{WINDOW}"), parts.public)
    # Windows do not span chromosomes: here all variants are one block.
    together = variants.assign(chromosome="1", position=np.arange(len(variants)))
    return GenePCA(COMPONENTS).fit(
        parts.people, assign_blocks(together, f"window:{len(together)}"), parts.public
    )


def train(
    features: np.ndarray, padding: np.ndarray, epsilon: float | None, folder: Path, *, steps: int, seed: int
) -> tuple[GdsForDiffusion, dict[str, float]]:
    """A generator; without an epsilon the same loop with no noise and no clipping."""
    set_seed(seed)
    model = GdsForDiffusion(_config(padding))
    model.gds.set_padding(padding)
    rows = FeatureDataset(arrow_dataset(features, np.full(len(features), -100)), *padding.shape)
    people = PeopleDataset(rows, np.arange(len(features)) // 2)
    settings = PrivacySettings(
        epsilon=epsilon or 1.0, delta=DELTA, batch_people=BATCH_PEOPLE, clip_norm=CLIP if epsilon else 1e9,
        draws=DRAWS, noise_seed=seed,
    )  # fmt: skip
    arguments = training_arguments(
        folder / "checkpoints", seed=seed, report_to=[], max_steps=steps, **TRAINING
    )
    trainer = PrivateTrainer(model, people, settings, arguments, folder / "checkpoints", EMA_DECAY)
    if epsilon is None:
        trainer.noise = 0.0
    began = time.process_time()
    run = trainer.train(dict)
    facts = {"noise_multiplier": trainer.noise, "steps": steps, "sample_rate": run.sample_rate}
    facts["parameters"] = sum(value.numel() for value in model.parameters())
    facts["cpu_seconds"] = time.process_time() - began
    return model, facts | ({"epsilon_spent": run.epsilon} if epsilon else {})


def _config(padding: np.ndarray) -> GdsConfig:
    return GdsConfig(n_blocks=padding.shape[0], n_channels=padding.shape[1], **MODEL)


def generate(model: GdsForDiffusion, featurizer: GenePCA, n: int, seed: int) -> np.ndarray:
    """Alleles of synthetic haplotypes; one that came out heterozygous counts as the effect allele."""
    generator = GenotypeGenerator(model, featurizer)
    return (generator.decode(generator.generate(n, seed=seed, batch_size=1024)).dosage > 0).astype(np.int8)


def fidelity(parts: Parts, synthetic: np.ndarray, seed: int) -> dict[str, float]:
    """Against people whom no model has seen."""
    places = Places(
        parts.people.variants["chromosome"].to_numpy(), parts.people.variants["position"].to_numpy()
    )
    real = parts.alleles(parts.compared)
    found = fidelity_scores(real, {"synthetic": synthetic}, places, ploidy=1, seed=seed)["synthetic"].values
    return {name: found[name][0] for name in FIGURES}


def leakage(parts: Parts, synthetic: np.ndarray, seed: int) -> dict[str, float]:
    """What the synthetic haplotypes alone give away of protected people."""
    protected, compared = parts.alleles(parts.protected), parts.alleles(parts.compared)
    found = privacy_scores(protected, compared, synthetic, ploidy=1, seed=seed).values
    return {name: found[name][0] for name in ("privacy_loss", "distance_attack_auc")}


def loss_attacks(
    people: AttackedPeople, model: GdsForDiffusion, shadows: tuple[np.ndarray, np.ndarray] | None, seed: int
) -> dict[str, float]:
    """What whoever holds the model can tell of protected people."""
    losses = people.by_person(person_losses(model, people.features, n_draws=16, seed=seed))
    scores = {"loss": -losses}
    if shadows is not None:
        scores["calibrated_loss"] = calibrated_scores(losses, *shadows)
    found = {}
    for name, score in scores.items():
        table = membership_figures(score[people.is_member], score[~people.is_member], seed=seed)
        for figure, short in (("auc", "auc"), ("tpr_at_10%_fpr", "tpr_at_10pct")):
            for column in ("value", "lower", "upper"):
                suffix = "" if column == "value" else f"_{column}"
                found[f"{name}_attack_{short}{suffix}"] = float(table.loc[figure, column])
    return found


def shadows_of(
    people: AttackedPeople, model: GdsForDiffusion, folder: Path, *, n: int, steps: int, seed: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Shadow models of the same network and as many steps, without privacy; the same ones for every epsilon."""
    if not n:
        return None
    batch = 2 * BATCH_PEOPLE
    n_rows = 2 * (people.n_people - people.n_members) // 2
    training = {
        **TRAINING, "per_device_train_batch_size": min(batch, n_rows), "max_steps": steps, "ema_decay": EMA_DECAY,
    }  # fmt: skip
    model.save_pretrained(folder / "recipe")
    write_json(
        folder / "recipe" / RUN_RECORD, {"config": asdict(PretrainConfig("diffusion", training=training))}
    )
    recipe = ShadowRecipe.of(folder / "recipe")
    return shadow_losses(recipe, people, folder, n_models=n, n_draws=16, seed=seed)


def measure(arguments: argparse.Namespace) -> pd.DataFrame:
    """One row a generator."""
    seed, steps = arguments.seed, arguments.steps
    parts = read_parts(arguments.data, seed)
    featurizer = fit_featurizer(parts, arguments.features)
    features = {
        name: featurizer.transform(parts.people, getattr(parts, name))
        for name in ("protected", "public", "compared")
    }
    n_members = len(parts.protected) // 2
    people = AttackedPeople(np.concatenate([features["protected"], features["compared"]]), 2, n_members, [])
    n = len(parts.compared)
    rows: list[dict[str, Any]] = []
    untrained = GdsForDiffusion(_config(featurizer.is_padding_))
    untrained.gds.set_padding(featurizer.is_padding_)
    public = parts.alleles(parts.public)
    for name, made in (
        ("real half", parts.alleles(parts.protected[:n])),
        ("independent sites of public people", independent_sites(public, n, seed=seed)),
        ("Gaussian threshold of public people", gaussian_threshold(public, n, seed=seed)),
        ("untrained network", generate(untrained, featurizer, n, seed)),
    ):
        facts = fidelity(parts, made, seed)
        rows.append(
            {"generator": name, **facts, **({} if name == "real half" else leakage(parts, made, seed))}
        )
    models: list[tuple[str, float | None, str]] = [("no guarantee", None, "protected")]
    models += [(f"epsilon {epsilon:g}", epsilon, "protected") for epsilon in arguments.epsilons]
    models.append(("no guarantee, public people only", None, "public"))
    shadows = None
    for name, epsilon, trained_on in models:
        folder = (
            arguments.work / f"{arguments.features}-{seed}-{steps}" / name.replace(" ", "_").replace(",", "")
        )
        kept = folder / "model"
        if (kept / "facts.csv").is_file():
            model = GdsForDiffusion.from_pretrained(kept)
            facts = pd.read_csv(kept / "facts.csv").iloc[0].to_dict()
        else:
            model, facts = train(
                features[trained_on], featurizer.is_padding_, epsilon, folder, steps=steps, seed=seed
            )
            model.save_pretrained(kept)
            with atomic_path(kept / "facts.csv") as temporary:
                pd.DataFrame([facts]).to_csv(temporary, index=False)
        if name == "no guarantee":
            shadows = shadows_of(people, model, folder, n=arguments.shadow_models, steps=steps, seed=seed)
        synthetic = generate(model, featurizer, n, seed)
        rows.append(
            {"generator": name, "epsilon": epsilon, **fidelity(parts, synthetic, seed),
             **leakage(parts, synthetic, seed), **loss_attacks(people, model, shadows, seed), **facts}
        )  # fmt: skip
        print(pd.Series(rows[-1]).to_string(), flush=True)
        pd.DataFrame(rows).round(4).to_csv(arguments.out, index=False)
    return pd.DataFrame(rows)


@styled
def draw(table: pd.DataFrame) -> Any:
    """Fidelity and leakage against epsilon, references as lines."""
    by_name = table.set_index("generator")
    trained = table[table["generator"].str.match("epsilon|no guarantee$")].copy()
    trained["epsilon"] = trained["epsilon"].fillna(np.inf)
    trained = trained.sort_values("epsilon")
    at = np.arange(len(trained))
    figure, axes = new_figure(2, 1, width=9.0, height=3.8)
    panels = (
        (axes[0], {"allele_frequency_r": "allele frequency r", "ld_r": "LD r", "three_point_r": "3-point r",
                   "recall": "recall"}),
        (axes[1], {"aa_truth": "AA_truth", "aa_syn": "AA_syn", "calibrated_loss_attack_auc": "loss attack, AUC",
                   "distance_attack_auc": "distance attack, AUC"}),
    )  # fmt: skip
    for panel, names in panels:
        for number, (name, shown) in enumerate(names.items()):
            if name not in trained:
                continue
            look = series_look(number)
            panel.plot(at, trained[name], label=shown, **look)
            if name in ("ld_r", "three_point_r", "recall"):
                panel.axhline(by_name.loc["real half", name], color=look["color"], linestyle=":", linewidth=1)
        panel.set_xticks(at, [f"{each:g}" if np.isfinite(each) else "none" for each in trained["epsilon"]])
        panel.set_xlabel("epsilon")
        panel.set_ylim(-0.02, 1.02)
        panel.legend(fontsize=8)
    axes[1].axhline(0.5, color="grey", linestyle=":", linewidth=1)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="GDS_SHARED_DATA")
    parser.add_argument("--features", choices=("windows", "genome"), default="windows")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epsilons", type=float, nargs="*", default=[1.0, 3.0, 8.0])
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--shadow-models", type=int, default=2)
    parser.add_argument("--work", type=Path, default=Path("runs/private_generation"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/private_generation.csv"))
    parser.add_argument(
        "--figure", type=Path, help="where to draw the curve, e.g. docs/private-generation.png"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    table = measure(arguments)
    if arguments.figure is not None:
        draw(table).savefig(arguments.figure, dpi=110)
    print(table.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
