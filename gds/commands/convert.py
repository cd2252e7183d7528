"""Convert genotype files: .vcf, .vcf.gz, .bcf, .bed and .pgen into .pgen, .bed, .vcf.gz or .bcf.

    gds convert --genotypes cohort.vcf.gz --out cohort.pgen
    gds convert --genotypes chr*.vcf.gz --chromosomes all --out cohort.bed

Several files, one per chromosome, become one. Blocks of variants are read and written in turn,
so a large file needs little memory. What is left out, and by which rule, is printed and written
beside the result as NAME.convert.json.
"""

import argparse
from pathlib import Path

from gds.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--genotypes", nargs="+", required=True, metavar="FILE",
        help=".vcf, .vcf.gz, .bcf, .bed, .pgen or .hapt: one file or one per chromosome",
    )  # fmt: skip
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help="the new file; its ending .pgen, .bed, .vcf.gz or .bcf decides the format",
    )
    parser.add_argument(
        "--chromosomes", nargs="+", default=["autosomes"], metavar="NAME",
        help="autosomes (default), all, or names such as 1 22 X",
    )  # fmt: skip
    parser.add_argument(
        "--phased", action="store_true", help="keep haplotypes apart (.pgen, .vcf.gz and .bcf)"
    )
    parser.add_argument(
        "--legend", metavar="FILE", help="the sites of a .hapt (default: NAME.legend beside it)"
    )
    parser.add_argument("--genome-build", metavar="BUILD", help="e.g. hg19 (default: by the header of a VCF)")


def run(args: argparse.Namespace) -> None:
    from dataclasses import asdict

    from gds.files import all_or_none, sha256, write_json
    from gds.genotypes import open_in_order, write_genotypes
    from gds.provenance import run_record

    out = Path(args.out)
    inputs = [Path(path) for path in args.genotypes]
    if out.resolve() in [path.resolve() for path in inputs]:
        raise UserError(f"--out {out} is also an input: choose another name")
    if args.phased and out.suffix == ".bed":
        raise UserError(
            f"--out {out}: a .bed file cannot hold phase; write .pgen, .vcf.gz or .bcf, or leave out --phased"
        )
    alone = len(args.chromosomes) == 1 and args.chromosomes[0] in ("autosomes", "all")
    source = open_in_order(
        inputs,
        chromosomes=args.chromosomes[0] if alone else args.chromosomes,
        phased=args.phased,
        genome_build=args.genome_build,
        legend=args.legend,
    )
    hashes = {path.name: sha256(path) for path in inputs}
    made_from = ", ".join(f"{name} (SHA-256 {digest})" for name, digest in hashes.items())
    record = out.with_name(out.name.removesuffix(".gz")).with_suffix(".convert.json")
    with all_or_none():
        write_genotypes(source, out, provenance=f"gds convert of {made_from}")
        # After the genotypes: some calls are counted only as they are read.
        write_json(record, run_record(None, inputs, read=asdict(source.report)))
    print("\n".join(source.report.lines()))
    print(f"{out}: {len(source.samples)} people, {len(source.variants)} variants ({record.name} says how)")
