"""Exponential moving average of the weights: what generators are judged by."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import TrainerCallback

from gds.errors import UserError
from gds.files import atomic_path

EMA_NAME = "ema.safetensors"


class EmaCallback(TrainerCallback):
    """Average the weights during training and leave the average in the model at the end.

    average <- d average + (1 - d) weights, with d = min(decay, (1 + step) / (10 + step)), so that the
    random start is soon forgotten. The average is written into every checkpoint and read back on resuming.

    Parameters
    ----------
    decay
        Between 0 and 1.
    """

    def __init__(self, decay: float = 0.999) -> None:
        if not 0 < decay < 1:
            raise UserError(f"ema decay: expected a number between 0 and 1, found {decay}")
        self.decay = decay
        self._average: dict[str, Tensor] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start from the weights, or from the checkpoint that training resumes from."""
        parameters = _parameters(kwargs["model"])
        if state.global_step == 0:
            self._average = {name: value.detach().clone().float() for name, value in parameters.items()}
            return
        path = _checkpoint_file(args, state)
        if not path.exists():
            raise UserError(
                f"{path} does not exist: training resumes from step {state.global_step} with averaged "
                "weights, which that checkpoint lacks; resume without the average or start anew"
            )
        loaded = load_file(path)
        self._average = {name: loaded[name].to(value.device) for name, value in parameters.items()}

    @torch.no_grad()
    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Move the average a little towards the weights."""
        decay = min(self.decay, (1 + state.global_step) / (10 + state.global_step))
        parameters = _parameters(kwargs["model"])
        averages = [self._average[name] for name in parameters]
        torch._foreach_lerp_(averages, [value.detach().float() for value in parameters.values()], 1 - decay)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Put the average into the checkpoint."""
        if state.is_world_process_zero:
            with atomic_path(_checkpoint_file(args, state)) as path:
                save_file({name: value.contiguous() for name, value in self._average.items()}, path)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Leave the average in the model."""
        with torch.no_grad():
            for name, value in _parameters(kwargs["model"]).items():
                value.copy_(self._average[name])
        self._average = {}

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """Evaluate the average inside the block; before and after training the model is left as it is."""
        if not self._average:
            yield
            return
        with torch.no_grad():
            parameters = _parameters(model)
            raw = {name: value.detach().clone() for name, value in parameters.items()}
            for name, value in parameters.items():
                value.copy_(self._average[name])
            try:
                yield
            finally:
                for name, value in parameters.items():
                    value.copy_(raw[name])


def _parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def _checkpoint_file(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}" / EMA_NAME
