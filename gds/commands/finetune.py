"""Classify people with few labels and report beside honest baselines.

    python finetune/als.py --data DIR --encoder DIR [DIR ...] --n-labels 100 --augment 1
    python finetune/als.py --genotypes cohort.pgen --phenotypes table.tsv --label-column ALS --encoder DIR

Whatever is tuned is tuned by folds inside the few labels; the test people are predicted once. Without
arguments the simulated cohort and an encoder pre-trained on it are used, and made first where missing.
OUT/audit says whether the result is confounded, leaked or too good to be true (--no-audit leaves it out).
OUT/model is left for people of other cohorts (gds predict): the first encoder with its classifier, fitted
on the real labelled few without synthetic people. With --sumstats, OUT/polygenic_scores holds a folder a score.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gds.commands import arguments
from gds.errors import UserError

if TYPE_CHECKING:
    from gds.studies.few_labels.task import FewLabelTask
    from gds.studies.polygenic.published_weights import PublishedWeights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_cohort(parser)
    arguments.add_features(parser)
    parser.add_argument(
        "--encoder", nargs="+", metavar="DIR|ORG/NAME", help="pre-trained models, here or on the hub"
    )
    parser.add_argument(
        "--n-labels", type=int, default=100, help="labels that may be used (default 100; 0: all)"
    )
    parser.add_argument(
        "--method",
        choices=("listed", "auto"),
        default="listed",
        help="auto: also choose one of the simple methods by folds of the labels (two classes: ridge, unless another "
        "is better within batches by more than a standard error)",
    )
    parser.add_argument("--mode", choices=("probe", "full"), default="probe", help="default probe")
    parser.add_argument(
        "--augment", type=float, default=0.0, metavar="RATIO", help="synthetic people for each labelled one"
    )
    parser.add_argument("--guidance-scale", type=float, default=1.0, help="1 is none (default)")
    parser.add_argument(
        "--allow-transductive", action="store_true", help="test people may have been seen in pre-training"
    )
    parser.add_argument(
        "--encoder-prior", action="store_true",
        help="also HWE-EM whose prior are the genotypes that the encoder expects, and the same with components",
    )  # fmt: skip
    covariates = parser.add_argument_group("covariates, batches and ancestry")
    covariates.add_argument(
        "--adjust", nargs="+", default=[], metavar="COLUMN|pcs:K",
        help="also fit ridge and probes adjusted for these columns and the first K principal components",
    )  # fmt: skip
    covariates.add_argument(
        "--stratify", metavar="COLUMN",
        help="adjust for the levels of this column, and compare cases and controls of one level only",
    )  # fmt: skip
    covariates.add_argument(
        "--match", nargs="+", default=[], metavar="COLUMN",
        help="keep labelled and test people such that cases and controls are alike in these columns",
    )  # fmt: skip
    parser.add_argument(
        "--no-audit", dest="audit", action="store_false",
        help="do not look for confounding, relatives, selection and results above the ceiling",
    )  # fmt: skip
    biology = parser.add_argument_group("known biology")
    biology.add_argument(
        "--als-loci", action=argparse.BooleanOptionalAction, default=None,
        help="published ALS loci in this cohort, and the blocks that methods rest on (default: where the label column "
        "is called ALS)",
    )  # fmt: skip
    biology.add_argument(
        "--permutations", type=int, metavar="N",
        help="refits on permuted labels that blocks are compared with (default 19; with --mode full 0, for each is a "
        "training)",
    )  # fmt: skip
    published = parser.add_argument_group("published association results, of other people")
    published.add_argument(
        "--sumstats", metavar="FILE",
        help="GWAS-SSF, PLINK 2 --glm or PLINK 1.9 table: polygenic scores as baselines, and ridge regression that "
        "shrinks towards the published effects; its people must be others than this cohort's",
    )  # fmt: skip
    published.add_argument(
        "--sumstats-n", type=float, metavar="N",
        help="effective number of people, 4 / (1 / cases + 1 / controls) (default: the file's)",
    )  # fmt: skip
    published.add_argument(
        "--sumstats-build", metavar="BUILD", help="genome build of the table, e.g. hg38 (default: the file's)"
    )
    published.add_argument(
        "--sumstats-match-by", choices=("auto", "position", "id"), default="auto",
        help="default auto: by id if the builds are known to differ, otherwise by position",
    )  # fmt: skip
    arguments.add_output(parser, default="runs/finetuned")


def run(args: argparse.Namespace) -> None:
    from gds.studies.als.biology import add_als_biology, summary_lines
    from gds.studies.als.loci_table import is_als
    from gds.studies.few_labels.matching import matched_task
    from gds.studies.few_labels.model import model_folder, save_few_label_model
    from gds.studies.few_labels.report import write_few_label_report
    from gds.studies.few_labels.result import FewLabelOptions
    from gds.studies.few_labels.run import run_few_labels
    from gds.studies.few_labels.task import few_label_task
    from gds.studies.polygenic.model import save_polygenic_scores
    from gds.studies.polygenic.scores import add_polygenic_scores

    cohort, encoders = open_cohort_and_encoders(args)
    folder = model_folder(args.out, encoders)
    task = few_label_task(cohort, args.n_labels or None, seed=args.seed)
    if args.match:
        task = matched_task(task, args.match, args.seed)
    options = FewLabelOptions(
        args.mode, args.augment, args.guidance_scale, args.allow_transductive, args.seed, args.method,
        tuple(args.adjust), args.stratify, args.encoder_prior,
    )  # fmt: skip
    published = read_published(args, task)
    result = run_few_labels(task, encoders, options)
    if published is not None:
        add_polygenic_scores(task, result, published, args.seed)
    if args.als_loci or (args.als_loci is None and is_als(cohort.description.label_column)):
        biology = add_als_biology(task, result, encoders, n_permutations=args.permutations, seed=args.seed)
        print("\n".join(summary_lines(biology)))
    summary = write_few_label_report(task, result, options, encoders, args.out)
    model = save_few_label_model(task, result, options, encoders, folder)
    print("\n".join(summary))
    if model is not None:
        print(f"model: {model} ({result.classifier_name}; for new people: gds predict --model {model})")
    for score in save_polygenic_scores(task, result, args.seed, args.out):
        print(f"polygenic score: {score} (for new people: gds predict --model {score})")
    print(f"report: {Path(args.out) / 'report.html'}")
    if args.audit:
        from gds.studies.audit.few_labels import audit_few_labels

        print("\n".join(audit_few_labels(task, result, Path(args.out) / "audit", seed=args.seed)))


def read_published(args: argparse.Namespace, task: "FewLabelTask") -> "PublishedWeights | None":
    """What ``--sumstats`` gives the cohort's variants, printed; before anything long is computed."""
    if not args.sumstats:
        return None
    from gds.studies.polygenic.published_weights import SummaryOptions, published_weights

    options = SummaryOptions(args.sumstats, args.sumstats_n, args.sumstats_build, args.sumstats_match_by)
    published = published_weights(task, options)
    print("\n".join(published.lines))
    return published


