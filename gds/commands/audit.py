"""Is a genetic result confounded, leaked, selected, too good to be true, or underpowered?

    gds audit --data DIR --out runs/audit
    gds audit --genotypes cohort.bed --phenotypes table.tsv --label-column ALS --predictions scores.tsv --out DIR

One line says what was found: clean, confounded by X, related people across the split, selected on test
people, above the ceiling (look for leakage), or underpowered. The audit uses all labels; nothing that it
learns reaches a classifier. Not for clinical use.
"""

import argparse

from gds.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_cohort(parser, required=True)
    parser.add_argument(
        "--ancestry-column",
        metavar="NAME",
        help="groups of ancestry (default: population, ... where present)",
    )
    parser.add_argument(
        "--predictions", metavar="TABLE", help="scores under audit: an id column and a column called score"
    )
    parser.add_argument(
        "--selected-variants", metavar="FILE", help="ids of the variants that the classifier uses, one a line"
    )
    parser.add_argument(
        "--selection-people",
        metavar="FILE",
        help="ids of the people whose labels chose those variants (of the GWAS, say), one a line",
    )
    parser.add_argument(
        "--match", nargs="+", default=[], metavar="COLUMN",
        help="keep people such that cases and controls are alike in these columns (numbers: by fifths)",
    )  # fmt: skip
    arguments.add_output(parser)


def run(args: argparse.Namespace) -> None:
    from gds.studies.audit import AuditOptions, audit_cohort
    from gds.studies.audit.cohort import cohort_of_files, cohort_of_prepared
    from gds.studies.audit.matching import matched_cohort
    from gds.studies.audit.report import read_scores, write_audit

    predictions = read_scores(args.predictions) if args.predictions else None
    if (prepared := arguments.open_prepared(args)) is not None:
        cohort = cohort_of_prepared(prepared, predictions=predictions, ancestry_column=args.ancestry_column)
    else:
        cohort = cohort_of_files(
            arguments.prepare_options(args),
            predictions=predictions,
            ancestry_column=args.ancestry_column,
            selected_variants=_ids(args.selected_variants, "--selected-variants"),
            selection_people=_ids(args.selection_people, "--selection-people"),
        )
    if args.match:
        cohort = matched_cohort(cohort, args.match, args.seed)
    audit = audit_cohort(cohort, AuditOptions(seed=args.seed))
    print("\n".join(write_audit(audit, args.out)))


def _ids(path: str | None, flag: str) -> list[str] | None:
    from gds.studies.audit.report import read_ids

    return None if path is None else read_ids(path, flag)
