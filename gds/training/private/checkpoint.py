"""An interrupted private run: weights, optimiser, average and account, in safetensors and JSON alone."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gds.files import RUN_RECORD, atomic_directory, read_json, write_json

_WEIGHTS, _OPTIMISER, _AVERAGE = "weights.safetensors", "optimiser.safetensors", "average.safetensors"


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes
    ----------
    step
        Steps taken.
    account
        ``Account.state`` after them.
    history
        What was logged.
    """

    step: int
    account: list[list[Any]]
    history: list[dict[str, Any]]


def save_checkpoint(
    folder: Path,
    progress: Progress,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: dict[str, Tensor] | None,
) -> None:
    """Write ``folder/step-N``, whole, and then remove the one before."""
    earlier = _checkpoints(folder)
    with atomic_directory(folder / f"step-{progress.step:08d}") as temporary:
        save_file(
            {name: value.contiguous() for name, value in model.state_dict().items()}, temporary / _WEIGHTS
        )
        save_file(_flat(optimiser), temporary / _OPTIMISER)
        if average is not None:
            save_file({name: value.contiguous() for name, value in average.items()}, temporary / _AVERAGE)
        write_json(temporary / RUN_RECORD, vars(progress))
    for path in earlier:
        if path.name != f"step-{progress.step:08d}":
            shutil.rmtree(path, ignore_errors=True)


def load_checkpoint(
    folder: Path, model: nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[Progress, dict[str, Tensor] | None] | None:
    """Restore the newest checkpoint; None where there is none."""
    found = _checkpoints(folder)
    if not found:
        return None
    newest = found[-1]
    model.load_state_dict(load_file(newest / _WEIGHTS))
    _restore(optimiser, load_file(newest / _OPTIMISER))
    average = load_file(newest / _AVERAGE) if (newest / _AVERAGE).is_file() else None
    return Progress(**read_json(newest / RUN_RECORD)), average


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step-*[0-9]") if (path / RUN_RECORD).is_file())


def _flat(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """State of each parameter by its number and name."""
    return {
        f"{number}.{name}": torch.as_tensor(value).contiguous()
        for number, state in optimiser.state_dict()["state"].items()
        for name, value in state.items()
    }


def _restore(optimiser: torch.optim.Optimizer, flat: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in flat.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
