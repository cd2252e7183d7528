"""Quality control of genotypes: people first, without labels; then variants, on training people.

Leaves in --out: qc.json (what each filter removed and why), people.tsv (statistics, and groups
of relatives for --group-column), qc_removed_people.tsv, qc_removed_variants.tsv, the ids that
passed (kept_people.txt, kept_variants.txt: for plink2 --keep and --extract) and, with --pcs,
principal components as covariates (pcs.tsv). These name individuals: they stay with the genotypes.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gds.commands import arguments
from gds.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from gds.genotypes import GenotypeSource


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--genotypes", nargs="+", required=True, metavar="FILE", help="one file, or one per chromosome"
    )
    parser.add_argument(
        "--training", metavar="FILE",
        help="ids of the training people, one a line: variants are judged by them (default: everyone who passes)",
    )  # fmt: skip
    parser.add_argument(
        "--controls", metavar="FILE", help="ids of training people to test Hardy-Weinberg equilibrium in"
    )
    people = parser.add_argument_group("people")
    people.add_argument(
        "--min-sample-call-rate", type=float, default=0.95, metavar="SHARE", help="default .95"
    )
    people.add_argument(
        "--heterozygosity-sd",
        type=float,
        default=5.0,
        metavar="N",
        help="robust sd from the median (default 5; 0: off)",
    )
    people.add_argument("--no-sex-check", action="store_true", help="do not compare recorded sex with X")
    people.add_argument(
        "--kinship", type=float, default=0.0884, help="of relatives, at least (default .0884)"
    )
    people.add_argument(
        "--families", action="store_true", help="relatives are the families of the genotype file; no kinship"
    )
    variants = parser.add_argument_group("variants")
    variants.add_argument("--min-call-rate", type=float, default=0.95, metavar="SHARE", help="default .95")
    variants.add_argument("--min-frequency", type=float, default=0.01, metavar="MAF", help="default .01")
    variants.add_argument("--min-hwe-p", type=float, default=1e-6, metavar="P", help="default 1e-6; 0: off")
    variants.add_argument("--hwe-midp", action="store_true", help="mid-p values, as plink2 --hardy midp")
    variants.add_argument(
        "--keep-few-heterozygotes", action="store_true",
        help="keep variants with too few heterozygotes: for people of several ancestries",
    )  # fmt: skip
    parser.add_argument(
        "--pcs", type=int, default=0, metavar="N", help="principal components to write (default none)"
    )
    arguments.add_output(parser, default="runs/qc")


def run(args: argparse.Namespace) -> None:
    import pandas as pd

    from gds.genotypes import open_genotypes
    from gds.genotypes.quality import QCReport
    from gds.genotypes.relatedness import find_relatives
    from gds.genotypes.sample_quality import sample_quality
    from gds.genotypes.variant_quality import variant_quality

    source = open_genotypes(args.genotypes, chromosomes="all")  # X is for the sex check
    report = QCReport()
    people = sample_quality(
        source,
        min_call_rate=args.min_sample_call_rate,
        heterozygosity_sd=args.heterozygosity_sd,
        check_sex=not args.no_sex_check,
    )
    report.add("people", people)
    family = source.samples["family"].to_numpy()[people.kept] if args.families else None
    relatives = find_relatives(source, people.kept, family=family, threshold=args.kinship)
    report.add_counts("relatives", relatives.report)

    training = _passed(args.training, source, people.kept)
    controls = _passed(args.controls, source, training) if args.controls else None
    variants = variant_quality(
        source,
        training,
        min_call_rate=args.min_call_rate,
        min_frequency=args.min_frequency,
        min_hwe_p=args.min_hwe_p,
        hwe_midp=args.hwe_midp,
        hwe_samples=controls,
        keep_few_heterozygotes=args.keep_few_heterozygotes,
    )
    report.add("variants", variants)

    out = Path(args.out)
    group = pd.Series(relatives.group, index=people.kept)
    table = people.table.assign(passed=people.table.index.isin(people.kept), group=group).fillna(
        {"group": ""}
    )
    path = report.write(out)
    table.to_csv(out / "people.tsv", sep="\t", index=False)
    _write_lines(out / "kept_people.txt", people.table.loc[people.kept, "id"])
    _write_lines(out / "kept_variants.txt", variants.table.loc[variants.kept, "id"])
    if args.pcs:
        _write_components(source, training, variants.kept, people.kept, args.pcs, out / "pcs.tsv")
    print(report)
    print(f"\n{path}: {len(people.kept):,} people and {len(variants.kept):,} variants pass")


def _passed(path: str | None, source: "GenotypeSource", among: "np.ndarray") -> "np.ndarray":
    """Indices of the people of a list of ids who are among those given; without a list, all of these."""
    import numpy as np

    if path is None:
        return among
    try:
        ids = {line.split()[0] for line in Path(path).read_text().splitlines() if line.strip()}
    except OSError as error:
        raise UserError(f"cannot read the ids of {path}: {error.strerror}") from error
    known = source.samples["id"].astype(str).to_numpy()
    if absent := sorted(ids - set(known)):
        raise UserError(
            f"{len(absent):,} of {len(ids):,} people of {path} have no genotypes, e.g. {absent[0]}; the genotypes' ids "
            f"look like {known[0]}"
        )
    chosen = among[np.isin(known[among], sorted(ids))]
    if not len(chosen):
        raise UserError(f"none of the {len(ids):,} people of {path} passes")
    return chosen


def _write_components(
    source: "GenotypeSource",
    fitted: "np.ndarray",
    variants: "np.ndarray",
    people: "np.ndarray",
    n_components: int,
    path: Path,
) -> None:
    """Scores of everyone who passed, on components of the training people."""
    import numpy as np
    import pandas as pd

    from gds.genotypes.pca import fit_pca, prune_for_pca

    pruned = np.intersect1d(prune_for_pca(source, fitted), variants)
    pca = fit_pca(source, fitted, pruned, n_components=n_components)
    scores = pd.DataFrame(pca.project(source, people), columns=[f"PC{k + 1}" for k in range(n_components)])
    scores.insert(0, "id", source.samples["id"].astype(str).to_numpy()[people])
    scores.to_csv(path, sep="\t", index=False, float_format="%.6g")


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    from gds.files import atomic_path

    with atomic_path(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines))
