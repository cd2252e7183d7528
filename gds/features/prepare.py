"""From genotype files and a phenotype table to a prepared cohort: split first, then fit."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gds.errors import UserError, did_you_mean
from gds.features.dataset import CohortDescription, PreparedCohort, write_prepared_cohort
from gds.features.featurizer import Featurizer
from gds.features.gene_pca import GenePCA
from gds.features.gene_tokens import GeneTokens
from gds.features.splits import SPLITS, UNLABELLED, check_groups_apart, check_split_column, split_people
from gds.files import atomic_directory, read_json, sha256
from gds.genotypes import GenotypeSource, assign_blocks, open_genotypes, read_phenotypes
from gds.provenance import run_record

COVARIATE_NAMES = ("sex", "age")
BATCH_NAMES = ("batch", "plate", "site", "array", "chip", "center", "centre")
POSITIVE_NAMES = ("case", "cases", "affected", "yes", "true", "als")
RESERVED_COLUMNS = ("id", "features", "labels", "split", "label", "family")


@dataclass(frozen=True)
class PrepareOptions:
    """Everything that decides what ``gds prepare`` writes."""

    genotypes: Sequence[str]
    phenotypes: str | None = None
    label_column: str | None = None
    id_column: str | None = None
    covariates: Sequence[str] | None = None  # None: sex and age, where the table has them
    batch_columns: Sequence[str] | None = None  # None: batch, plate, site, array, ... where it has them
    group_column: str | None = None
    split_column: str | None = None
    fractions: tuple[float, float, float] = (0.7, 0.1, 0.2)
    blocks: str = "window:64"
    features: str = "pca"
    n_components: int = 8
    max_slots: int = 64
    genome_build: str | None = None
    prevalence: float | None = None
    heritability: float | None = None
    seed: int = 0


def prepare_cohort(
    options: PrepareOptions,
    folder: str | Path,
    *,
    featurizer: Featurizer | None = None,
    never_test: Sequence[str] = (),
) -> PreparedCohort:
    """Split people, fit a featurizer on the training people, write everyone's features.

    Parameters
    ----------
    options
        Files, columns, blocks, kind of features, seed.
    folder
        Where the prepared cohort goes; replaced only when all of it is written.
    featurizer
        A fitted featurizer (of a pre-trained encoder) to use instead of fitting one.
    never_test
        Ids of people whom that encoder has seen: they may train but are never tested.

    Returns
    -------
    PreparedCohort

    Raises
    ------
    UserError
        Columns, ids, labels or blocks that do not fit; see the message.
    """
    source = open_genotypes(list(options.genotypes))
    people, label_names, removed = _people(options, source)
    people["split"] = _split(options, people, set(never_test))
    if featurizer is None:
        train = np.flatnonzero(people["split"] == "train")
        featurizer = _fit(options, source, train)
    features = {
        split: featurizer.transform(source, np.flatnonzero(people["split"] == split)) for split in SPLITS
    }
    files = sorted(str(path) for path in _with_tables(options.genotypes))
    description = CohortDescription(
        name=_cohort_name(options.genotypes[0]),
        genotype_files=[str(Path(path).resolve()) for path in options.genotypes],
        file_hashes={str(Path(path).resolve()): sha256(path) for path in options.genotypes},
        genome_build=options.genome_build,
        label_column=options.label_column,
        label_names=label_names,
        covariates=_columns(options.covariates, COVARIATE_NAMES, people, "--covariates"),
        batch_columns=_columns(options.batch_columns, BATCH_NAMES, people, "--batch-columns"),
        group_column=options.group_column,
        featurizer_fingerprint=featurizer.fingerprint(),
        removed=removed,
        prevalence=options.prevalence,
        heritability=options.heritability,
    )
    inputs = [*files, *([options.phenotypes] if options.phenotypes else [])]
    record = run_record(options.seed, inputs, options=asdict(options), counts=_counts(people, label_names))
    with atomic_directory(folder) as temporary:
        write_prepared_cohort(temporary, description, people, featurizer, features, record)
    return PreparedCohort(folder)


def options_for_simulated(folder: str | Path, **changes: Any) -> PrepareOptions:
    """Options for a cohort directory written by ``gds simulate``: its own genes, labels and columns."""
    folder = Path(folder)
    candidates = [folder / f"cohort{suffix}" for suffix in (".bed", ".pgen")]
    found = [str(path) for path in candidates if path.is_file()]
    if not found:
        raise UserError(f"{folder} holds no simulated cohort (no cohort.bed or cohort.pgen)")
    parameters = read_json(folder / "run.json")["parameters"]
    defaults: dict[str, Any] = {
        "genotypes": found,
        "phenotypes": str(folder / "phenotypes.tsv"),
        "label_column": "ALS",
        "blocks": str(folder / "genes.tsv"),
        "genome_build": "hg19",
        "prevalence": parameters["prevalence"],
        "heritability": parameters["heritability"],
    }
    return PrepareOptions(**(defaults | changes))


def _people(
    options: PrepareOptions, source: GenotypeSource
) -> tuple[pd.DataFrame, list[str], dict[str, Any]]:
    """One row a genotyped person in file order: label, family, phenotypes; and what was left out."""
    people = source.samples.set_index("id")[["family"]].copy()
    people["label"] = UNLABELLED
    if options.phenotypes is None:
        if options.label_column or options.split_column:
            raise UserError("--label-column and --split-column need --phenotypes TABLE")
        return people, [], {}
    table = read_phenotypes(options.phenotypes, id_column=options.id_column)
    shared = people.index.intersection(table.index)
    if shared.empty:
        raise UserError(
            f"no sample id of {options.phenotypes} (e.g. {', '.join(table.index[:5])}) is among those of "
            f"{options.genotypes[0]} (e.g. {', '.join(people.index[:5])}): is another column the id (--id-column)?"
        )
    removed = {"phenotype_rows_without_genotypes": len(table) - len(shared)}
    removed["people_without_a_phenotype_row"] = len(people) - len(shared)
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
    if options.label_column:
        people["label"], names = encode_labels(table[options.label_column].reindex(people.index))
    if options.group_column:
        people["family"] = table[options.group_column].reindex(people.index).fillna("").astype(str)
    if options.split_column:
        people["split"] = table[options.split_column].reindex(people.index)
    return people, names, removed


def encode_labels(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Class indices and names of a label column.

    Missing values and PLINK's -9 are unlabelled (-100). Classes are sorted, numbers as numbers; of two
    classes the second is the positive one, so ``case``, ``affected``, ``yes``, ``true`` and ``ALS`` are
    put second.

    Raises
    ------
    UserError
        Fewer than two classes, or so many that the column is a measurement rather than a label.
    """
    missing = values.isna() | values.astype(str).isin(["-9", "-9.0", "NA", ""])
    present = values[~missing]
    if pd.api.types.is_float_dtype(present) and (present % 1 == 0).all():
        present = present.astype(int)
    classes = sorted(present.unique().tolist())
    if len(classes) < 2:
        found = f"only {classes[0]!r}" if classes else "no value at all"
        raise UserError(f"label column {values.name!r} holds {found}: at least two classes are needed")
    people_a_class = len(present) / len(classes)
    if len(classes) > 10 and people_a_class < (10 if pd.api.types.is_numeric_dtype(present) else 2):
        raise UserError(
            f"label column {values.name!r} holds {len(classes)} different values for {len(present)} people: "
            "this looks like a measurement; give classes"
        )
    if len(classes) == 2 and str(classes[0]).lower() in POSITIVE_NAMES:
        classes.reverse()
    codes = pd.Series(UNLABELLED, index=values.index, dtype=np.int64)
    codes[~missing] = present.map({label: index for index, label in enumerate(classes)})
    return codes.to_numpy(), [str(label) for label in classes]


