"""The table of people: who was genotyped, and what the phenotype table says of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gds.errors import UserError, did_you_mean
from gds.features.labels import encode_labels, measured_values
from gds.features.prepare_options import PrepareOptions
from gds.features.splits import UNLABELLED
from gds.genotypes import GenotypeSource, read_phenotypes

COVARIATE_NAMES = ("sex", "age")
BATCH_NAMES = ("cohort", "batch", "plate", "site", "array", "chip", "center", "centre")
RESERVED_COLUMNS = ("id", "features", "labels", "split", "label", "family", "removed_because")


@dataclass
class People:
    """Everyone genotyped, before anybody is removed.

    Attributes
    ----------
    table
        Indexed by id, in the order of the genotype files: ``family`` ("" if none), ``label`` (class index,
        -100 unlabelled; all unlabelled while a measurement is not yet cut), ``split`` where the user gave
        one, and the columns of the phenotype table.
    label_names
        Names of the classes; empty without labels, and while a measurement is not yet cut.
    values
        The measurement to be cut, float64, shape (sample,), NaN missing; None where labels are classes.
    counts
        How the phenotype table and the genotypes overlap.
    """

    table: pd.DataFrame
    label_names: list[str]
    values: np.ndarray | None
    counts: dict[str, int]


def read_people(options: PrepareOptions, source: GenotypeSource) -> People:
    """Join the people of the genotype files with the phenotype table.

    Raises
    ------
    UserError
        Columns or ids that do not fit; the message shows both sides.
    """
    people = source.samples.set_index("id")[["family"]].copy()
    people["label"] = UNLABELLED
    if "cohort" in source.samples:
        people["cohort"] = source.samples["cohort"].to_numpy()
    if options.label_threshold is not None and not options.label_column:
        raise UserError("--label-threshold needs --label-column NAME: the measurement that it cuts")
    if options.phenotypes is None:
        if options.label_column or options.split_column:
            raise UserError("--label-column and --split-column need --phenotypes TABLE")
        return People(people, [], None, {})
    table = read_phenotypes(options.phenotypes, id_column=options.id_column)
    shared = people.index.intersection(table.index)
    if shared.empty:
        raise UserError(
            f"no sample id of {options.phenotypes} (e.g. {', '.join(table.index[:5])}) is among those of "
            f"{options.genotypes[0]} (e.g. {', '.join(people.index[:5])}): is another column the id (--id-column)?"
        )
    counts = {
        "phenotype_rows_without_genotypes": len(table) - len(shared),
        "people_without_a_phenotype_row": len(people) - len(shared),
    }
    if "cohort" in people and "cohort" in table:
        raise UserError(
            f"{options.phenotypes} has a column 'cohort', which is the name of each of the merged cohorts: rename it"
        )
    people = people.join(table.drop(columns=[name for name in table.columns if name in RESERVED_COLUMNS]))
    for option, column in (
        ("--label-column", options.label_column),
        ("--group-column", options.group_column),
        ("--split-column", options.split_column),
    ):
        if column is not None and column not in table.columns:
            raise UserError(
                f"{option} {column}: no such column in {options.phenotypes}; {did_you_mean(column, table.columns)}"
            )
    names: list[str] = []
    values = None
    if options.label_column and options.label_threshold is not None:
        if options.label_column in RESERVED_COLUMNS:
            raise UserError(
                f"a measurement cannot be called {options.label_column!r} here: rename the column"
            )
        values = measured_values(people[options.label_column])
    elif options.label_column:
        people["label"], names = encode_labels(table[options.label_column].reindex(people.index))
    if options.group_column:
        people["family"] = table[options.group_column].reindex(people.index).fillna("").astype(str)
    if options.split_column:
        people["split"] = table[options.split_column].reindex(people.index)
    return People(people, names, values, counts)


def known_columns(
    asked: Sequence[str] | None, known: Sequence[str], people: pd.DataFrame, option: str
) -> list[str]:
    """Columns asked for, or those of the table whose names are known.

    Raises
    ------
    UserError
        A column that was asked for is not in the table.
    """
    if asked is None:
        return [name for name in people.columns if str(name).lower() in known]
    for name in asked:
        if name not in people.columns or name in RESERVED_COLUMNS:
            raise UserError(
                f"{option} {name}: no such column; {did_you_mean(name, set(people.columns) - set(RESERVED_COLUMNS))}"
            )
    return list(asked)