def open_cohort_and_encoders(args: argparse.Namespace):
    """The cohort and encoder folders that the flags name; the default ones are made where missing."""
    import pandas as pd

    from gds.cli import run_command
    from gds.features.featurizer import Featurizer
    from gds.features.prepare import prepare_cohort
    from gds.repository import local_folder
    from gds.studies.run_folder import people_seen

    encoders = [local_folder(name) for name in args.encoder or []]
    for folder in encoders:
        if not (folder / "config.json").is_file():
            raise UserError(
                f"--encoder {folder}: no pre-trained model there (no config.json); make one: gds pretrain"
            )
    if not args.data and not args.genotypes:
        if not encoders:
            encoders = [Path("runs/pretrained")]
            if not (encoders[0] / "config.json").is_file() and (code := run_command("pretrain", [])):
                sys.exit(code)
        args.data = str(encoders[0] / "data")
    if (prepared := arguments.open_prepared(args)) is not None:
        return prepared, encoders
    for name, folder in zip(args.encoder or [], encoders, strict=False):
        if not (folder / "people.tsv").is_file():
            print(
                f"note: {name} does not say whom it was trained on, as no shared model does: if people of this cohort "
                "were among them, they may be tested on here"
            )
    wanted = [int(name[4:]) for name in args.adjust if name.startswith("pcs:") and name[4:].isdigit()]
    args.pcs = args.pcs or max(wanted, default=None)
    seen = pd.Index([]).append([people_seen(folder) for folder in encoders]).unique()
    featurizer = Featurizer.from_pretrained(encoders[0]) if encoders else None
    cohort = prepare_cohort(
        arguments.prepare_options(args), Path(args.out) / "data", featurizer=featurizer, never_test=list(seen)
    )
    return cohort, encoders
