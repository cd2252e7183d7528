"""How fast does every preset train and sample, and how much of the machine does it use?

    OMP_NUM_THREADS=2 python benchmarks/throughput.py --batch 1 --steps 1                # CPU, all presets, short
    OMP_NUM_THREADS=2 python benchmarks/throughput.py --batch 8 --presets transformer --blocks 18432 --profile
    python benchmarks/throughput.py --batch 64 --steps 20 --bf16 --compile               # a GPU, all presets

Diffusion at 18,432 and 26,624 blocks of 8 components, on random features. A training step is forward, backward,
clipping and fused AdamW. A sampling pass is one evaluation of the network; people a second are those of the 30
passes that the default solver takes, whose own arithmetic is elementwise and not timed. Floating-point operations
are counted by torch (matrix products, convolutions, attention) and divided by the rate of a large matrix product
measured just before in the same precision. Few steps, the median of them: on a shared CPU expect a third more
or less. Every row is a process of its own, so that its peak memory is its own, and is written as it comes; rows
that stand in the file are not measured again unless asked ``--again``. ``--profile`` prints which operations a
training step spends its time on. Needs torch, transformers and this package only.
"""

import argparse
import csv
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from gds.files import atomic_path
from gds.models import GdsForDiffusion
from gds.models.presets import PRESETS, preset_config
from gds.models.randomness import draw_keys
from gds.models.schedule import FEW_STEPS

RESULTS = Path(__file__).parent / "results"
SHAPES = (18_432, 26_624)


def seconds(function: Callable[[], object], steps: int, device: str) -> float:
    """Median time of a call, after one to warm up."""
    found = []
    for _ in range(steps + 1):
        if device == "cuda":
            torch.cuda.synchronize()
        started = time.perf_counter()
        function()
        if device == "cuda":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - started)
    return median(found[1:])


def matmul_peak(device: str, dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large square matrix product."""
    n = 8192 if device == "cuda" else 1024
    left, right = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    return 2 * n**3 / seconds(lambda: left @ right, 10, device)


def peak_megabytes(device: str) -> float:
    """Of the GPU since the last reset, or of the process so far."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, n_blocks: int, args: argparse.Namespace, device: str) -> dict[str, Any]:
    peak = matmul_peak(device, torch.bfloat16 if args.bf16 else torch.float32)
    torch.manual_seed(0)
    with torch.device(device):
        model = GdsForDiffusion(preset_config(name, "diffusion", n_blocks=n_blocks, n_channels=8))
    network: Any = torch.compile(model) if args.compile else model
    features = torch.randn(args.batch, n_blocks, 8, device=device)
    keys = draw_keys(0, 0, torch.arange(args.batch, device=device))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def precision() -> AbstractContextManager:
        return torch.autocast(device, dtype=torch.bfloat16) if args.bf16 else nullcontext()

    def train() -> None:
        with precision():
            loss = network(features, keys).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()

    @torch.no_grad()
    def denoise() -> None:
        with precision():
            model.denoise(features, torch.full_like(keys, 100))

    with FlopCounterMode(display=False) as counter, precision():
        model(features, keys).loss.backward()
    model.zero_grad()
    flops = counter.get_total_flops()
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    model.train()
    step = seconds(train, args.steps, device)
    memory = peak_megabytes(device)
    if args.profile:
        activity = getattr(torch.profiler.ProfilerActivity, device.upper())
        with torch.profiler.profile(activities=[activity]) as profile:
            train()
        print(
            profile.key_averages().table(
                sort_by=f"self_{'cpu' if device == 'cpu' else 'device'}_time_total", row_limit=15
            )
        )
    model.eval()
    sampling = seconds(denoise, args.steps, device)
    return {
        "preset": name, "blocks": n_blocks, "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "threads": torch.get_num_threads(), "precision": "bf16" if args.bf16 else "float32",
        "compiled": bool(args.compile), "batch": args.batch, "steps": args.steps,
        "parameters": model.num_parameters(), "train_people_per_second": args.batch / step,
        "sampled_people_per_second": args.batch / (sampling * FEW_STEPS), "peak_megabytes": memory,
        "train_gflop_per_person": flops / args.batch / 1e9, "matmul_gflops": peak / 1e9,
        "flop_utilisation": flops / step / peak,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--presets", nargs="+", choices=list(PRESETS), default=list(PRESETS))
    parser.add_argument("--blocks", nargs="+", type=int, default=SHAPES)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--again", action="store_true", help="measure rows that the file has already")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    out = RESULTS / f"throughput_{device}.csv"
    rows: dict[tuple[str, int, int], dict[str, Any]] = {}
    if out.is_file():
        with out.open(newline="") as file:
            rows = {
                (row["preset"], int(row["blocks"]), int(row["batch"])): row for row in csv.DictReader(file)
            }
    spawn = multiprocessing.get_context("spawn")
    for name in args.presets:
        for n_blocks in args.blocks:
            if (name, n_blocks, args.batch) in rows and not args.again:
                continue
            with ProcessPoolExecutor(1, spawn) as process:
                row = process.submit(measure, name, n_blocks, args, device).result()
            rows[name, n_blocks, args.batch] = {
                key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()
            }
            print(row, flush=True)
            with atomic_path(out) as temporary, temporary.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
                writer.writerows(rows[key] for key in sorted(rows, key=_order))


def _order(key: tuple[str, int, int]) -> tuple[int, int, int]:
    return list(PRESETS).index(key[0]), *key[1:]


if __name__ == "__main__":
    main()
