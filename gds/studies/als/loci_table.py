"""The 15 published ALS loci in a cohort: genotyped or not, and how often the labelled few carry the effect allele."""

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.features.featurizer import Featurizer
from gds.genotypes import Genotypes, GenotypeSource
from gds.genotypes.alignment import align_genotypes
from gds.genotypes.allele_match import FLIPPED, FLIPPED_AND_SWAPPED, SAME, SWAPPED
from gds.genotypes.genome_builds import build_name
from gds.genotypes.ld import squared_correlation
from gds.genotypes.simulate.als_loci import read_als_loci
from gds.genotypes.variant_pairs import pair_variants
from gds.studies.als.block_attributions import block_of
from gds.studies.few_labels.task import FewLabelTask

LOCI_BUILD = "hg19"
WINDOW = 250_000  # bases on either side in which a proxy is looked for
AS_PUBLISHED = "as published"
_AGREEMENT = {
    SAME: AS_PUBLISHED,
    SWAPPED: "alleles swapped, corrected",
    FLIPPED: "other strand, corrected",
    FLIPPED_AND_SWAPPED: "other strand and swapped, corrected",
}


def is_als(label_column: str | None) -> bool:
    """Whether a label is ALS by its name: a word of it, whatever divides words."""
    words = "".join(c if c.isalnum() else " " for c in str(label_column).lower()).split()
    return "als" in words


def als_loci_table(task: FewLabelTask) -> pd.DataFrame:
    """What this cohort knows of each published locus.

    Alleles and strands are aligned as for any cohort; palindromic loci by their frequency. Only training people are
    read: frequencies and r2 are theirs, and counts are of the labelled few.

    Returns
    -------
    pandas.DataFrame
        Index ``rsid``; columns ``locus``, ``chromosome``, ``position`` (hg19), ``effect_allele``, ``other_allele``,
        ``odds_ratio`` (published), ``status`` (``genotyped``, ``removed by quality control``, ``palindromic, strand
        unknown``, ``other alleles`` or ``absent``), ``alleles`` (how they were aligned), of each class
        ``NAME_carriers``, ``NAME_genotyped`` and ``NAME_frequency`` of the effect allele, ``proxy`` (id of another
        variant), ``proxy_distance`` (bases), ``proxy_r2`` (NaN where it cannot be estimated) and ``block`` (of the
        cohort's features).
    """
    loci = read_als_loci()
    wanted = loci.assign(id=loci["rsid"])
    source = task.cohort.source()
    build = build_name(task.cohort.description.genome_build)
    by = "id" if build not in (None, LOCI_BUILD) else "position"
    columns, kinds, _ = pair_variants(source.variants, wanted, by)
    is_minor = wanted["effect_allele"] == wanted["minor_allele"]
    frequency = np.where(is_minor, wanted["minor_allele_frequency"], 1 - wanted["minor_allele_frequency"])
    people = np.concatenate([task.few, task.unlabelled])
    dosage = _aligned_dosages(source, wanted, frequency, columns, task.rows(people), by)
    kept = task.cohort.kept_variants()
    table = wanted[["locus", "chromosome", "position", "effect_allele", "other_allele"]].copy()
    table["odds_ratio"] = np.exp(wanted["beta"])
    there = _at_place(source.variants, wanted, by)
    unknown = (columns >= 0) & (dosage < 0).all(axis=0)
    table["status"] = np.select(
        [~there, columns < 0, unknown, ~np.isin(columns, kept)],
        ["absent", "other alleles", "palindromic, strand unknown", "removed by quality control"],
        "genotyped",
    )
    used = (columns >= 0) & ~unknown
    table["alleles"] = [_AGREEMENT[int(kind)] if ok else "" for kind, ok in zip(kinds, used, strict=True)]
    for label, name in enumerate(task.class_names):
        mine = dosage[: len(task.few)][task.labels_few == label]
        seen = (mine >= 0).sum(axis=0)
        effect_alleles = np.where(mine > 0, mine, 0).sum(axis=0)
        table[f"{name}_carriers"] = (mine > 0).sum(axis=0)
        table[f"{name}_genotyped"] = seen
        table[f"{name}_frequency"] = np.where(seen > 0, effect_alleles / np.maximum(2 * seen, 1), np.nan)
    # Published positions mean nothing on another build; those of the cohort's own variants do.
    own = source.variants["position"].to_numpy()[np.maximum(columns, 0)]
    elsewhere = table["position"] if by == "position" else np.nan
    place = np.where(columns >= 0, own, elsewhere)
    needed = (table["status"] != "genotyped").to_numpy()
    proxies = _proxies(source, place, table["chromosome"].to_numpy(), dosage, needed, kept, task.rows(people))
    table = pd.concat([table, proxies], axis=1)
    genotyped = np.where(needed, -1, columns)
    table["block"] = _blocks(task.cohort.featurizer(), source.variants, genotyped)
    return table.set_axis(pd.Index(loci["rsid"], name="rsid"))


