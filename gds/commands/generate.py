"""Sample synthetic people from a pre-trained diffusion model and write them as genotype files.

    gds generate --model DIR --n 1000 --out synthetic.pgen
    gds generate --model DIR --n 1000 --label case=500 control=500 --guidance-scale 2 --out synthetic.pgen

The same seed gives the same file. Beside the genotypes go synthetic.features.npy, the sampled
features before decoding, synthetic.run.json, the record of the run, and with --label
synthetic.labels.tsv, the class of each person.
"""

import argparse
from pathlib import Path
from typing import Any

from gds.errors import UserError

SUFFIXES = (".pgen", ".bed", ".vcf.gz")


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
    parser.add_argument("--batch-size", type=int, default=256, help="people sampled at once (default 256)")
    parser.add_argument("--out", required=True, metavar="FILE", help="synthetic.pgen, .bed or .vcf.gz")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same file (default 0)")


def run(args: argparse.Namespace) -> None:
    import numpy as np

    from gds.files import all_or_none, atomic_path, sha256, write_json
    from gds.generation import GenotypeGenerator
    from gds.genotypes import write_genotypes
    from gds.provenance import run_record
    from gds.repository import local_folder

    suffix = next((suffix for suffix in SUFFIXES if args.out.endswith(suffix)), None)
    if suffix is None:
        raise UserError(f"--out {args.out}: expected a name that ends in {', '.join(SUFFIXES)}")
    if args.n < 1:
        raise UserError(f"--n {args.n}: at least one person")
    args.model = str(local_folder(args.model))
    generator = GenotypeGenerator.from_pretrained(args.model)
    names = label_names(generator.model.config)
    labels = None if args.label is None else labels_of(args.label, names, args.n)
    features = generator.generate(
        args.n,
        labels=labels,
        seed=args.seed,
        guidance_scale=args.guidance_scale,
        num_inference_steps=args.steps,
        batch_size=args.batch_size,
        temperature=args.temperature,
        corrector_sweeps=args.corrector_sweeps,
    )
    genotypes = generator.decode(features)
    weights = sha256(Path(args.model) / "model.safetensors")
    provenance = (
        f"gds generate --model {Path(args.model).name} --n {args.n} --seed {args.seed} "
        f"--guidance-scale {args.guidance_scale:g} --temperature {args.temperature:g} "
        f"--corrector-sweeps {args.corrector_sweeps} (weights SHA-256 {weights})"
    )
    stem = args.out[: -len(suffix)]
    model_files = [Path(args.model) / "config.json", Path(args.model) / "model.safetensors"]
    with all_or_none():
        write_genotypes(genotypes, args.out, provenance=provenance)
        with atomic_path(f"{stem}.features.npy") as temporary:
            np.save(temporary, features)
        if labels is not None:
            with atomic_path(f"{stem}.labels.tsv") as temporary:
                table = genotypes.samples[["id"]].assign(label=[names[label] for label in labels])
                table.to_csv(temporary, sep="\t", index=False)
        record = run_record(
            args.seed,
            model_files,
            n=args.n,
            steps=args.steps,
            labels=args.label,
            guidance_scale=args.guidance_scale,
            temperature=args.temperature,
            corrector_sweeps=args.corrector_sweeps,
        )
        write_json(f"{stem}.run.json", record)
    n_samples, n_variants = genotypes.dosage.shape
    print(f"{args.out}: {n_samples} synthetic people, {n_variants} variants")


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