def _columns(
    asked: Sequence[str] | None, known: Sequence[str], people: pd.DataFrame, option: str
) -> list[str]:
    """Columns asked for, or those of the table whose names are known."""
    if asked is None:
        return [name for name in people.columns if str(name).lower() in known]
    for name in asked:
        if name not in people.columns or name in RESERVED_COLUMNS:
            raise UserError(
                f"{option} {name}: no such column; {did_you_mean(name, set(people.columns) - set(RESERVED_COLUMNS))}"
            )
    return list(asked)


def _split(options: PrepareOptions, people: pd.DataFrame, never_test: set[str]) -> np.ndarray:
    ids, families = people.index.to_numpy(dtype=str), people["family"].to_numpy(dtype=str)
    seen = people.index.isin(never_test)
    if options.split_column:
        split = check_split_column(people["split"].rename(options.split_column))
        check_groups_apart(split, families, ids)
        if (seen & (split == "test")).any():
            raise UserError(
                f"{(seen & (split == 'test')).sum()} test people of column {options.split_column!r} were seen by the "
                f"encoder in its pre-training, e.g. {ids[seen & (split == 'test')][0]}: use another split or encoder"
            )
        return split
    labelled = people["label"].to_numpy() != UNLABELLED
    testable = ~seen & (labelled if labelled.any() else True)
    return split_people(
        ids,
        strata=people["label"].to_numpy(),
        groups=families,
        testable=testable,
        fractions=options.fractions,
        seed=options.seed,
    )


def _fit(options: PrepareOptions, source: GenotypeSource, train: np.ndarray) -> Featurizer:
    """Fit the featurizer of the kind asked for on training people alone."""
    if options.features == "pca":
        blocks = assign_blocks(source.variants, options.blocks)
        return GenePCA(n_components=options.n_components).fit(source, blocks, train)
    if options.features == "tokens":
        blocks = assign_blocks(source.variants, options.blocks, max_variants=options.max_slots)
        return GeneTokens(max_slots=options.max_slots).fit(source, blocks, train)
    raise UserError(f"features {options.features!r}: {did_you_mean(options.features, ['pca', 'tokens'])}")


def _with_tables(paths: Sequence[str]) -> list[Path]:
    """The genotype files and the tables of variants and samples that lie beside them."""
    found = []
    for path in map(Path, paths):
        found.append(path)
        beside = [path.with_suffix(suffix) for suffix in (".bim", ".fam", ".pvar", ".psam")]
        found += [table for table in beside if path.suffix in (".bed", ".pgen") and table.is_file()]
    return found


def _cohort_name(path: str) -> str:
    """Name of the file, or of its folder where that says more."""
    stem = Path(path).name.split(".")[0]
    return Path(path).resolve().parent.name if stem == "cohort" else stem


def _counts(people: pd.DataFrame, label_names: list[str]) -> dict[str, dict[str, int]]:
    """People by split and class: what a run record may tell without naming anyone."""
    names = dict(enumerate(label_names)) | {UNLABELLED: "unlabelled"}
    table = pd.crosstab(people["split"], people["label"].map(names))
    return {str(split): {str(name): int(n) for name, n in row.items()} for split, row in table.iterrows()}
