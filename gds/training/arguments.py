"""transformers.TrainingArguments with what every run of ours has in common."""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from gds.errors import UserError, did_you_mean
from gds.repository import refuse_upload


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
    # Pinned memory serves transfers to a GPU; without one torch warns about it at every loader.
    values.setdefault("dataloader_pin_memory", torch.cuda.is_available())
    try:
        return TrainingArguments(output_dir=str(folder), seed=seed, data_seed=seed, **values)
    except (TypeError, ValueError) as error:
        raise UserError(f"training arguments: {error}") from error
