"""Sample synthetic people from a pre-trained model and write them as genotype files.

    gds generate --model DIR --n 1000 --out synthetic.pgen
    gds generate --model DIR --n 1000 --label case=500 control=500 --guidance-scale 2 --out synthetic.pgen
    torchrun --nproc_per_node 8 -m gds.cli generate --model DIR --n 100000 --out synthetic.pgen

The same seed gives the same file, whatever the number of processes. A run that was killed goes on with the same
command: finished batches lie in the hidden folder .synthetic.pgen.chunks until the file is whole. Beside the genotypes
go synthetic.run.json, the record of the run, and with --label synthetic.labels.tsv, the class of each person.
"""

import argparse
from pathlib import Path
from typing import Any

from gds.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, metavar="DIR", help="pre-trained diffusion model")
    parser.add_argument("--n", type=int, default=1000, help="how many people (default 1000)")
    parser.add_argument(
        "--label", nargs="+", metavar="NAME=N", help="classes of a conditional model, that add up to --n"
    )
    parser.add_argument(
        "--guidance-scale", type=float, default=1.0, help="strength of the class; 1 is none (default)"
    )
    parser.add_argument("--steps", type=int, help="steps of the sampler (default: the model's)")
    parser.add_argument(
        "--temperature",
        type=float,
        default=1.0,
        help="masked models: below 1, likelier genotypes more often than the model says; 1 is none (default)",
    )
    parser.add_argument(
        "--corrector-sweeps", type=int, default=0, metavar="N",
        help="masked models: hide and redraw every genotype N times at the end (default 0)",
    )  # fmt: skip
    parser.add_argument(
        "--batch-size",
        type=int,
        default=256,
        metavar="N",
        help="people sampled at once, and lost at most by a process that is killed (default 256)",
    )
    parser.add_argument(
        "--features", action="store_true", help="keep synthetic.features.npy, the features before decoding"
    )
    parser.add_argument(
        "--wait-minutes", type=float, default=720.0, metavar="N",
        help="under torchrun, for the other processes (default 720)",
    )  # fmt: skip
    parser.add_argument("--out", required=True, metavar="FILE", help="synthetic.pgen, .bed, .vcf.gz or .bcf")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same file (default 0)")


def run(args: argparse.Namespace) -> None:
    import numpy as np

    from gds.features.resources import Processes
    from gds.generation.chunks import Draw
    from gds.genotypes.write import ending_of
    from gds.models import GdsConfig
    from gds.repository import local_folder
    from gds.studies.synthetic.files import write_synthetic

    for name, value in (("--n", args.n), ("--batch-size", args.batch_size)):
        if value < 1:
            raise UserError(f"{name} {value}: at least one person")
    ending_of(args.out)
    folder = local_folder(args.model)
    names = label_names(GdsConfig.from_pretrained(folder))
    draw = Draw(
        n=args.n,
        batch_size=args.batch_size,
        seed=args.seed,
        labels=None if args.label is None else np.array(labels_of(args.label, names, args.n)),
        guidance_scale=args.guidance_scale,
        num_inference_steps=args.steps,
        temperature=args.temperature,
        corrector_sweeps=args.corrector_sweeps,
    )
    written = write_synthetic(
        folder,
        args.out,
        draw,
        name=Path(args.model).name,
        label_names=names,
        keep_features=args.features,
        processes=Processes.from_environment(timeout=60 * args.wait_minutes),
    )
    if written:
        print("\n".join(written))


def label_names(config: Any) -> list[str]:
    """Names of the classes that a model can be conditioned on; numbers where it has no names for them."""
    n_classes = config.n_condition_classes
    if len(config.id2label) == n_classes:
        return [config.id2label[index] for index in range(n_classes)]
    return [str(index) for index in range(n_classes)]


def labels_of(requests: list[str], names: list[str], n: int) -> list[int]:
    """Class of each person, of requests such as ``case=500`` in their order.

    Raises
    ------
    UserError
        The model is unconditional, a class is unknown, or the counts do not add up to ``n``.
    """
    if not names:
        raise UserError("--label: this model is unconditional: it was trained without classes")
    labels: list[int] = []
    for request in (part for text in requests for part in text.split(",")):
        name, _, count = request.rpartition("=")
        if name not in names:
            raise UserError(f"--label {request}: expected NAME=N with NAME one of {', '.join(names)}")
        if not count.isdigit():
            raise UserError(f"--label {request}: expected a whole number of people after =")
        labels += [names.index(name)] * int(count)
    if len(labels) != n:
        raise UserError(f"--label asks for {len(labels)} people in all, but --n for {n}: make them equal")
    return labels
