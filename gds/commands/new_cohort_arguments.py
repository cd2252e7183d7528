"""Flags of the commands that show a new cohort to a saved model."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gds.studies.new_cohort import AlignmentOptions


def add_new_cohort(parser: argparse.ArgumentParser) -> None:
    """A saved model, and the people of another cohort who meet it."""
    where = parser.add_argument_group("model and cohort")
    where.add_argument(
        "--model", required=True, metavar="DIR|ORG/NAME",
        help="a model with its featurizer: a folder, or a name on the hub, ORG/NAME[@REVISION][/FOLDER]",
    )  # fmt: skip
    where.add_argument(
        "--genotypes", nargs="+", required=True, metavar="FILE",
        help=".bed, .pgen, .vcf(.gz) or .bcf; one file or one per chromosome",
    )  # fmt: skip
    where.add_argument(
        "--phenotypes", metavar="TABLE", help="tab-, comma- or space-separated, one row a person"
    )
    where.add_argument(
        "--id-column", metavar="NAME", help="column with the sample ids (default: found by name)"
    )
    alignment = parser.add_argument_group("alignment of the cohort's variants to those of the model")
    alignment.add_argument(
        "--genome-build",
        metavar="BUILD",
        help="of these genotypes, e.g. hg38 (default: the file's, if it says)",
    )
    alignment.add_argument(
        "--match-by", choices=("auto", "position", "id"), default="auto",
        help="default auto: by id if the builds are known to differ, otherwise by position",
    )  # fmt: skip
    alignment.add_argument(
        "--palindromic", choices=("auto", "frequency", "drop", "keep"), default="auto",
        help="what to do with A/T and C/G variants (default auto: frequency where a strand was flipped)",
    )  # fmt: skip
    alignment.add_argument(
        "--min-overlap", type=float, default=0.5, metavar="SHARE",
        help="of the model's variants that must be found (default .5)",
    )  # fmt: skip


def alignment_options(args: argparse.Namespace) -> "AlignmentOptions":
    """The :class:`~gds.studies.new_cohort.AlignmentOptions` that the flags of :func:`add_new_cohort` describe."""
    from gds.studies.new_cohort import AlignmentOptions

    return AlignmentOptions(args.genome_build, args.match_by, args.palindromic, args.min_overlap)
