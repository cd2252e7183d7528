"""Pre-training from a prepared cohort to a folder that loads in one line."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from gds.errors import UserError
from gds.features.dataset import PreparedCohort
from gds.features.featurizer import Featurizer
from gds.files import read_json, write_json
from gds.models import GdsConfig, GdsForContrastive, GdsForDiffusion, GdsForMaskedModeling
from gds.studies.few_labels.label_provenance import LabelProvenance
from gds.studies.pretraining.config import PretrainConfig
from gds.studies.pretraining.folder import (
    claim_folder,
    pretraining_record,
    write_curves,
    write_people_seen,
)
from gds.studies.pretraining.initial_weights import InitialWeights
from gds.training import FeatureDataset, GdsTrainer
from gds.training.arguments import training_arguments
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
    claim_folder(folder, config, cohort, seed, initial)
    phased = config.objective == "contrastive" and cohort.description.phased
    model = new_model(config, featurizer, seed, initial, phased=phased)
    dataset, shape = without_labels(cohort.dataset()), featurizer.is_padding_.shape
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
        history = trainer.state.log_history
        write_curves(history, levels, folder)
        record = pretraining_record(
            config, cohort, seed, initial, model=trainer.model, history=history, steps=trainer.state.global_step,
            processes=trainer.accelerator.num_processes,
        )  # fmt: skip
        write_json(folder / "run.json", record)
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


def without_labels(dataset: Any) -> Any:
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
