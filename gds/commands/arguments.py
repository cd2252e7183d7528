"""Flags that mean the same in every command."""

import argparse
from pathlib import Path
from typing import Any

from gds.errors import UserError

SIMULATED = Path("runs/simulated")
# Flags that decide how a cohort is prepared; their names are those of PrepareOptions.
PREPARE_FLAGS = (
    "phenotypes", "label_column", "label_threshold", "id_column", "covariates", "batch_columns", "pcs",
    "group_column", "relatives", "kinship", "split_column", "genome_build", "prevalence", "heritability",
    "qc", "min_sample_call_rate", "heterozygosity_sd", "sex_check", "min_call_rate", "min_frequency",
    "min_allele_count", "min_hwe_p", "keep_few_heterozygotes", "blocks", "flank", "overlap", "intergenic",
    "max_variants", "split_by", "merge", "features", "n_components", "max_slots", "phased", "seed",
)  # fmt: skip


# Of these a given value cannot be told from the default; the others are None unless given.
WITH_DEFAULT = ("features", "n_components", "max_slots", "seed")


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
        action="append",
        metavar="FILE",
        help=".bed, .pgen, .vcf(.gz) or .bcf; one file or one per chromosome; say it again for another cohort of "
        "other people",
    )
    where.add_argument(
        "--merge",
        choices=("intersection", "union"),
        help="variants of several cohorts (default intersection)",
    )
    add_phenotypes(where)
    add_quality(parser)


def add_phenotypes(where: Any) -> None:
    """The phenotype table and which of its columns mean what."""
    where.add_argument(
        "--phenotypes", metavar="TABLE", help="tab-, comma- or space-separated, one row a person"
    )
    where.add_argument("--label-column", metavar="NAME", help="column with the classes, e.g. ALS")
    where.add_argument(
        "--label-threshold", type=_threshold, metavar="median|NUMBER",
        help="the label column is a measurement: low up to here, high above (median: of training people)",
    )  # fmt: skip
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
    where.add_argument(
        "--pcs", type=int, metavar="N",
        help="LD-pruned principal components of training people as columns PC1 ... (default none)",
    )  # fmt: skip
    where.add_argument("--group-column", metavar="NAME", help="families, which are never divided by a split")
    where.add_argument(
        "--relatives", choices=("families", "kinship", "none"),
        help="who stays together (default: families where there are any, otherwise kinship)",
    )  # fmt: skip
    where.add_argument(
        "--kinship", type=float, metavar="PHI", help="of relatives, at least (default .0884: second degree)"
    )
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
        help="a gene file (glist, GTF, BED), window:N (variants), kb:N or ld:R2 "
        "(default window:64; for a simulated cohort its genes)",
    )  # fmt: skip
    features.add_argument(
        "--flank", type=int, metavar="BASES", help="of a gene, added on either side (default 0)"
    )
    features.add_argument(
        "--overlap", choices=("both", "first"), help="blocks of a variant in several genes (default both)"
    )
    features.add_argument(
        "--intergenic",
        choices=("drop", "nearest"),
        help="what becomes of a variant in no gene (default drop)",
    )
    features.add_argument(
        "--max-variants", type=int, metavar="N",
        help="blocks of more are split (default: --max-slots for tokens, no limit for pca)",
    )  # fmt: skip
    features.add_argument(
        "--features", choices=("pca", "tokens"), default=default_kind, help=f"default {default_kind}"
    )
    features.add_argument(
        "--n-components", type=_components, default=8, metavar="N|SHARE|reference",
        help="components a block for pca: a number, the share of variance to reach, e.g. .9, or reference (8 for more "
        "than 20 variants, 4 for 5 to 20, otherwise 1); default 8",
    )  # fmt: skip
    features.add_argument(
        "--split-by", choices=("size", "ld"),
        help="how --max-variants splits: into equal parts, or where LD is weakest (default size)",
    )  # fmt: skip
    features.add_argument(
        "--max-slots", type=int, default=64, help="variants a block for tokens (default 64)"
    )
    features.add_argument(
        "--phased", action="store_true", default=None,
        help="keep haplotypes apart too, for contrastive pre-training between a person's two (.pgen, .vcf, .bcf)",
    )  # fmt: skip


def add_quality(parser: argparse.ArgumentParser) -> None:
    """Limits of quality control; the defaults are those of :class:`~gds.features.prepare.PrepareOptions`."""
    quality = parser.add_argument_group("quality control, of people and then of variants")
    quality.add_argument(
        "--no-qc", dest="qc", action="store_false", default=None, help="keep every person and every variant"
    )
    quality.add_argument(
        "--min-sample-call-rate", type=float, metavar="SHARE", help="of a person's variants (default .95)"
    )
    quality.add_argument(
        "--heterozygosity-sd", type=float, metavar="N", help="robust sd from the median (default 5; 0: off)"
    )
    quality.add_argument(
        "--no-sex-check", dest="sex_check", action="store_false", default=None,
        help="do not compare recorded sex with X",
    )  # fmt: skip
    quality.add_argument("--min-call-rate", type=float, metavar="SHARE", help="of a variant (default .95)")
    quality.add_argument(
        "--min-frequency", type=float, metavar="MAF", help="of the rarer allele (default .01)"
    )
    quality.add_argument(
        "--min-allele-count", type=int, metavar="N", help="of the rarer allele in training (default 0)"
    )
    quality.add_argument(
        "--min-hwe-p", type=float, metavar="P", help="exact Hardy-Weinberg test (default 1e-6; 0: off)"
    )
    quality.add_argument(
        "--remove-few-heterozygotes", dest="keep_few_heterozygotes", action="store_false", default=None,
        help="by the test, also variants with too few heterozygotes: for people of one ancestry",
    )  # fmt: skip


def _components(text: str) -> int | float | str:
    if text == "reference":
        return text
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected a number, a share of variance or reference, found {text!r}"
        ) from error


def _threshold(text: str) -> float | str:
    if text == "median":
        return text
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected median or a number, found {text!r}") from error


def open_prepared(args: argparse.Namespace) -> Any:
    """The prepared cohort that ``--data`` names, or None where it names none.

    Raises
    ------
    UserError
        A flag is given that only preparing reads: it would have no effect any more.
    """
    from gds.features.dataset import PreparedCohort

    if not args.data or not (Path(args.data) / "cohort.json").is_file():
        return None
    given = [
        name for name in PREPARE_FLAGS if name not in WITH_DEFAULT and getattr(args, name, None) is not None
    ]
    if given:
        flags = ", ".join("--" + name.replace("_", "-") for name in given)
        raise UserError(
            f"{args.data} is prepared already, so {flags} would change nothing: prepare it again with gds prepare, "
            "or leave this out"
        )
    return PreparedCohort(args.data)


def prepare_options(args: argparse.Namespace, **changes: Any) -> "Any":
    """The :class:`~gds.features.prepare.PrepareOptions` that the flags describe.

    Raises
    ------
    UserError
        No genotype files are given, or ``--data`` is not a simulated cohort.
    """
    from gds.features.prepare import PrepareOptions, options_for_simulated

    chosen: dict[str, Any] = {
        name: value for name in PREPARE_FLAGS if (value := getattr(args, name, None)) is not None
    }
    chosen["fractions"] = tuple(args.fractions)
    chosen |= changes
    if args.genotypes:
        first, *further = (tuple(files) for files in args.genotypes)
        return PrepareOptions(genotypes=first, further_cohorts=tuple(further), **chosen)
    if args.data:
        return options_for_simulated(args.data, **chosen)
    raise UserError("give --data DIR (a simulated cohort) or --genotypes FILES")
