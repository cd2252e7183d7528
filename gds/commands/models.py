"""Print the presets of networks and their numbers of parameters.

    gds models --n-blocks 26624 --n-channels 8

Beside the sizes that the reference says of its networks stand ours at its 18,432 blocks of 8 components, and
those at the shape asked for. A preset is chosen by its name: gds pretrain --preset NAME, or preset: NAME in a
configuration file.
"""

import argparse

from gds.errors import UserError
from gds.models.presets import OBJECTIVES

REFERENCE_SHAPE = (18_432, 8)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--n-blocks", type=int, default=REFERENCE_SHAPE[0], help="default 18432")
    parser.add_argument("--n-channels", type=int, default=REFERENCE_SHAPE[1], help="default 8")
    parser.add_argument("--objective", choices=OBJECTIVES, default="diffusion", help="default diffusion")


def run(args: argparse.Namespace) -> None:
    from tqdm import tqdm

    from gds.models.parameter_count import preset_parameters
    from gds.models.presets import PRESETS, REFERENCE_MILLIONS

    if min(args.n_blocks, args.n_channels) < 1:
        raise UserError(f"expected at least one block and channel, found {args.n_blocks} x {args.n_channels}")
    shapes = list(dict.fromkeys([REFERENCE_SHAPE, (args.n_blocks, args.n_channels)]))
    rows = [
        [
            "preset",
            "backbone",
            "reference",
            *(f"{n_blocks:,} x {n_channels}" for n_blocks, n_channels in shapes),
        ]
    ]
    notes = []
    for name, options in tqdm(PRESETS.items(), desc="presets", leave=False, disable=None):
        millions = REFERENCE_MILLIONS.get(name)
        row = [name, str(options["backbone"]), "" if millions is None else f"{millions:g} M"]
        for n_blocks, n_channels in shapes:
            count, problem = preset_parameters(name, args.objective, n_blocks, n_channels)
            row.append("-" if count is None else f"{count:,}")
            if problem:
                notes.append(f"{name} at {n_blocks:,} x {n_channels}: {problem}")
        rows.append(row)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print(f"parameters by blocks x channels, {args.objective} objective")
    for name, backbone, *counts in rows:
        cells = [f"{count:>{width}}" for count, width in zip(counts, widths[2:], strict=True)]
        print("  ".join([f"{name:<{widths[0]}}", f"{backbone:<{widths[1]}}", *cells]))
    print("\n".join(notes), end="\n" if notes else "")
