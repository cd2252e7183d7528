"""From genotype files and a phenotype table to a prepared cohort: split first, then fit.

In this order: quality of people (no labels), groups of relatives, the split, labels of a measurement cut by
its training people, quality of variants among the training people, blocks, the featurizer, everyone's features.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.features.cohort_quality import (
    ancestry_components,
    check_people,
    check_variants,
    group_relatives,
    removal_counts,
)
from gds.features.dataset import REMOVED, CohortDescription, PreparedCohort, write_prepared_cohort
from gds.features.featurizer import Featurizer
from gds.features.labels import THRESHOLD_NAMES, cut_at_threshold, encode_labels, terciles
from gds.features.people import BATCH_NAMES, COVARIATE_NAMES, People, known_columns, read_people
from gds.features.prepare_features import (
    FeatureTask,
    apply_featurizer,
    first_haplotype_features,
    make_features,
    shared_fit,
)
from gds.features.prepare_options import PrepareOptions, options_for_simulated
from gds.features.resources import Resources
from gds.features.splits import SPLITS, UNLABELLED, check_groups_apart, check_split_column, split_people
from gds.files import atomic_directory, check_replaceable, sha256
from gds.genotypes import GenotypeSource
from gds.genotypes.merge import MergedCohorts
from gds.genotypes.merge_report import MergeReport
from gds.genotypes.quality import QCReport
from gds.genotypes.variant_view import cohort_names, in_every_cohort, open_autosomes
from gds.provenance import run_record

__all__ = ["PrepareOptions", "encode_labels", "options_for_simulated", "prepare_cohort"]


def prepare_cohort(
    options: PrepareOptions,
    folder: str | Path,
    *,
    featurizer: Featurizer | None = None,
    never_test: Sequence[str] = (),
    resources: Resources | None = None,
) -> PreparedCohort:
    """Check and split people, fit a featurizer on the training people, write everyone's features.

    Parameters
    ----------
    options
        Files, columns, limits of quality, blocks, kind of features, seed.
    folder
        Where the prepared cohort goes; replaced only when all of it is written.
    featurizer
        A fitted featurizer (of a pre-trained encoder) to use instead of fitting one. Its variants are then the
        features' variants, whatever the filters say of them here.
    never_test
        Ids of people whom that encoder has seen: they may train but are never tested.
    resources
        Threads, memory, and processes that were started with the same arguments: the first checks, splits and
        writes, all fit and transform. The bytes of the features and of the featurizer are the same in any case.

    Returns
    -------
    PreparedCohort

    Raises
    ------
    UserError
        Columns, ids, labels or blocks that do not fit; see the message.
    """
    files = sorted(str(path) for path in _with_tables(options.genotype_files))
    inputs = [*files, *([options.phenotypes] if options.phenotypes else [])]
    check_replaceable(folder, inputs)
    resources = resources or Resources()
    source, whole = open_autosomes(options.cohorts, options.merge, phased=options.phased)
    shared = shared_fit(options, folder, inputs, resources)
    if shared is not None:
        if featurizer is not None:
            raise ValueError("a saved featurizer is applied by one process: leave out resources.processes")
        if not shared.is_first:
            shared.follow(source)
            return PreparedCohort(folder)
    report = QCReport()
    if isinstance(whole, MergedCohorts):
        _count_merge(whole.report, report)
    if len(whole.variants) > len(source.variants):
        elsewhere = len(whole.variants) - len(source.variants)
        report.add_counts("genotypes", {"variants": len(source.variants), "not_on_autosomes": elsewhere})
    people = read_people(options, source)
    if people.counts:
        report.add_counts("phenotypes", dict(people.counts))
    table = people.table
    table["removed_because"] = check_people(options, in_every_cohort(whole), report).to_numpy()
    stay = np.flatnonzero(table["removed_because"] == "")
    family = table["family"].to_numpy(dtype=str)[stay]
    table["family"] = ""
    table.iloc[stay, table.columns.get_loc("family")] = group_relatives(
        options, in_every_cohort(source), stay, family, report
    )
    own_split = table.pop("split") if options.split_column else None
    table["split"] = REMOVED
    table.iloc[stay, table.columns.get_loc("split")] = _split(
        options, people, stay, own_split, set(never_test)
    )
    train = np.flatnonzero(table["split"] == "train")
    label_names, threshold = people.label_names, None
    if people.values is not None:
        assert options.label_threshold is not None
        label_names = list(THRESHOLD_NAMES)
        table["label"], threshold = cut_at_threshold(
            people.values, (table["split"] == "train").to_numpy(), options.label_threshold
        )

    passing = check_variants(options, source, train, report)
    people_of = {split: np.flatnonzero(table["split"] == split) for split in SPLITS}
    task = FeatureTask(source, passing, train, np.concatenate([people_of[split] for split in SPLITS[1:]]))
    file_hashes = {str(Path(path).resolve()): sha256(path) for path in options.genotype_files}
    if featurizer is None:
        hashes = list(file_hashes.values())
        featurizer, everyone = make_features(
            options, task, report, folder, input_hashes=hashes, resources=resources, shared=shared
        )
    else:
        report.add_counts("featurizer", {"saved": True, "variants": len(featurizer.variants_)})
        everyone = apply_featurizer(featurizer, task, folder, resources)
    first = first_haplotype_features(featurizer, task, folder, resources) if options.phased else None
    edges = np.cumsum([len(people_of[split]) for split in SPLITS])[:-1]
    features = dict(zip(SPLITS, np.split(everyone, edges), strict=True))
    first_haplotypes = None if first is None else dict(zip(SPLITS, np.split(first, edges), strict=True))
    pc_columns = _add_components(options, in_every_cohort(task.checked), table, train, stay)

    description = CohortDescription(
        name=" + ".join(cohort_names(options.cohorts)),
        genotype_files=_resolved(options.genotypes),
        further_cohorts=[_resolved(files) for files in options.further_cohorts],
        merge=options.merge,
        file_hashes=file_hashes,
        genome_build=options.genome_build,
        label_column=options.label_column,
        label_names=label_names,
        label_threshold=threshold,
        covariates=known_columns(options.covariates, COVARIATE_NAMES, table, "--covariates"),
        batch_columns=known_columns(options.batch_columns, BATCH_NAMES, table, "--batch-columns"),
        pc_columns=pc_columns,
        group_column=options.group_column,
        featurizer_fingerprint=featurizer.fingerprint(),
        removed=people.counts | removal_counts(report),
        prevalence=options.prevalence,
        heritability=options.heritability,
        phased=options.phased,
    )
    record = run_record(options.seed, inputs, options=asdict(options), counts=_counts(table, label_names))
    with atomic_directory(folder) as temporary:
        write_prepared_cohort(
            temporary, description, table, featurizer, features, record, passing, report, first_haplotypes
        )
    if shared is not None:
        shared.end()
    return PreparedCohort(folder)


def _split(
    options: PrepareOptions,
    people: People,
    stay: np.ndarray,
    own_split: pd.Series | None,
    never_test: set[str],
) -> np.ndarray:
    """Split of the people who stay, shape (stay,): the user's own, or dealt by strata of the label."""
    table = people.table.iloc[stay]
    ids, families = table.index.to_numpy(dtype=str), table["family"].to_numpy(dtype=str)
    seen = table.index.isin(never_test)
    if own_split is not None:
        split = check_split_column(own_split.iloc[stay].rename(options.split_column))
        check_groups_apart(split, families, ids)
        if (seen & (split == "test")).any():
            raise UserError(
                f"{(seen & (split == 'test')).sum()} test people of column {options.split_column!r} were seen by the "
                f"encoder in its pre-training, e.g. {ids[seen & (split == 'test')][0]}: use another split or encoder"
            )
        return split
    if people.values is None:
        labelled = table["label"].to_numpy() != UNLABELLED
        strata = table["label"].to_numpy()
    else:
        labelled = np.isfinite(people.values[stay])
        strata = terciles(people.values[stay])
    # Nobody can be tested without a label, but a relative's label is reason enough to set a family apart.
    in_labelled_family = pd.Series(labelled).groupby(families).transform("any").to_numpy() & (families != "")
    testable = ~seen & (labelled | in_labelled_family if labelled.any() else True)
    return split_people(
        ids, strata=strata, groups=families, testable=testable, fractions=options.fractions, seed=options.seed
    )


