"""Judge synthetic genotypes: fidelity and privacy, each figure beside its references.

    gds evaluate --real train.pgen --holdout test.pgen --synthetic synthetic.pgen --out runs/evaluation

Classifiers trained on synthetic people and tested on held-out ones, with labels:

    gds evaluate ... --labels real.tsv --synthetic-labels synthetic.tsv --label-column population

Membership inference by the loss of the model itself, which trains shadow models (they are kept in --out):

    gds evaluate ... --model runs/pretrained --shadow-models 4

Works on the files of any generator (.pgen, .bed, .vcf.gz, .bcf, .hapt). Held-out people are real people of the same
population that the generator never saw: without them no figure of privacy can be read. Prints a table and
writes metrics.json, report.html and run.json.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gds.studies.synthetic.evaluation import FigureRow
    from gds.studies.synthetic.genotypes import ThreeSets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    files = parser.add_argument_group("genotype files, each one file or one per chromosome")
    files.add_argument("--real", nargs="+", required=True, metavar="FILE", help="people trained on")
    files.add_argument("--holdout", nargs="+", required=True, metavar="FILE", help="people not trained on")
    files.add_argument("--synthetic", nargs="+", required=True, metavar="FILE", help="people generated")
    files.add_argument("--legend", metavar="FILE", help="sites of .hapt files without a legend beside them")
    parser.add_argument(
        "--unit", choices=("auto", "people", "haplotypes"), default="auto",
        help="what is compared (default auto: haplotypes for a synthetic .hapt file, people otherwise)",
    )  # fmt: skip
    parser.add_argument(
        "--min-overlap", type=float, default=0.5, metavar="SHARE",
        help="of the variants of --real that the other files must have (default .5)",
    )  # fmt: skip
    parser.add_argument(
        "--max-people", type=int, default=5000, metavar="N",
        help="of each file at most so many, at random; copies are sought among them; 0: all (default 5000)",
    )  # fmt: skip
    utility = parser.add_argument_group("utility: train on synthetic people, test on held-out ones")
    utility.add_argument("--labels", metavar="TABLE", help="classes of real people, a row a person")
    utility.add_argument("--synthetic-labels", metavar="TABLE", help="classes of synthetic people")
    utility.add_argument("--label-column", metavar="NAME", help="column of the class in both tables")
    utility.add_argument(
        "--classifiers", nargs="+", default=["logistic", "lda", "mlp", "cnn", "transformer"], metavar="NAME",
        help="of logistic, lda, mlp, cnn, transformer (default all; the last two take minutes)",
    )  # fmt: skip
    attack = parser.add_argument_group("membership inference by the model's loss")
    attack.add_argument("--model", metavar="DIR", help="the generator that was trained on --real")
    attack.add_argument(
        "--shadow-models", type=int, default=4, metavar="N",
        help="trained on halves of --holdout to calibrate the loss, an even number (default 4); 0: uncalibrated only",
    )  # fmt: skip
    parser.add_argument("--no-umap", action="store_true", help="leave out the UMAP, which takes a minute")
    parser.add_argument("--out", required=True, metavar="DIR", help="where the results go")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default 0)")


def run(args: argparse.Namespace) -> None:
    from gds.errors import UserError, require_extra
    from gds.provenance import run_record
    from gds.studies.synthetic.evaluation import evaluate_synthetic
    from gds.studies.synthetic.genotypes import read_three_sets
    from gds.studies.synthetic.labels import labelled_sets
    from gds.studies.synthetic.map import project_three_sets
    from gds.studies.synthetic.page import readable, screen_table, write_synthetic_report
    from gds.studies.synthetic.texts import FRACTION_CAPTION, RECOVERY_CAPTION
    from gds.studies.synthetic.utility import recovery_rates

    given = [args.labels, args.synthetic_labels, args.label_column]
    if any(given) and not all(given):
        raise UserError("utility needs --labels, --synthetic-labels and --label-column")
    if args.max_people < 0:
        raise UserError(f"--max-people {args.max_people}: expected a number, or 0 for everyone")
    if not args.no_umap:
        require_extra("umap", "umap")
    sets = read_three_sets(
        args.real,
        args.holdout,
        args.synthetic,
        unit=args.unit,
        legend=args.legend,
        min_overlap=args.min_overlap,
        max_people=args.max_people or None,
        seed=args.seed,
    )
    print("\n".join(sets.lines), flush=True)
    labelled = None
    if args.labels:
        labelled = labelled_sets(sets, args.labels, args.synthetic_labels, args.label_column)
    evaluation = evaluate_synthetic(sets, seed=args.seed)
    tables = {}
    if labelled is not None:
        recovery, by_fraction = recovery_rates(*labelled, methods=args.classifiers, seed=args.seed)
        tables = {RECOVERY_CAPTION: recovery, FRACTION_CAPTION: by_fraction}
    umap = None if args.no_umap else project_three_sets(sets, seed=args.seed)
    record = run_record(
        args.seed, [*args.real, *args.holdout, *args.synthetic], unit=sets.unit, max_people=args.max_people
    )
    more = loss_attack_figures(args, sets) if args.model else []
    write_synthetic_report(sets, evaluation, args.out, record, more=more, tables=tables, umap=umap)
    print(screen_table(evaluation.figures + more))
    for caption, table in tables.items():
        print(f"\n{caption}\n{readable(table).round(3).to_string(index=False)}")
    print(f"report: {Path(args.out) / 'report.html'}")


def loss_attack_figures(args: argparse.Namespace, sets: "ThreeSets") -> "list[FigureRow]":
    """Attack the model by its loss; adds what was found of its people and variants to the lines of the page."""
    from gds.repository import local_folder
    from gds.studies.attacks.attacked_people import read_attacked_people
    from gds.studies.attacks.loss_attack import loss_attack, loss_attack_rows
    from gds.studies.pretraining.privacy_record import read_privacy_record

    model = local_folder(args.model)
    people = read_attacked_people(model, args.real, args.holdout, sets, legend=args.legend)
    lines = people.lines
    if (privacy := read_privacy_record(model)) is not None:
        lines.append(f"model: {privacy.sentence()}")
    sets.lines.extend(lines)
    print("\n".join(lines), flush=True)
    return loss_attack_rows(
        loss_attack(model, people, args.out, n_shadows=args.shadow_models, seed=args.seed)
    )
