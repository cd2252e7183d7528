"""How accuracy grows with the number of labels: every method, many choices of the labels, one picture.

    gds efficiency --data DIR --encoder DIR --budgets 5/class 10/class 10% all --seeds 10 --out DIR

Writes label_efficiency.csv (a row a method, number of labels, seed and metric), label_efficiency.png and
report.html. An interrupted study is resumed by the same command.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", required=True, metavar="DIR", help="a cohort made by gds prepare")
    parser.add_argument("--encoder", nargs="+", default=[], metavar="DIR", help="pre-trained models")
    parser.add_argument(
        "--budgets", nargs="+", default=["5/class", "10/class", "20/class", "all"], metavar="N",
        help="labels: 5/class, 100, 5%% or all (default 5/class 10/class 20/class all)",
    )  # fmt: skip
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="simple methods; default a short list")
    parser.add_argument(
        "--heads", nargs="+", metavar="NAME",
        help='on each encoder: probe, mixture, "LDA with PCs" (the default), "mixture of own covariances", '
        '"HWE-EM prior", fine-tuned, LoRA',
    )  # fmt: skip
    parser.add_argument(
        "--tune-views", action="store_true",
        help="choose layer, noise level and pooling of embeddings by folds of the labels",
    )  # fmt: skip
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="choices of labels (default 10)")
    parser.add_argument("--metric", choices=("accuracy", "auroc"), default="auroc", help="of the picture")
    parser.add_argument("--out", required=True, metavar="DIR", help="where results go")


def run(args: argparse.Namespace) -> None:
    from gds.features.dataset import PreparedCohort
    from gds.studies.label_efficiency.budgets import parse_budget
    from gds.studies.label_efficiency.methods import DEFAULT_HEADS, DEFAULT_METHODS, study_methods
    from gds.studies.label_efficiency.page import write_page
    from gds.studies.label_efficiency.run import run_label_efficiency

    methods = study_methods(
        args.methods or DEFAULT_METHODS,
        args.encoder,
        heads=args.heads or DEFAULT_HEADS,
        tune_views=args.tune_views,
    )
    budgets = [parse_budget(text) for text in args.budgets]
    cohort = PreparedCohort(args.data)
    table = run_label_efficiency(cohort, methods, budgets, range(args.seeds), folder=args.out)
    print(write_page(cohort, table, args.metric, Path(args.out)).to_string())
    print(f"report: {Path(args.out) / 'report.html'}")
