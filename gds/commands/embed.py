"""Embed the people of a cohort with a saved model, and look at where they lie.

    gds embed --model DIR --genotypes cohort.pgen --phenotypes table.tsv --colour-by ALS batch --out x.parquet

x.parquet holds an id and the embedding of each person. Beside it: x.png and x.html with UMAP (cosine, 5
neighbours) and principal components, coloured by columns of the phenotype table, and x.json, the counts of
the alignment, the share of variance each column explains, and the record. The table names people and
stays with the genotypes.
"""

import argparse

from gds.commands.new_cohort_arguments import add_new_cohort, alignment_options
from gds.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_new_cohort(parser)
    pictures = parser.add_argument_group("pictures")
    pictures.add_argument(
        "--colour-by", nargs="+", metavar="NAME",
        help="columns of --phenotypes (default: the label, population and batch where present)",
    )  # fmt: skip
    pictures.add_argument(
        "--projections", nargs="+", choices=("umap", "pca"), default=("umap", "pca"), help="default both"
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="x.parquet")
    parser.add_argument("--seed", type=int, default=0, help="of UMAP (default 0)")


def run(args: argparse.Namespace) -> None:
    from dataclasses import asdict
    from pathlib import Path

    from gds.provenance import run_record
    from gds.repository import local_folder
    from gds.studies import embedding_map
    from gds.studies.new_cohort import architecture, open_new_cohort, phenotypes_of, recorded

    if not args.out.endswith(".parquet"):
        raise UserError(f"--out {args.out}: expected a name that ends in .parquet")
    args.model = str(local_folder(args.model))
    architecture(args.model)
    alignment = alignment_options(args)
    cohort = open_new_cohort(args.model, args.genotypes, alignment)
    print("\n".join(cohort.lines()))
    # All that can be refused is refused before the long computation.
    projections = list(dict.fromkeys(args.projections))
    embedding_map.check_projections(projections, len(cohort.ids))
    phenotypes = None
    if args.phenotypes is not None:
        phenotypes = phenotypes_of(cohort.ids, args.phenotypes, args.id_column)
    columns, skipped = embedding_map.choose_colours(
        phenotypes, args.colour_by, recorded(args.model, "label_column")
    )
    if skipped:
        print("\n".join(skipped))

    table = embedding_map.embed_cohort(args.model, cohort)
    embedding = table.drop(columns="id").to_numpy()
    points = {name: embedding_map.project(embedding, name, args.seed) for name in projections}
    weights = [Path(args.model) / name for name in ("model.safetensors", "preprocessor.safetensors")]
    explained = embedding_map.write_embeddings(
        table,
        points,
        columns,
        args.out,
        title=f"Embeddings of {Path(args.genotypes[0]).name}",
        counts=cohort.counts(),
        lines=[*cohort.lines(), *skipped],
        record=run_record(
            args.seed,
            [*weights, *args.genotypes, *([args.phenotypes] if args.phenotypes else [])],
            model=args.model,
            alignment=asdict(alignment),
            colour_by=list(columns),
            projections=projections,
        ),
    )
    for name, row in explained.iterrows():
        print(f"{name}: {row['share']:.1%} of the variance between {row['groups']:.0f} groups", end="")
        print(f" ({row['by_chance']:.1%} by chance)")
    stem = args.out.removesuffix(".parquet")
    print(f"{args.out}: {len(table)} people, {embedding.shape[1]} columns; pictures: {stem}.png, {stem}.html")
