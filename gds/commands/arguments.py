"""Flags that mean the same in every command."""

import argparse
from pathlib import Path
from typing import Any

from gds.errors import UserError

SIMULATED = Path("runs/simulated")


def add_output(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """``--out`` (also ``--output-dir``) and ``--seed``."""
    parser.add_argument(
        "--out", "--output-dir", dest="out", default=default, required=default is None, metavar="DIR",
        help="where results go" + (f" (default {default})" if default else ""),
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="everything random derives from it (default 0)")


def add_cohort(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """Where people come from: a prepared cohort, or genotype files with a phenotype table."""
    where = parser.add_argument_group("cohort")
    choice = where.add_mutually_exclusive_group(required=required)
    choice.add_argument("--data", metavar="DIR", help="a cohort made by gds prepare or gds simulate")
    choice.add_argument(
        "--genotypes",
        nargs="+",
        metavar="FILE",
        help=".bed, .pgen, .vcf(.gz) or .bcf; one file or one per chromosome",
    )
    add_phenotypes(where)


def add_phenotypes(where: Any) -> None:
    """The phenotype table and which of its columns mean what."""
    where.add_argument(
        "--phenotypes", metavar="TABLE", help="tab-, comma- or space-separated, one row a person"
    )
    where.add_argument("--label-column", metavar="NAME", help="column with the classes, e.g. ALS")
    where.add_argument(
        "--id-column", metavar="NAME", help="column with the sample ids (default: found by name)"
    )
    where.add_argument("--covariates", nargs="*", metavar="NAME", help="default: sex and age where present")
    where.add_argument(
        "--batch-columns",
        nargs="*",
        metavar="NAME",
        help="default: batch, plate, site, array, ... where present",
    )
    where.add_argument("--group-column", metavar="NAME", help="families, which are never divided by a split")
    where.add_argument("--split-column", metavar="NAME", help="your own train / validation / test column")
    where.add_argument(
        "--fractions", nargs=3, type=float, default=(0.7, 0.1, 0.2), metavar=("TRAIN", "VALIDATION", "TEST"),
        help="shares of people (default .7 .1 .2)",
    )  # fmt: skip
    where.add_argument("--genome-build", metavar="BUILD", help="recorded with the features, e.g. hg19")
    where.add_argument("--prevalence", type=float, help="of the disease in the population, for the ceiling")
    where.add_argument(
        "--heritability", type=float, help="SNP heritability on the liability scale, for the ceiling"
    )


def add_features(parser: argparse.ArgumentParser, default_kind: str = "pca") -> None:
    """How variants become blocks and blocks become features."""
    features = parser.add_argument_group("features")
    features.add_argument(
        "--blocks", default=None, metavar="SPEC",
        help="a gene file (glist, GTF, BED), window:N (variants) or kb:N "
        "(default window:64; for a simulated cohort its genes)",
    )  # fmt: skip
    features.add_argument(
        "--features", choices=("pca", "tokens"), default=default_kind, help=f"default {default_kind}"
    )
    features.add_argument(
        "--n-components", type=int, default=8, help="components a block for pca (default 8)"
    )
    features.add_argument(
        "--max-slots", type=int, default=64, help="variants a block for tokens (default 64)"
    )


def prepare_options(args: argparse.Namespace, **changes: Any) -> "Any":
    """The :class:`~gds.features.prepare.PrepareOptions` that the flags describe.

    Raises
    ------
    UserError
        No genotype files are given, or ``--data`` is not a simulated cohort.
    """
    from gds.features.prepare import PrepareOptions, options_for_simulated

    chosen: dict[str, Any] = {
        name: value
        for name in (
            "phenotypes", "label_column", "id_column", "covariates", "batch_columns", "group_column", "split_column",
            "genome_build", "prevalence", "heritability", "blocks", "features", "n_components", "max_slots", "seed",
        )
        if (value := getattr(args, name, None)) is not None
    }  # fmt: skip
    chosen["fractions"] = tuple(args.fractions)
    chosen |= changes
    if args.genotypes:
        return PrepareOptions(genotypes=tuple(args.genotypes), **chosen)
    if args.data:
        return options_for_simulated(args.data, **chosen)
    raise UserError("give --data DIR (a simulated cohort) or --genotypes FILES")
