"""Predict people of a new cohort with a model that gds finetune left.

    gds predict --model runs/finetuned/model --genotypes new.vcf.gz --out table.tsv
    gds predict --model runs/finetuned/polygenic_scores/prs-ldpred-inf --genotypes new.vcf.gz --out table.tsv

The cohort is aligned to the model's variants: swapped alleles and strands are corrected, absent variants
are filled with training means, and all of it is counted. With --phenotypes and --label-column the
predictions are scored too. table.json beside the table holds the counts, the metrics and the record.
"""

import argparse

from gds.commands.new_cohort_arguments import add_new_cohort, alignment_options
from gds.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_new_cohort(parser)
    parser.add_argument("--label-column", metavar="NAME", help="known classes in --phenotypes, for metrics")
    parser.add_argument(
        "--prevalence", type=float, metavar="K",
        help="of the second class in the population: adds probabilities corrected from the case/control sample to it",
    )  # fmt: skip
    parser.add_argument("--out", required=True, metavar="FILE", help="table.tsv")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap intervals (default 0)")


def run(args: argparse.Namespace) -> None:
    from gds.repository import local_folder
    from gds.studies.new_cohort import open_new_cohort
    from gds.studies.prediction import load_classifier
    from gds.studies.prediction_table import write_predictions

    if not args.out.endswith(".tsv"):
        raise UserError(f"--out {args.out}: expected a name that ends in .tsv")
    if (args.phenotypes is None) != (args.label_column is None):
        raise UserError("metrics need both --phenotypes TABLE and --label-column NAME")
    args.model = str(local_folder(args.model))
    model = load_classifier(args.model)
    alignment = alignment_options(args)
    cohort = open_new_cohort(args.model, args.genotypes, alignment)
    print("\n".join(cohort.lines()))
    lines = write_predictions(
        args.model,
        model,
        cohort,
        args.out,
        alignment=alignment,
        phenotypes=args.phenotypes,
        label_column=args.label_column,
        id_column=args.id_column,
        prevalence=args.prevalence,
        seed=args.seed,
    )
    print("\n".join(lines))
    print(f"predictions: {args.out}")
