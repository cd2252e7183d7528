"""Publish a model, or synthetic people, on the Hugging Face hub: private unless --public is given.

    gds push runs/finetuned/model my-lab/als-few-labels --dry-run
    gds push runs/finetuned/model my-lab/als-few-labels --data-use "Consent for research, cohort X." --license cc-by-4.0
    gds push --dataset synthetic.pgen my-lab/synthetic-als --metrics evaluation/metrics.json

Only weights, featurizer, configuration, record and card leave, each checked against what it may hold: no genotypes,
no ids, no labels, no checkpoint. What will leave is shown first; --dry-run ends there. Real people are never pushed.
"""

import argparse

from gds.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names", nargs="+", metavar="DIR ORG/NAME", help="the folder of a model and its name on the hub"
    )
    parser.add_argument(
        "--dataset",
        metavar="FILE",
        help="synthetic people by gds generate, in place of DIR: .pgen, .bed or .vcf.gz",
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

    wanted = 1 if args.dataset else 2
    if len(args.names) != wanted:
        raise UserError(
            f"expected {'one name, ORG/NAME, with --dataset' if args.dataset else 'DIR and ORG/NAME'}, found "
            f"{' '.join(args.names)}"
        )
    if args.out and not args.dry_run:
        raise UserError("--out goes with --dry-run")
    repo_id = args.names[-1]
    check_name(repo_id)
    with atomic_directory(args.out) if args.out else scratch() as folder:
        publication = _assemble(args, repo_id, Path(folder))
        kind = "dataset" if args.dataset else "model"
        print(f"{'public' if args.public else 'private'} {kind} {repo_id}, {len(publication.files)} files:")
        print("\n".join(publication.lines()))
        if args.public:
            print("--public: all of this can be read and copied by anyone, for good")
        if args.dry_run:
            print(f"dry run: nothing was sent{f'; the files are in {args.out}' if args.out else ''}")
            return
        address = send(
            publication, repo_id, private=not args.public, token=args.token, revision=args.revision,
            message=args.message, repo_type=kind,
        )  # fmt: skip
        print(f"pushed: {address}")


def _assemble(args: argparse.Namespace, repo_id: str, folder):
    """What would leave, in an empty folder."""
    if args.dataset:
        from gds.hub.dataset import assemble_dataset

        return assemble_dataset(
            args.dataset,
            folder,
            repo_id=repo_id,
            metrics=args.metrics,
            licence=args.license,
            data_use=args.data_use,
        )
    from gds.hub.model_folder import assemble_model

    return assemble_model(
        args.names[0], folder, repo_id=repo_id, min_allele_count=args.min_allele_count, metrics=args.metrics,
        licence=args.license, data_use=args.data_use, base_model=args.base_model,
    )  # fmt: skip
