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


class WeightAverage:
    """The average itself.

    average <- d average + (1 - d) weights, with d = min(decay, (1 + step) / (10 + step)), so that the
    random start is soon forgotten.

    Parameters
    ----------
    decay
        Between 0 and 1.
    model
        Whose trained weights are averaged.
    values
        Of an interrupted run, by name; None to start from the weights.
    """

    def __init__(self, decay: float, model: nn.Module, values: dict[str, Tensor] | None = None) -> None:
        self.decay, self.model = _checked(decay), model
        start = {name: value.detach().clone().float() for name, value in self._parameters().items()}
        if values is not None:
            start = {name: values[name].to(value.device) for name, value in start.items()}
        self.values = start

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move a little towards the weights after a step."""
        decay = min(self.decay, (1 + step) / (10 + step))
        parameters = self._parameters()
        averages = [self.values[name] for name in parameters]
        torch._foreach_lerp_(averages, [value.detach().float() for value in parameters.values()], 1 - decay)

    @torch.no_grad()
    def leave_in_model(self) -> None:
        """Put the average in the place of the weights."""
        for name, value in self._parameters().items():
            value.copy_(self.values[name])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Evaluate the average inside the block."""
        parameters = self._parameters()
        raw = {name: value.detach().clone() for name, value in parameters.items()}
        self.leave_in_model()
        try:
            yield
        finally:
            with torch.no_grad():
                for name, value in parameters.items():
                    value.copy_(raw[name])

    def _parameters(self) -> dict[str, nn.Parameter]:
        return {name: value for name, value in self.model.named_parameters() if value.requires_grad}


class EmaCallback(TrainerCallback):
    """Average the weights during training and leave the average in the model at the end.

    The average (:class:`WeightAverage`) is written into every checkpoint and read back on resuming.

    Parameters
    ----------
    decay
        Between 0 and 1.
    """

    def __init__(self, decay: float = 0.999) -> None:
        self.decay = _checked(decay)
        self._average: WeightAverage | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start from the weights, or from the checkpoint that training resumes from."""
        if state.global_step == 0:
            self._average = WeightAverage(self.decay, kwargs["model"])
            return
        path = _checkpoint_file(args, state)
        if not path.exists():
            raise UserError(
                f"{path} does not exist: training resumes from step {state.global_step} with averaged "
                "weights, which that checkpoint lacks; resume without the average or start anew"
            )
        self._average = WeightAverage(self.decay, kwargs["model"], load_file(path))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Move the average a little towards the weights."""
        assert self._average is not None
        self._average.update(state.global_step)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Put the average into the checkpoint."""
        if state.is_world_process_zero:
            assert self._average is not None
            with atomic_path(_checkpoint_file(args, state)) as path:
                save_file({name: value.contiguous() for name, value in self._average.values.items()}, path)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Leave the average in the model."""
        assert self._average is not None
        self._average.leave_in_model()
        self._average = None

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """Evaluate the average inside the block; before and after training the model is left as it is."""
        if self._average is None:
            yield
            return
        with self._average.applied():
            yield


def _checked(decay: float) -> float:
    if not 0 < decay < 1:
        raise UserError(f"ema decay: expected a number between 0 and 1, found {decay}")
    return decay


def _checkpoint_file(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}" / EMA_NAME
