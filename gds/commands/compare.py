"""Compare two or more runs of gds pretrain or gds finetune in one picture and one page.

    gds compare runs/transformer runs/unet --out runs/compared

Losses and accuracies of training and validation people, gradient norm, throughput, reconstruction error
against noise level, metrics on test people, and every option that was set differently.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders that the runs left (--out)")
    parser.add_argument(
        "--out", "--output-dir", dest="out", required=True, metavar="DIR", help="where results go"
    )


def run(args: argparse.Namespace) -> None:
    from gds.studies.compare_runs import compare_runs

    print("\n".join(compare_runs(args.runs, args.out)))
    print(f"report: {Path(args.out) / 'report.html'}")
