"""What must every preset at least need on a GPU? Counted, not measured.

    python benchmarks/denoiser_needs.py    # -> results/denoiser_needs.csv, seconds, no GPU

A training step at batch 64 in bfloat16 runs on tensors that have shapes and no content. Counted are the bytes that
autograd keeps for the backward pass (what a CPU's kernels would keep), four float32 numbers a parameter for weights,
gradients and AdamW, and the floating-point operations of a pass of the network, of which 1,000 people take 30,000.
An expectation and no more: buffers, fragmentation and speed are not in it; ``throughput.py`` measures those.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from gds.files import atomic_path
from gds.models import GdsForDiffusion
from gds.models.presets import PRESETS, preset_config
from gds.models.schedule import FEW_STEPS

OUT = Path(__file__).parent / "results" / "denoiser_needs.csv"
SHAPES = (18_432, 26_624)
PEOPLE = 1000
BYTES_A_PARAMETER = 16


def count(name: str, n_blocks: int, batch: int) -> dict[str, Any]:
    """One row."""
    kept: dict[int, Any] = {}
    with FakeTensorMode(allow_non_fake_inputs=True), torch.autocast("cpu", torch.bfloat16):
        model = GdsForDiffusion(preset_config(name, "diffusion", n_blocks=n_blocks, n_channels=8))
        weights = {value.untyped_storage()._cdata for value in model.parameters()}
        features, timestep = torch.empty(batch, n_blocks, 8), torch.zeros(batch, dtype=torch.int64)

        def keep(value: Tensor) -> Tensor:
            storage = value.untyped_storage()
            if storage._cdata not in weights:
                kept[storage._cdata] = storage  # held, so that no other storage takes its place
            return value

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
            model(features, timestep, timestep=timestep)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model.denoise(features, timestep)
    return {
        "preset": name, "blocks": n_blocks, "batch": batch, "parameters": model.num_parameters(),
        "state_gib": BYTES_A_PARAMETER * model.num_parameters() / 2**30,
        "kept_for_backward_gib": sum(storage.nbytes() for storage in kept.values()) / 2**30,
        "forward_gflop_per_person": counter.get_total_flops() / batch / 1e9,
        "pflop_for_1000_people": counter.get_total_flops() / batch * FEW_STEPS * PEOPLE / 1e15,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=64)
    batch = parser.parse_args().batch
    rows = [count(name, n_blocks, batch) for name in PRESETS for n_blocks in SHAPES]
    with atomic_path(OUT) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            print(row, flush=True)
            writer.writerow(
                {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()}
            )


if __name__ == "__main__":
    main()
