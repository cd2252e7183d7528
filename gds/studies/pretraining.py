"""Pre-training from a prepared cohort to a folder that loads in one line."""

import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from gds.errors import UserError
from gds.features.dataset import PreparedCohort
from gds.features.featurizer import Featurizer
from gds.files import atomic_path, read_json, write_json
from gds.models import GdsConfig, GdsForContrastive, GdsForDiffusion, GdsForMaskedModeling
from gds.provenance import run_record
from gds.report.run_figures import RunCurves, learning_curves
from gds.studies.initial_weights import InitialWeights
from gds.studies.label_provenance import LabelProvenance
from gds.studies.pretrain_config import PretrainConfig
from gds.training import FeatureDataset, GdsTrainer
from gds.training.arguments import training_arguments
from gds.training.curves import curve_records
from gds.training.ema import EMA_NAME
from gds.training.noise_levels import reconstruction_by_timestep

MODELS: dict[str, Any] = {
    "diffusion": GdsForDiffusion, "masked": GdsForMaskedModeling, "contrastive": GdsForContrastive,
}  # fmt: skip
INPUT_KINDS = {"pca": "continuous", "tokens": "tokens"}


def pretrain(
    config: PretrainConfig,
    cohort: PreparedCohort,
    folder: str | Path,
    *,
    seed: int = 0,
    initial: InitialWeights | None = None,
) -> Path:
    """Train on the cohort's training people; validation people are only scored.

    Labels are not read. An interrupted run is continued from its last checkpoint. ``initial`` is a model to start
    from; None for new weights.

    Returns
    -------
    pathlib.Path
        The folder: ``config.json``, ``model.safetensors``, the featurizer, ``scheduler_config.json`` for
        diffusion with ``noise_levels.csv``, ``curves.png`` and ``curves.csv``, ``run.json``,
        ``label_provenance.json`` and the local ``people.tsv``.

    Raises
    ------
    UserError
        The features do not fit the objective, or the folder holds a run with another configuration.
    """
    folder = Path(folder)
    featurizer = cohort.featurizer()
    _claim(folder, config, cohort, seed, initial)
    phased = config.objective == "contrastive" and cohort.description.phased
    model = new_model(config, featurizer, seed, initial, phased=phased)
    dataset, shape = _without_labels(cohort.dataset()), featurizer.is_padding_.shape
    train = FeatureDataset(dataset["train"], *shape, phased=phased)
    if config.objective == "masked" and featurizer.kind == "tokens":
        model.set_major_genotype(train.most_frequent_dosage())
    arguments = dict(config.training)
    ema_decay = arguments.pop("ema_decay", None)
    trainer = GdsTrainer(
        model=model,
        args=training_arguments(folder / "checkpoints", seed=seed, **arguments),
        train_dataset=train,
        eval_dataset=FeatureDataset(dataset["validation"], *shape, phased=phased),
        ema_decay=ema_decay,
    )
    _check_batch(trainer.args, len(train))
    trainer.train(resume_from_checkpoint=last_checkpoint(folder / "checkpoints", ema_decay is not None))
    trainer.save_model(str(folder))
    # On every process: sharded weights can only be used together.
    levels = None
    if config.objective == "diffusion" and len(trainer.eval_dataset):
        levels = reconstruction_by_timestep(model, trainer.eval_dataset, seed=seed)
    if trainer.is_world_process_zero():
        (folder / "training_args.bin").unlink(missing_ok=True)  # a pickle; the record below says it all
        featurizer.save_pretrained(folder)
        write_people_seen(cohort, folder, initial)
        LabelProvenance().write(folder)  # no label was read
        _write_curves(trainer.state.log_history, levels, folder)
        write_json(folder / "run.json", _record(config, cohort, seed, trainer, initial))
    return folder


def new_model(
    config: PretrainConfig,
    featurizer: Featurizer,
    seed: int,
    initial: InitialWeights | None = None,
    *,
    phased: bool = False,
) -> Any:
    """A model of the objective whose shape is that of the features, untrained or with initial weights.

    One that is trained on single haplotypes (``phased``) must read people too, who are heterozygous.
    """
    from transformers import set_seed

    kind = featurizer.kind
    if config.objective == "diffusion" and kind != "pca":
        raise UserError(
            f"the diffusion objective needs component scores: prepare with --features pca, not {kind}"
        )
    n_blocks, n_channels = featurizer.is_padding_.shape
    set_seed(seed)
    try:
        model_config = GdsConfig(
            input_kind=INPUT_KINDS[kind],
            n_blocks=n_blocks,
            n_channels=n_channels,
            mask_channels=config.objective != "diffusion" and kind == "pca",
            **{"additive_dosage": phased and kind == "tokens", **config.model},
        )
    except UserError as error:
        raise UserError(
            f"preset {config.preset!r} with the options of the model section does not fit {n_blocks} blocks of "
            f"{n_channels} channels: {error}"
        ) from error
    if initial is not None:
        return initial.load(MODELS[config.objective], model_config, featurizer)
    model = MODELS[config.objective](model_config)
    model.gds.set_padding(featurizer.is_padding_)
    return model


