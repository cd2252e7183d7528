"""The section on ALS of a few-label run's page."""

import pandas as pd

from gds.report.attribution_figures import block_importance
from gds.report.page import NOT_CLINICAL, Page
from gds.studies.als.biology import REPEATS
from gds.studies.als.block_attributions import BlockAttributions
from gds.studies.als.loci_table import AS_PUBLISHED
from gds.studies.few_labels.result import FewLabelResult
from gds.studies.few_labels.task import FewLabelTask


def add_als_biology(page: Page, task: FewLabelTask, result: FewLabelResult) -> None:
    """Published loci and attributions; nothing where they were not asked for."""
    if result.biology is None:
        return
    page.add_section(
        "Known ALS biology",
        f"{REPEATS}.\n\nThe 15 loci are those of van Rheenen et al. 2021. Effect alleles are counted among the "
        "labelled few alone: with so few people frequencies of cases and controls differ by chance, and a locus that "
        "looks different here is no finding.",
    )
    loci = result.biology.loci
    page.add_table(
        _shown_loci(loci, task.class_names),
        "Effect allele and its published odds ratio; carriers among the genotyped people of each class, and "
        "frequency, after alleles and strands were aligned. Where a locus is not used, the variant nearby that tells "
        f"most of it, with its r2 in training people. {NOT_CLINICAL}",
    )
    for attributions in result.biology.attributions:
        _add_attributions(page, attributions, loci)


def _shown_loci(loci: pd.DataFrame, class_names: list[str]) -> pd.DataFrame:
    shown = pd.DataFrame(
        {
            "locus": loci["locus"],
            "effect": loci["effect_allele"] + ", " + loci["odds_ratio"].map("{:.2f}".format),
            "status": loci["status"]
            + [f" ({how})" if how not in ("", AS_PUBLISHED) else "" for how in loci["alleles"]],
        }
    )
    for name in class_names:
        columns = loci[[f"{name}_carriers", f"{name}_genotyped", f"{name}_frequency"]].itertuples(index=False)
        shown[name] = [f"{c} of {n}, {f:.3f}" if n else "" for c, n, f in columns]
    proxies = loci[["proxy", "proxy_distance", "proxy_r2"]].itertuples(index=False)
    shown["proxy"] = [
        f"{name}, {distance / 1000:.0f} kb, r2 {'not estimable' if pd.isna(r2) else f'{r2:.2f}'}"
        if name
        else ""
        for name, distance, r2 in proxies
    ]
    return shown


def _add_attributions(page: Page, found: BlockAttributions, loci: pd.DataFrame) -> None:
    stable = found.stability
    of_loci = {block for block in loci["block"] if block}
    compared = (
        f"{found.n_permutations} refits on permuted labels give what a block's size and place bring by themselves; the "
        f"least possible p is {1 / (1 + found.n_permutations):.2g}."
        if found.n_permutations
        else "Not compared with permuted labels: each permutation would be a training (--permutations N does it)."
    )
    page.add_figure(
        block_importance(found.table, highlighted=of_loci),
        f"{found.method}: {found.how}, mean size over training people. Over resampled labelled people ranks of blocks "
        f"correlate {stable['rank_correlation']:.2f}, and {stable['top_overlap']:.0%} of the {stable['top']} largest "
        f"are the same (by chance {stable['top_overlap_by_chance']:.0%}). {compared}",
        f"Blocks that {found.method} rests on most",
    )
    table = found.table.assign(rank=found.table["share"].rank(ascending=False, method="min").astype(int))
    genes: dict[str, list[str]] = {}
    for row in loci.itertuples():
        if row.block:
            genes.setdefault(row.block, []).append(row.locus)
    mine = table[table["block"].isin(of_loci)].assign(
        loci=lambda t: [", ".join(genes[name]) for name in t["block"]]
    )
    if len(mine):
        shown = mine.set_index("block")[["loci", "rank", "share", "p", "p_adjusted"]].sort_values("rank")
        page.add_table(
            shown.rename(columns={"p_adjusted": "p, adjusted for all blocks"}),
            f"{found.method}: where the blocks with a published locus stand among {len(table):,}. Attributions add up "
            f"to the prediction within {found.completeness_error:.1g} of its standard deviation.",
        )