def _add_components(
    options: PrepareOptions, source: GenotypeSource, table: pd.DataFrame, train: np.ndarray, stay: np.ndarray
) -> list[str]:
    """Put ``PC1`` ... into the table of people (missing for the removed); the names of the columns."""
    if not options.pcs:
        return []
    components = ancestry_components(source, train, stay, options.pcs)
    taken = [name for name in components if name in table]
    if taken:
        raise UserError(
            f"--pcs {options.pcs} would write {taken[0]}, which {options.phenotypes} already holds: rename that "
            "column, or name it among --covariates and leave --pcs out"
        )
    for name, column in components.items():
        table[name] = np.nan
        table.iloc[stay, table.columns.get_loc(name)] = column.to_numpy()
    return list(components)


def _count_merge(merge: MergeReport, report: QCReport) -> None:
    """What became of each cohort's variants: a line for the merge and one a cohort, without the zeros."""
    counts = asdict(merge)
    cohorts = counts.pop("cohorts")
    report.add_counts("merge", counts)
    for cohort in cohorts:
        name = cohort.pop("name")
        report.add_counts(f"of {name}", {what: n for what, n in cohort.items() if n})


def _resolved(paths: Sequence[str]) -> list[str]:
    return [str(Path(path).resolve()) for path in paths]


def _with_tables(paths: Sequence[str]) -> list[Path]:
    """The genotype files and the tables of variants and samples that lie beside them."""
    found = []
    for path in map(Path, paths):
        found.append(path)
        beside = [path.with_suffix(suffix) for suffix in (".bim", ".fam", ".pvar", ".psam")]
        found += [table for table in beside if path.suffix in (".bed", ".pgen") and table.is_file()]
    return found


def _counts(people: pd.DataFrame, label_names: list[str]) -> dict[str, dict[str, int]]:
    """People by split and class: what a run record may tell without naming anyone."""
    names = dict(enumerate(label_names)) | {UNLABELLED: "unlabelled"}
    table = pd.crosstab(people["split"], people["label"].map(names))
    return {str(split): {str(name): int(n) for name, n in row.items()} for split, row in table.iterrows()}
