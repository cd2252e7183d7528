"""Publish a model, or synthetic people, on the Hugging Face hub: private unless --public is given.

    gds push runs/finetuned/model my-lab/als-few-labels --dry-run
    gds push runs/finetuned/model my-lab/als-few-labels --data-use "Consent for research, cohort X." --license cc-by-4.0
    gds push --dataset synthetic.pgen my-lab/synthetic --metrics evaluation/metrics.json

Of a model only weights, featurizer, configuration, record and card leave, each checked against what it may hold:
no genotypes, no ids, no labels, no checkpoint. What will leave is shown first; --dry-run ends there. Real people are
never pushed.
"""

import argparse
from typing import TYPE_CHECKING

from gds.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from gds.hub.publication import Publication


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", nargs="?", help="the folder of a model")
    parser.add_argument("name", metavar="ORG/NAME", help="its name on the hub")
    parser.add_argument(
        "--dataset",
        metavar="FILE",
        help="in place of DIR: synthetic people by gds generate, .pgen or .vcf.gz",
    )
    parser.add_argument("--public", action="store_true", help="anyone may read it (default: private)")
    parser.add_argument("--dry-run", action="store_true", help="show what would leave, and send nothing")
    parser.add_argument(
        "--out", metavar="DIR", help="with --dry-run: keep what would leave in this new folder"
    )
    parser.add_argument(
        "--min-allele-count", type=int, default=10, metavar="N",
        help="variants with fewer copies of the rarer allele lose frequency and loadings (default 10)",
    )  # fmt: skip
    parser.add_argument(
        "--metrics",
        nargs="+",
        default=[],
        metavar="FILE",
        help="metrics.json files for the card (default: beside it)",
    )
    parser.add_argument("--license", default="other", metavar="ID", help="e.g. cc-by-4.0 (default other)")
    parser.add_argument(
        "--data-use", metavar="TEXT", help="statement for the card: whose data, which consent"
    )
    parser.add_argument("--base-model", metavar="ORG/NAME", help="of an adapter: what it adapts, on the hub")
    parser.add_argument("--revision", metavar="BRANCH", help="default main")
    parser.add_argument("--message", metavar="TEXT", help="of the commit")
    parser.add_argument("--token", help="default: HF_TOKEN, or what hf auth login stored")


def run(args: argparse.Namespace) -> None:
    from pathlib import Path

    from gds.files import atomic_directory
    from gds.hub.publication import scratch
    from gds.hub.push import check_name, send

    if (args.folder is None) == (args.dataset is None):
        raise UserError("give the folder of a model and its name, or --dataset FILE and a name")
    if args.out and not args.dry_run:
        raise UserError("--out goes with --dry-run")
    check_name(args.name)
    with atomic_directory(args.out) if args.out else scratch() as folder:
        kind = "model" if args.dataset is None else "dataset"
        publication = _assemble(args, Path(folder))
        print(f"{'public' if args.public else 'private'} {kind} {args.name}, {len(publication.files)} files:")
        print("\n".join(publication.lines()))
        if args.public:
            print("--public: all of this can be read and copied by anyone, for good")
        if args.dry_run:
            print(f"dry run: nothing was sent{f'; the files are in {args.out}' if args.out else ''}")
            return
        address = send(
            publication, args.name, private=not args.public, token=args.token, revision=args.revision,
            message=args.message, repo_type=kind,
        )  # fmt: skip
        print(f"pushed: {address}")


def _assemble(args: argparse.Namespace, folder: "Path") -> "Publication":
    """What would leave, in an empty folder."""
    about = {
        "repo_id": args.name,
        "metrics": args.metrics,
        "licence": args.license,
        "data_use": args.data_use,
    }
    if args.dataset is not None:
        from gds.hub.dataset import assemble_dataset

        return assemble_dataset(args.dataset, folder, **about)
    from gds.hub.model_folder import assemble_model

    return assemble_model(
        args.folder, folder, min_allele_count=args.min_allele_count, base_model=args.base_model, **about
    )
