"""Sample synthetic people from a pre-trained diffusion model and write them as genotype files.

    gds generate --model DIR --n 1000 --out synthetic.pgen

The same seed gives the same file. Beside the genotypes go synthetic.features.npy, the sampled
features before decoding, and synthetic.run.json, the record of the run.
"""

import argparse
from pathlib import Path

from gds.errors import UserError

SUFFIXES = (".pgen", ".bed", ".vcf.gz")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, metavar="DIR", help="pre-trained diffusion model")
    parser.add_argument("--n", type=int, default=1000, help="how many people (default 1000)")
    parser.add_argument("--steps", type=int, help="steps of the sampler (default: the model's)")
    parser.add_argument("--batch-size", type=int, default=256, help="people sampled at once (default 256)")
    parser.add_argument("--out", required=True, metavar="FILE", help="synthetic.pgen, .bed or .vcf.gz")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same file (default 0)")


def run(args: argparse.Namespace) -> None:
    import numpy as np

    from gds.files import all_or_none, atomic_path, write_json
    from gds.generation import GenotypeGenerator
    from gds.genotypes import write_genotypes
    from gds.provenance import run_record

    suffix = next((suffix for suffix in SUFFIXES if args.out.endswith(suffix)), None)
    if suffix is None:
        raise UserError(f"--out {args.out}: expected a name that ends in {', '.join(SUFFIXES)}")
    if args.n < 1:
        raise UserError(f"--n {args.n}: at least one person")
    generator = GenotypeGenerator.from_pretrained(args.model)
    features = generator.generate(
        args.n, seed=args.seed, num_inference_steps=args.steps, batch_size=args.batch_size
    )
    genotypes = generator.decode(features)
    provenance = f"gds generate --model {Path(args.model).name} --n {args.n} --seed {args.seed}"
    stem = args.out[: -len(suffix)]
    model_files = [Path(args.model) / "config.json", Path(args.model) / "model.safetensors"]
    with all_or_none():
        write_genotypes(genotypes, args.out, provenance=provenance)
        with atomic_path(f"{stem}.features.npy") as temporary:
            np.save(temporary, features)
        write_json(f"{stem}.run.json", run_record(args.seed, model_files, n=args.n, steps=args.steps))
    n_samples, n_variants = genotypes.dosage.shape
    print(f"{args.out}: {n_samples} synthetic people, {n_variants} variants")
