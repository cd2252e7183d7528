"""The people under audit: labels, genotypes, and all that might explain a label without a genotype."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from gds.errors import UserError, did_you_mean
from gds.features.dataset import PreparedCohort
from gds.features.people import BATCH_NAMES, COVARIATE_NAMES, known_columns, read_people
from gds.features.prepare_options import PrepareOptions
from gds.features.splits import UNLABELLED, check_split_column
from gds.genotypes.variant_view import cohort_names, open_autosomes

ANCESTRY_NAMES = ("population", "superpopulation", "ancestry", "ethnicity", "pop", "superpop")


@dataclass(frozen=True)
class AuditCohort:
    """Labelled people with their genotypes and table.

    Attributes
    ----------
    name
        Of the cohort, for the page.
    labels
        0 or 1, shape (sample,).
    class_names
        Names of the two classes.
    dosage
        int8, shape (sample, variant), -1 missing.
    table
        The phenotype table, one row a person, indexed by id.
    batch_columns, covariates, pc_columns
        Columns that say how people were genotyped; that a clinic knows; that stand for ancestry.
    ancestry_column
        Column with names of ancestry groups, or None.
    families
        Names, shape (sample,), unique for people who are alone; None: not known.
    is_test
        Of the split under audit, shape (sample,); None: there is none.
    predictions
        Probability or score of class 1 by the classifier under audit, shape (sample,), NaN for people whom
        it did not predict; None: the audit's own classifier stands alone.
    is_selected
        Variants that the classifier under audit uses, shape (variant,); None: all.
    chosen_by
        Recorded provenance: whose labels chose the variants, bool (sample,), all False: nobody's; None: not recorded.
    prevalence, heritability
        Of the disease in the population, and of its liability by SNPs, for the ceiling; or None.

    Raises
    ------
    UserError
        Fewer than 10 people of a class, or arrays that do not fit together.
    """

    name: str
    labels: np.ndarray
    class_names: Sequence[str]
    dosage: np.ndarray
    table: pd.DataFrame
    batch_columns: Sequence[str] = ()
    covariates: Sequence[str] = ()
    pc_columns: Sequence[str] = ()
    ancestry_column: str | None = None
    families: np.ndarray | None = None
    is_test: np.ndarray | None = None
    predictions: np.ndarray | None = None
    is_selected: np.ndarray | None = None
    chosen_by: np.ndarray | None = None
    prevalence: float | None = None
    heritability: float | None = None
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        n = len(self.labels)
        for what in ("dosage", "table", "families", "is_test", "predictions", "chosen_by"):
            value = getattr(self, what)
            if value is not None and len(value) != n:
                raise UserError(f"audit: {what} holds {len(value)} people, labels {n}")
        counts = np.bincount(np.asarray(self.labels, dtype=np.int64), minlength=2)
        if len(counts) != 2 or counts.min() < 10:
            raise UserError(
                f"an audit needs two classes of at least 10 people each, found {', '.join(map(str, counts))}"
            )
        columns = [*self.batch_columns, *self.covariates, *self.pc_columns]
        for name in columns + ([self.ancestry_column] if self.ancestry_column else []):
            if name not in self.table:
                raise UserError(f"audit: no column {name!r}; {did_you_mean(name, self.table.columns)}")

    @property
    def is_tested(self) -> np.ndarray:
        """Who is tested: by the split, else those predicted, else everyone in turn; bool (sample,)."""
        if self.is_test is not None:
            return self.is_test
        if self.predictions is not None:
            return np.isfinite(self.predictions)
        return np.ones(len(self.labels), dtype=bool)

    @property
    def n_tested_choosers(self) -> int:
        """How many of the tested are recorded among those whose labels chose the variants."""
        return 0 if self.chosen_by is None else int((self.chosen_by & self.is_tested).sum())

    def take(self, rows: np.ndarray) -> "AuditCohort":
        """Some of the people."""

        def chosen(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[rows]

        return replace(
            self, labels=self.labels[rows], dosage=self.dosage[rows], table=self.table.iloc[rows],
            families=chosen(self.families), is_test=chosen(self.is_test), predictions=chosen(self.predictions),
            chosen_by=chosen(self.chosen_by),
        )  # fmt: skip


def cohort_of_prepared(
    cohort: PreparedCohort,
    *,
    predictions: pd.Series | None = None,
    ancestry_column: str | None = None,
) -> AuditCohort:
    """The labelled people of a prepared cohort, with its own split and columns.

    Parameters
    ----------
    cohort
        Of ``gds prepare``.
    predictions
        Score of class 1, indexed by id, of some people.
    ancestry_column
        None: a column of a known name (population, ancestry, ...), where there is one.
    """
    people, description = cohort.people, cohort.description
    if len(description.label_names) != 2:
        raise UserError(f"an audit is of two classes, {cohort.folder} has {len(description.label_names)}")
    rows = np.flatnonzero(people["split"].isin(["train", "test"]) & (people["label"] != UNLABELLED))
    table = people.iloc[rows]
    return AuditCohort(
        name=description.name,
        labels=table["label"].to_numpy(np.int64),
        class_names=description.label_names,
        dosage=cohort.source().read(cohort.kept_variants())[rows],
        table=table,
        batch_columns=description.batch_columns,
        covariates=description.covariates,
        pc_columns=description.pc_columns,
        ancestry_column=ancestry_column or known_ancestry(table),
        families=_families(table) if cohort.has_relatives else None,
        is_test=(table["split"] == "test").to_numpy(),
        predictions=None if predictions is None else predictions.reindex(table.index).to_numpy(np.float64),
        chosen_by=np.zeros(len(rows), dtype=bool),  # by quality among training people, without labels
        prevalence=description.prevalence,
        heritability=description.heritability,
    )


def cohort_of_files(
    options: PrepareOptions,
    *,
    predictions: pd.Series | None = None,
    ancestry_column: str | None = None,
    selected_variants: Sequence[str] | None = None,
    selection_people: Sequence[str] | None = None,
) -> AuditCohort:
    """The labelled people of genotype files and a phenotype table, as they are: nothing is filtered.

    Parameters
    ----------
    options
        Files and columns; those about quality and features are not used.
    predictions, ancestry_column
        As in :func:`cohort_of_prepared`.
    selected_variants
        Ids of the variants that the classifier under audit uses; None: all of the files.
    selection_people
        Ids of the people whose labels chose them; None: not recorded.
    """
    source, _ = open_autosomes(options.cohorts, options.merge)
    people = read_people(options, source)
    if not options.label_column or len(people.label_names) != 2:
        raise UserError(
            f"an audit is of two classes: name their column (--label-column); found {people.label_names}"
        )
    labelled = (people.table["label"] != UNLABELLED).to_numpy()
    split = None
    if options.split_column:
        split = check_split_column(people.table["split"][labelled].rename(options.split_column))
        labelled[np.flatnonzero(labelled)[split == "validation"]] = False
        split = split[split != "validation"]
    rows = np.flatnonzero(labelled)
    table = people.table.iloc[rows]
    chosen = None
    if selected_variants is not None:
        chosen = source.variants["id"].isin(set(selected_variants)).to_numpy()
        if not chosen.any():
            raise UserError(
                f"none of the {len(set(selected_variants)):,} selected variants (e.g. {next(iter(selected_variants))}) "
                f"is in {options.genotypes[0]} (e.g. {source.variants['id'].iloc[0]}): are these ids of another file?"
            )
    families = _families(table)
    return AuditCohort(
        name=" + ".join(cohort_names(options.cohorts)),
        labels=table["label"].to_numpy(np.int64),
        class_names=people.label_names,
        dosage=source.read(np.arange(len(source.variants)), rows),
        table=table,
        batch_columns=known_columns(options.batch_columns, BATCH_NAMES, table, "--batch-columns"),
        covariates=known_columns(options.covariates, COVARIATE_NAMES, table, "--covariates"),
        ancestry_column=ancestry_column or known_ancestry(table),
        families=families if len(set(families)) < len(families) else None,
        is_test=None if split is None else split == "test",
        predictions=None if predictions is None else predictions.reindex(table.index).to_numpy(np.float64),
        is_selected=chosen,
        chosen_by=None if selection_people is None else table.index.astype(str).isin(set(selection_people)),
        prevalence=options.prevalence,
        heritability=options.heritability,
    )


def known_ancestry(table: pd.DataFrame) -> str | None:
    """The first column with a name that means ancestry."""
    found = [str(name) for name in table.columns if str(name).lower() in ANCESTRY_NAMES]
    return found[0] if found else None


def _families(table: pd.DataFrame) -> np.ndarray:
    """Family names, people without one under their own id."""
    family = table["family"].fillna("").astype(str).replace("0", "").to_numpy(dtype=str)
    return np.where(family == "", np.char.add("alone:", table.index.to_numpy(dtype=str)), family)
