"""Quality control inside ``gds prepare``: people before the split, variants by the training people.

The order is what keeps test people out of everything fitted. Sample quality looks at all people together
(an outlier of heterozygosity is one among everybody, a duplicate is one of somebody) but at no label, and
comes first; whom it removes is in no split. Variants are then judged by the training people alone.
"""

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.features.prepare_options import PrepareOptions
from gds.genotypes import GenotypeSource
from gds.genotypes.pca import fit_pca, prune_for_pca
from gds.genotypes.quality import Filtered, QCReport
from gds.genotypes.relatedness import find_relatives
from gds.genotypes.sample_quality import sample_quality
from gds.genotypes.variant_quality import variant_quality
from gds.genotypes.variant_view import n_genotyped


def check_people(options: PrepareOptions, whole: GenotypeSource, report: QCReport) -> pd.Series:
    """Why each person is removed, in the order of the files; "" for those who stay.

    Parameters
    ----------
    options
        Limits; with ``qc`` off everyone stays.
    whole
        Genotypes, those of X included.
    report
        Takes the filters.
    """
    because = pd.Series("", index=range(len(whole.samples)), dtype=object)
    if not options.qc:
        report.add_counts("quality", {"people": "nobody was checked, as asked for"})
        return because
    checked = sample_quality(
        whole,
        min_call_rate=options.min_sample_call_rate,
        heterozygosity_sd=options.heterozygosity_sd,
        check_sex=options.sex_check,
    )
    report.add("people", checked)
    reasons = checked.removed.groupby(level=0)["filter"].agg("; ".join)
    because[reasons.index] = reasons
    return because


def group_relatives(
    options: PrepareOptions,
    source: GenotypeSource,
    people: np.ndarray,
    family: np.ndarray,
    report: QCReport,
) -> np.ndarray:
    """A name shared by relatives for each person, "" for people who are alone.

    Parameters
    ----------
    options
        Which knowledge to use; by default families where there are any, otherwise kinship.
    source
        Autosomal genotypes.
    people
        Indices of the people who stay, shape (sample,).
    family
        Their families, from the column named or the genotype file; shape (sample,).
    report
        Takes the counts, and why kinship was skipped where it was.

    Raises
    ------
    UserError
        A column of families was named and something else was asked for, or one group holds too many people.
    """
    how = options.relatives
    if options.group_column and how not in (None, "families"):
        raise UserError(
            f"--group-column {options.group_column} names the families, --relatives {how} ignores them: "
            "leave one of the two out"
        )
    if how is None:
        named = pd.Series(family).replace("0", "")
        has_families = bool(named[named != ""].duplicated().any())
        if not has_families and not options.group_column and not options.qc:
            how = "none"
        else:
            how = "families" if has_families or options.group_column else "kinship"
    if how == "none":
        report.add_counts("relatives", {"method": "none", "people": len(people)})
        return np.full(len(people), "", dtype=object)
    try:
        found = find_relatives(
            source, people, family=family if how == "families" else None, threshold=options.kinship
        )
    except UserError as error:
        if how == "families" and not options.group_column:
            raise UserError(f"{error}; --relatives kinship does without the file's families") from error
        raise
    told = {"column": options.group_column or "of the genotype file"} if how == "families" else {}
    report.add_counts("relatives", found.report | told)
    return found.group


def check_variants(
    options: PrepareOptions, source: GenotypeSource, training: np.ndarray, report: QCReport
) -> np.ndarray:
    """Indices of the variants that pass among the training people; with ``qc`` off, of all.

    Parameters
    ----------
    options
        Limits.
    source
        Autosomal genotypes.
    training
        Indices of the training people: no other genotype is read.
    report
        Takes the filters.
    """
    if not options.qc:
        return np.arange(len(source.variants))
    # A count of n among 2N alleles is a frequency; missing genotypes make it a little more lenient.
    least = max(options.min_frequency, options.min_allele_count / (2 * len(training)))
    checked = variant_quality(
        source,
        training,
        min_call_rate=options.min_call_rate,
        min_frequency=least,
        min_hwe_p=options.min_hwe_p,
        keep_few_heterozygotes=options.keep_few_heterozygotes,
        n_genotyped=n_genotyped(source, training),
    )
    report.add("variants", checked)
    return checked.kept


def ancestry_components(
    source: GenotypeSource, training: np.ndarray, people: np.ndarray, n_components: int
) -> pd.DataFrame:
    """Principal components of the training people's LD-pruned variants, everyone projected onto them.

    Parameters
    ----------
    source
        Autosomal genotypes, those variants that pass.
    training, people
        Indices of the people to fit on, and of those to project.
    n_components
        How many.

    Returns
    -------
    pandas.DataFrame
        Columns ``PC1``, ``PC2`` ..., one row for each of ``people``.
    """
    fitted = fit_pca(source, training, prune_for_pca(source, training), n_components=n_components)
    names = [f"PC{k + 1}" for k in range(n_components)]
    return pd.DataFrame(fitted.project(source, people), columns=names)


def removal_counts(report: QCReport) -> dict[str, int]:
    """People and variants removed by each filter, and in all, for ``cohort.json``."""
    counts: dict[str, int] = {}
    for what, filtered in report.parts.items():
        for step in filtered.steps:
            counts[f"{what}_failing_{step['filter'].replace(' ', '_')}"] = step["removed"]
        counts[f"{what}_removed"] = _n_removed(filtered)
    return counts


def _n_removed(filtered: Filtered) -> int:
    return len(filtered.table) - len(filtered.kept)
