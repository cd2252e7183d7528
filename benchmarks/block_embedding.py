"""What does an own dense layer for every gene cost, as one batched product and with broadcast weights?

    OMP_NUM_THREADS=1 python benchmarks/block_embedding.py    # -> results/block_embedding.csv

The reference gives every sample a copy of all weights: ``torch.matmul`` of (sample, block, 1, in) and (block, in,
out), which copies the weights for each sample, or the elementwise product summed over the inputs. ``BlockLinear``
is one batched product over blocks. Forward and backward of the layer alone, without a loss, in float32, the better
of two after one to warm up, gradients cleared before each as the trainer does; memory is how much the process grows
(peak resident size), each form in a process of its own. Every form has to return its output and the gradients of
weights, biases and input; the working memory is what a form takes beyond these. Batches of 16, and of 64, which is
what runs train with unless told otherwise.
"""

import argparse
import csv
import itertools
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from gds.files import atomic_path
from gds.models.embedding import BlockLinear

RESULTS = Path(__file__).parent / "results" / "block_embedding.csv"
# Name -> positions, inputs, outputs: before the per-gene U-Net at 18,432 genes of 8 components.
LAYERS = {"8 to 64": (18_432, 8, 64)}
FORMS = ("batched", "broadcast matmul", "broadcast product")


def apply(form: str, layer: BlockLinear, hidden: Tensor) -> Tensor:
    """(batch, position, in) to (batch, position, out)."""
    if form == "batched":
        return layer(hidden)
    if form == "broadcast matmul":
        return torch.matmul(hidden.unsqueeze(2), layer.weight).squeeze(2) + layer.bias
    return (hidden.unsqueeze(-1) * layer.weight).sum(dim=2) + layer.bias


def measure(name: str, form: str, batch: int) -> tuple[float, float]:
    """Seconds of a forward and backward pass, and MB that the process grew by."""
    torch.manual_seed(0)
    layer = BlockLinear(*LAYERS[name])
    torch.nn.init.normal_(layer.weight, std=0.1)
    torch.nn.init.zeros_(layer.bias)
    hidden = torch.randn(batch, *LAYERS[name][:2], requires_grad=True)
    upstream = torch.randn(batch, LAYERS[name][0], LAYERS[name][2])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(3):
        layer.weight.grad = layer.bias.grad = hidden.grad = None
        started = time.perf_counter()
        apply(form, layer, hidden).backward(upstream)
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:]), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def results_megabytes(name: str, batch: int) -> float:
    """What any form returns: the output, and the gradients of weights, biases and input, in float32."""
    n_positions, in_size, out_size = LAYERS[name]
    numbers = n_positions * (batch * (out_size + in_size) + (in_size + 1) * out_size)
    return 4 * numbers / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batches", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)  # a single form, in its own process
    arguments = parser.parse_args()
    if arguments.one:
        name, form, batch = arguments.one
        print(*measure(name, form, int(batch)))
        return
    rows = []
    for name, batch in itertools.product(LAYERS, arguments.batches):
        found = {}
        for form in FORMS:
            command = [sys.executable, __file__, "--one", name, form, str(batch)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[form] = tuple(map(float, done.stdout.split()))
        shared = results_megabytes(name, batch)
        own_seconds, own_megabytes = found["batched"]
        for form, (seconds, megabytes) in found.items():
            rows.append(
                [name, batch, form, f"{seconds:.4f}", f"{megabytes:.0f}", f"{megabytes - shared:.0f}",
                 f"{seconds / own_seconds:.1f}", f"{megabytes / own_megabytes:.1f}",
                 f"{(megabytes - shared) / (own_megabytes - shared):.1f}"]
            )  # fmt: skip
    with atomic_path(RESULTS) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["layer", "batch", "form", "seconds", "megabytes", "working_megabytes", "times_slower", "times_larger",
             "times_larger_working"]
        )  # fmt: skip
        writer.writerows(rows)
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
