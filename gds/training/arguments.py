"""transformers.TrainingArguments with what every run of ours has in common."""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from gds.errors import UserError, did_you_mean
from gds.repository import refuse_upload

# Processes that gather batches while the GPU computes.
LOADING_WORKERS = 2


def loading_options(on_gpu: bool) -> dict[str, Any]:
    """How batches reach the device, as fields of :class:`transformers.TrainingArguments`.

    For a GPU they are gathered by other processes, into pinned memory, and copied while it computes. On a CPU
    such processes would only compete with the training, and torch warns about pinned memory.
    """
    if not on_gpu:
        return {"dataloader_pin_memory": False}
    return {
        "dataloader_pin_memory": True, "dataloader_num_workers": LOADING_WORKERS,
        "dataloader_persistent_workers": True, "accelerator_config": {"non_blocking": True},
    }  # fmt: skip


def training_arguments(folder: str | Path, *, seed: int, **values: Any) -> TrainingArguments:
    """Arguments of one run.

    Parameters
    ----------
    folder
        Where checkpoints and tensorboard's ``runs`` go.
    seed
        Of initial weights, order of people and, through the draw keys, of all noise and masks.
    **values
        Fields of :class:`transformers.TrainingArguments`.

    Raises
    ------
    UserError
        A field does not exist or has a value that transformers refuses.
    """
    known = {item.name for item in dataclasses.fields(TrainingArguments)}
    for name in values:
        if name not in known:
            raise UserError(f"training argument {name!r} does not exist; {did_you_mean(name, known)}")
    if values.get("push_to_hub"):
        refuse_upload()
    values = {**loading_options(torch.cuda.is_available() and not values.get("use_cpu")), **values}
    if values.get("dataloader_num_workers") == 0:
        values["dataloader_persistent_workers"] = False
    try:
        return TrainingArguments(output_dir=str(folder), seed=seed, data_seed=seed, **values)
    except (TypeError, ValueError) as error:
        raise UserError(f"training arguments: {error}") from error
