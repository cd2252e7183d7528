"""Simulate a case/control cohort: demography, genes, a liability-threshold disease, batches.

Writes cohort.bed/.bim/.fam (or .pgen), phenotypes.tsv, genes.tsv, truth.tsv (what a real cohort does not
have; never a covariate) and run.json. The 15 published ALS loci are among the causal variants.
"""

import argparse
from fractions import Fraction
from pathlib import Path

from gds.commands import arguments
from gds.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_output(parser, str(arguments.SIMULATED))
    parser.add_argument(
        "--format", choices=("bed", "pgen"), default="bed", help="of the genotype files (default bed)"
    )
    people = parser.add_argument_group("people")
    people.add_argument("--n-cases", type=int, default=1000, help="default 1000")
    people.add_argument("--n-controls", type=int, default=2000, help="default 2000")
    people.add_argument(
        "--related-pairs", type=int, default=0, help="people who are a relative of another one (default 0)"
    )
    people.add_argument(
        "--relation", choices=("sibling", "parent-offspring", "duplicate"), default="sibling",
        help="of the related pairs (default sibling)",
    )  # fmt: skip
    people.add_argument(
        "--no-covariate-effects", action="store_true", help="sex and age say nothing about the disease"
    )
    genome = parser.add_argument_group("genome")
    genome.add_argument("--n-genes", type=int, default=400, help="default 400")
    genome.add_argument(
        "--demography", default="OutOfAfrica_3G09", metavar="MODEL",
        help="human model of stdpopsim's catalogue (default OutOfAfrica_3G09)",
    )  # fmt: skip
    genome.add_argument(
        "--populations", nargs="+", metavar="NAME=SHARE",
        help="default CEU=0.6 YRI=0.2 CHB=0.2; of another model: all, in equal shares",
    )  # fmt: skip
    genome.add_argument(
        "--pool-size", type=int, default=1000, help="haplotypes per population (default 1000)"
    )
    genome.add_argument(
        "--ascertainment", choices=("array", "sequence"), default="array",
        help="common variants as on an array, or all that pass --min-maf (default array)",
    )  # fmt: skip
    genome.add_argument("--min-maf", type=float, default=0.01, help="default 0.01")
    genome.add_argument("--variants-per-gene", type=float, default=30, help="median, for array (default 30)")
    genome.add_argument(
        "--gene-length", type=float, default=30_000, help="median in base pairs (default 30000)"
    )
    disease = parser.add_argument_group("disease")
    disease.add_argument(
        "--prevalence", type=_fraction, default=1 / 350, help="e.g. 0.01 or 1/350 (default 1/350, ALS)"
    )
    disease.add_argument(
        "--heritability", type=float, default=0.085, help="of liability; 0: no signal (default .085, ALS)"
    )
    disease.add_argument(
        "--n-causal", type=int, default=150, help="causal variants, the ALS loci included (default 150)"
    )
    disease.add_argument(
        "--alpha", type=float, default=-0.38, help="effects go with [2f(1-f)]^(alpha/2) (default -0.38)"
    )
    disease.add_argument("--no-als-loci", action="store_true", help="leave the published ALS loci out")
    disease.add_argument(
        "--threshold", choices=("within", "common"), default="within",
        help="prevalence is the same within every ancestry, or differs with the genes (default within)",
    )  # fmt: skip
    centre = parser.add_argument_group("genotyping")
    centre.add_argument(
        "--batch-confounding", default="none", metavar="none|published|TABLE",
        help="TABLE: tab-separated, columns batch, cases, controls (shares that sum to 1; default none)",
    )  # fmt: skip
    centre.add_argument(
        "--artefact-fraction",
        type=float,
        default=0.02,
        help="variants each batch genotypes badly (default .02)",
    )
    centre.add_argument("--missing-rate", type=float, default=0.002, help="of calls (default .002)")


def run(args: argparse.Namespace) -> None:
    from gds.genotypes.simulate import simulate_cohort, write_cohort

    cohort = simulate_cohort(
        args.n_cases,
        args.n_controls,
        n_genes=args.n_genes,
        demography=args.demography,
        populations=_populations(args.populations),
        pool_size=args.pool_size,
        ascertainment=args.ascertainment,
        min_maf=args.min_maf,
        variants_per_gene=args.variants_per_gene,
        gene_length=args.gene_length,
        prevalence=args.prevalence,
        heritability=args.heritability,
        n_causal=args.n_causal,
        alpha=args.alpha,
        als_loci=not args.no_als_loci,
        threshold=args.threshold,
        batch_confounding=_batches(args.batch_confounding),
        covariate_effects=not args.no_covariate_effects,
        artefact_fraction=args.artefact_fraction,
        missing_rate=args.missing_rate,
        n_related_pairs=args.related_pairs,
        relation=args.relation,
        seed=args.seed,
        progress=True,
    )
    write_cohort(cohort, args.out, args.format)
    table = cohort.phenotypes
    shares = ", ".join(f"{name} {count}" for name, count in table["population"].value_counts().items())
    print(
        f"{args.out}: {int(table['ALS'].sum())} cases, {int((table['ALS'] == 0).sum())} controls ({shares}), "
        f"{len(cohort.genotypes.variants)} variants in {len(cohort.genes)} genes, "
        f"{cohort.parameters['people_screened']:,} people screened"
    )


def _fraction(text: str) -> float:
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(
            f"expected a number or a fraction such as 1/350, found {text!r}"
        ) from error


def _populations(given: list[str] | None) -> dict[str, float] | None:
    if given is None:
        return None
    shares = {}
    for item in given:
        name, equals, share = item.partition("=")
        try:
            shares[name] = float(share) if equals else 1.0
        except ValueError as error:
            raise UserError(f"expected --populations NAME=SHARE ..., found {item!r}") from error
    return shares


def _batches(given: str) -> str | dict[str, tuple[float, float]]:
    if given in ("none", "published"):
        return given
    if not Path(given).is_file():
        raise UserError(
            f"expected --batch-confounding none, published or a table, found {given!r}: no such file"
        )
    import pandas as pd

    table = pd.read_csv(given, sep="\t", dtype={"batch": str})
    if list(table.columns) != ["batch", "cases", "controls"]:
        raise UserError(
            f"{given}: expected the columns batch, cases, controls, found {', '.join(table.columns)}"
        )
    return {batch: (cases, controls) for batch, cases, controls in table.to_numpy().tolist()}