def _at_place(variants: pd.DataFrame, wanted: pd.DataFrame, by: str) -> np.ndarray:
    if by == "id":
        return wanted["id"].isin(set(variants["id"])).to_numpy()
    places = pd.MultiIndex.from_frame(variants[["chromosome", "position"]])
    return pd.MultiIndex.from_frame(wanted[["chromosome", "position"]]).isin(places)


def _aligned_dosages(
    source: GenotypeSource,
    wanted: pd.DataFrame,
    frequency: np.ndarray,
    columns: np.ndarray,
    people: np.ndarray,
    by: str,
) -> np.ndarray:
    """Counts of the published effect alleles, int8 (sample, locus); -1 throughout where a locus cannot be used."""
    nothing = np.full((len(people), len(wanted)), -1, dtype=np.int8)
    found = np.unique(columns[columns >= 0])
    if not len(found):
        return nothing
    there = Genotypes(
        np.ascontiguousarray(source.read(found, people)),
        source.samples.iloc[people].reset_index(drop=True),
        source.variants.iloc[found].reset_index(drop=True),
    )
    try:
        aligned = align_genotypes(
            there, wanted, frequency, match_by="id" if by == "id" else "position", min_overlap=0.0
        )
    except UserError:  # palindromic ones alone, none of whose strands can be told
        return nothing
    return aligned.read(slice(None))


def _proxies(
    source: GenotypeSource,
    position: np.ndarray,
    chromosome: np.ndarray,
    dosage: np.ndarray,
    needed: np.ndarray,
    kept: np.ndarray,
    people: np.ndarray,
) -> pd.DataFrame:
    """For each locus that needs one, the variant that tells most of it, or the nearest where r2 is unknown."""
    variants = source.variants.iloc[kept]
    rows = []
    for locus in range(len(position)):
        row = {"proxy": "", "proxy_distance": np.nan, "proxy_r2": np.nan}
        near = variants["chromosome"].to_numpy(object) == chromosome[locus]
        distance = np.abs(variants["position"].to_numpy() - position[locus])
        candidates = np.flatnonzero(near & (distance <= WINDOW))
        if needed[locus] and len(candidates):
            best = candidates[distance[candidates].argmin()]
            if (dosage[:, locus] >= 0).any():
                r2 = squared_correlation(dosage[:, [locus]], source.read(kept[candidates], people))[0]
                if np.isfinite(r2).any():
                    best = candidates[np.nanargmax(r2)]
                    row["proxy_r2"] = float(np.nanmax(r2))
            row |= {"proxy": str(variants["id"].iloc[best]), "proxy_distance": float(distance[best])}
        rows.append(row)
    return pd.DataFrame(rows)


def _blocks(featurizer: Featurizer, variants: pd.DataFrame, columns: np.ndarray) -> list[str]:
    """Name of the block that each genotyped locus is in; "" for none."""
    block = np.where(columns >= 0, block_of(featurizer, variants.iloc[np.maximum(columns, 0)]), -1)
    return [str(featurizer.blocks_.name[each]) if each >= 0 else "" for each in block]