def _without_labels(dataset: Any) -> Any:
    """Pre-training reads no label: the column does not even enter it."""
    read = ("features", "first_haplotype")
    return dataset.remove_columns([name for name in dataset["train"].column_names if name not in read])


def last_checkpoint(folder: Path, averaged: bool = False) -> str | None:
    """Newest complete checkpoint of an interrupted run, if there is one.

    The Trainer writes its state after weights and optimizer, and the average comes last: where they are whole,
    the checkpoint is. A full disk leaves incomplete ones behind.

    Parameters
    ----------
    folder
        Of the checkpoints; it may be absent.
    averaged
        Whether the run keeps an average of its weights.
    """
    from transformers.trainer import TRAINER_STATE_NAME

    numbered = [(int(path.name.rpartition("-")[2]), path) for path in folder.glob("checkpoint-*[0-9]")]
    for _, path in sorted(numbered, reverse=True):
        if averaged and not (path / EMA_NAME).is_file():
            continue
        with suppress(UserError):
            read_json(path / TRAINER_STATE_NAME)
            return str(path)
    return None


def _check_batch(args: Any, n_people: int) -> None:
    """Without the last, incomplete batch there may be none at all."""
    batch = args.train_batch_size * args.world_size
    if args.dataloader_drop_last and n_people < batch:
        raise UserError(
            f"{n_people} training people do not fill a batch of {batch}: set "
            "training.per_device_train_batch_size to fewer, or training.dataloader_drop_last=false"
        )


def _claim(
    folder: Path, config: PretrainConfig, cohort: PreparedCohort, seed: int, initial: InitialWeights | None
) -> None:
    """Mark the folder as that of this run, so that only the same run is ever resumed in it."""
    description = {
        **asdict(config),
        "seed": seed,
        "features": cohort.description.featurizer_fingerprint,
        "training_people": len(cohort.ids("train")),
        **({} if initial is None else {"initial weights": initial.record()["weights"]}),
    }
    claim = folder / "checkpoints" / "pretraining.json"
    if not claim.is_file():
        write_json(claim, description)
        return
    found = read_json(claim)
    changed = sorted(key for key in description if found.get(key) != description[key])
    if changed:
        raise UserError(
            f"{folder} holds a run with other {', '.join(changed)}: choose another --output-dir, "
            f"or delete {claim.parent} to start anew"
        )


def write_people_seen(cohort: PreparedCohort, folder: Path, initial: InitialWeights | None = None) -> None:
    """``people.tsv``: who was trained on and who was scored. Local; no push takes it along."""
    people = cohort.people[cohort.people["split"] != "test"]
    roles = people["split"].map({"train": "featurizer and training", "validation": "validation loss"})
    if initial is not None:
        before = initial.people().difference(roles.index)
        roles = pd.concat([roles, pd.Series("initial weights", index=before)])
    with atomic_path(folder / "people.tsv") as temporary:
        pd.DataFrame({"used_for": roles}).to_csv(temporary, sep="\t", index_label="id")


def _write_curves(history: list[dict[str, Any]], levels: pd.DataFrame | None, folder: Path) -> None:
    """The curves and the errors by noise level as tables, and all as a picture."""
    if levels is not None:
        with atomic_path(folder / "noise_levels.csv") as temporary:
            levels.to_csv(temporary, index=False)
    records = curve_records(history)
    with atomic_path(folder / "curves.csv") as temporary:
        records.to_csv(temporary, index=False)
    with atomic_path(folder / "curves.png") as temporary:
        learning_curves({"validation": RunCurves(records, levels)}).savefig(temporary, dpi=150)


def _record(
    config: PretrainConfig,
    cohort: PreparedCohort,
    seed: int,
    trainer: Any,
    initial: InitialWeights | None,
) -> dict[str, Any]:
    """How to make the model again, and how well it fits; nothing about an individual."""
    state = trainer.state
    last = {
        key: value for entry in state.log_history for key, value in entry.items() if key.startswith("eval_")
    }
    return run_record(
        seed,
        [cohort.folder / "cohort.json"],
        config=asdict(config),
        genome_build=cohort.description.genome_build,
        label_column=cohort.description.label_column,
        parameters=sum(parameter.numel() for parameter in trainer.model.parameters()),
        training_people=len(cohort.ids("train")),
        validation_people=len(cohort.ids("validation")),
        steps=state.global_step,
        processes=trainer.accelerator.num_processes,
        final=last,
        init_from=None if initial is None else initial.record(),
    )


def check_processes(state: Any) -> None:
    """Refuse a launch that asked for several processes and got one.

    Raises
    ------
    UserError
        ``WORLD_SIZE`` and the number of processes that accelerate sees differ.
    """
    asked = int(os.environ.get("WORLD_SIZE", "1"))
    if asked != state.num_processes:
        raise UserError(
            f"{asked} processes were launched but accelerate sees {state.num_processes}: on CPUs use "
            "ACCELERATE_USE_CPU=true torchrun --nproc_per_node N pretrain/run.py"
        )
