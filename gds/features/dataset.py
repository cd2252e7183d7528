"""A prepared cohort on disk: features as a ``datasets.DatasetDict``, and who was used for what.

::

    DIR/{train,validation,test}/   Arrow: id, features, labels, and one column a covariate; of phased
                                   people also first_haplotype, features of one homozygous for it
    DIR/featurizer/                what turned genotypes into features, fitted on training people
    DIR/blocks.tsv                 a line a block: variants and, of components, their number, the share of
                                   variance they keep and the r2 of dosages that come back
    DIR/people.tsv                 id, split, label, family, covariates: local, never pushed. Everyone
                                   genotyped is in it; those whom quality control removed have the
                                   split "removed" and the reason beside it
    DIR/cohort.json                names of classes and columns, files and their hashes, what was removed
    DIR/kept_variants.npy          indices of the variants that passed, or of all where none was checked
    DIR/qc.json                    every filter: whom or what it removed, and why
    DIR/qc_removed_{people,variants}.tsv
    DIR/run.json                   how to make it again
"""

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.features.featurizer import Featurizer
from gds.features.splits import SPLITS, UNLABELLED
from gds.files import read_json, sha256, write_json
from gds.genotypes import GenotypeSource
from gds.genotypes.ld import ld_prune
from gds.genotypes.quality import QCReport
from gds.genotypes.variant_view import open_autosomes

if TYPE_CHECKING:
    import datasets


REMOVED = "removed"  # the split of people whom quality control removed


@dataclass(frozen=True)
class CohortDescription:
    """What must be known about a prepared cohort beside its arrays; ``cohort.json``."""

    name: str
    genotype_files: list[str]
    file_hashes: dict[str, str]
    genome_build: str | None
    label_column: str | None
    label_names: list[str]
    covariates: list[str]
    batch_columns: list[str]
    group_column: str | None
    featurizer_fingerprint: str
    removed: dict[str, Any] = field(default_factory=dict)
    prevalence: float | None = None
    heritability: float | None = None
    label_threshold: float | None = None  # of a measurement: the class is "high" above it
    pc_columns: list[str] = field(default_factory=list)
    further_cohorts: list[list[str]] = field(default_factory=list)  # files of merged cohorts beside the first
    merge: Literal["intersection", "union"] = "intersection"
    phased: bool = False  # whether there are features of single haplotypes


class PreparedCohort:
    """The result of ``gds prepare``, opened.

    Attributes
    ----------
    folder
        Where it lies.
    description
        :class:`CohortDescription`.
    people
        Table indexed by id, in the order of the genotype files: ``split`` (train, validation, test or
        removed), ``label`` (class index, -100 unlabelled), ``family`` (relatives share one, "" is alone),
        ``removed_because`` and the columns of the phenotype table. A measurement that was cut into classes
        keeps its values under its own name.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not (self.folder / "cohort.json").is_file():
            raise UserError(
                f"{self.folder} is not a prepared cohort (it has no cohort.json): "
                "make one with gds prepare --genotypes FILES --out DIR"
            )
        self.description = CohortDescription(**read_json(self.folder / "cohort.json"))
        self.people = pd.read_csv(
            self.folder / "people.tsv", sep="\t", dtype={"id": str, "family": str}, keep_default_na=False,
            na_values=["NA"],
        ).set_index("id")  # fmt: skip
        self._arrays: dict[str, np.ndarray] = {}  # shared with copies that differ in labels only

    def with_labels_of(self, ids: np.ndarray) -> "PreparedCohort":
        """The same cohort as if nobody else had ever been labelled or measured: what a method may be handed.

        Parameters
        ----------
        ids
            People whose label (and measurement) stays.
        """
        known = self.people.index.isin(ids)
        people = self.people.copy()
        people.loc[~known, "label"] = UNLABELLED
        column = self.description.label_column
        if column in people:
            people[column] = people[column].where(known)
        blinded = copy.copy(self)
        blinded.people = people
        return blinded

    @property
    def n_classes(self) -> int:
        """Number of label classes; 0 without labels."""
        return len(self.description.label_names)

    @property
    def has_relatives(self) -> bool:
        """Whether any two people share a family: folds and intervals must then keep families together."""
        family = self.people["family"].fillna("").astype(str)
        return bool(family[family != ""].duplicated().any())

    def quality(self) -> dict[str, Any]:
        """What ``qc.json`` holds."""
        return read_json(self.folder / "qc.json")

    def featurizer(self) -> Featurizer:
        """The featurizer that made the features."""
        return Featurizer.from_pretrained(self.folder / "featurizer")

    def dataset(self) -> "datasets.DatasetDict":
        """Features, labels, covariates and ids of each split, memory-mapped."""
        import datasets

        return datasets.load_from_disk(str(self.folder))

    def ids(self, split: str) -> np.ndarray:
        """Sample ids of one split, in the order of the dataset's rows; shape (sample,)."""
        return self.people.index[self.people["split"] == split].to_numpy(dtype=str)

    def source(self) -> GenotypeSource:
        """The genotype files behind the features, for methods that work on dosages.

        Raises
        ------
        UserError
            A file is gone, or its content is no longer what was prepared.
        """
        for path, expected in self.description.file_hashes.items():
            if not Path(path).is_file():
                raise UserError(
                    f"{path}, from which {self.folder} was prepared, is gone: put it back or prepare again"
                )
            if sha256(path) != expected:
                raise UserError(
                    f"{path} has changed since {self.folder} was prepared from it: "
                    "prepare again, or restore the file"
                )
        description = self.description
        cohorts = [description.genotype_files, *description.further_cohorts]
        return open_autosomes(cohorts, description.merge, phased=description.phased)[0]

    def kept_variants(self) -> np.ndarray:
        """Ascending indices of the variants of :meth:`source` that passed quality control, int64."""
        return np.load(self.folder / "kept_variants.npy", allow_pickle=False)

    def dosages(self) -> np.ndarray:
        """Effect-allele counts of the variants that passed, int8 (sample, variant), -1 missing; read once."""
        if "dosages" not in self._arrays:
            self._arrays["dosages"] = self.source().read(self.kept_variants())
        return self._arrays["dosages"]

    def pruned(self) -> np.ndarray:
        """Columns of :meth:`dosages` that remain after LD pruning (r2 < .2 within 500 kb) in training people."""
        if "pruned" not in self._arrays:
            kept, train = self.kept_variants(), np.flatnonzero(self.people["split"] == "train")
            remaining = ld_prune(self.source(), samples=train, variants=kept)
            self._arrays["pruned"] = np.searchsorted(kept, remaining)
        return self._arrays["pruned"]

    def features(self, split: str) -> np.ndarray:
        """Features of one split, shape (sample, block, channel); a view of the Arrow file where possible."""
        return stacked_features(self.dataset()[split], self.featurizer().is_padding_.shape)

    def first_haplotypes(self, split: str) -> np.ndarray:
        """As :meth:`features`, of people homozygous for the first haplotype of each; the second is 2 x - first.

        Raises
        ------
        UserError
            The cohort was prepared without phase.
        """
        if not self.description.phased:
            raise UserError(f"{self.folder} has no haplotypes: prepare phased genotypes with --phased")
        shape = self.featurizer().is_padding_.shape
        return stacked_features(self.dataset()[split], shape, "first_haplotype")


def stacked_features(
    dataset: "datasets.Dataset", shape: tuple[int, ...], column: str = "features"
) -> np.ndarray:
    """A column of features as one array, shape (sample, block, channel), without copying a single chunk."""
    chunks = [
        chunk.flatten().to_numpy(zero_copy_only=True).reshape(-1, *shape)
        for chunk in dataset.data.column(column).chunks
    ]
    if not chunks:
        return np.empty((0, *shape), dtype=np.float32)
    return chunks[0] if len(chunks) == 1 else np.concatenate(chunks)


def write_prepared_cohort(
    folder: Path,
    description: CohortDescription,
    people: pd.DataFrame,
    featurizer: Featurizer,
    features: dict[str, np.ndarray],
    record: dict[str, Any],
    kept_variants: np.ndarray,
    quality: QCReport,
    first_haplotypes: dict[str, np.ndarray] | None = None,
) -> None:
    """Write all of a prepared cohort into ``folder`` (make it atomic with :func:`gds.files.atomic_directory`).

    Parameters
    ----------
    folder
        An existing, empty directory.
    description, people, featurizer, record
        As read back by :class:`PreparedCohort`.
    features
        For each split the features of its people in the order of ``people``; (sample, block, channel).
    kept_variants
        Indices of the variants that passed.
    quality
        Every filter.
    first_haplotypes
        As ``features``, of the first haplotype of each; None for unphased people.
    """
    import datasets

    datasets.disable_progress_bars()  # of copies that take a moment
    splits = datasets.DatasetDict()
    for split in SPLITS:
        table = people[people["split"] == split]
        further = {"id": table.index.astype(str)}
        for name in dict.fromkeys(
            [*description.covariates, *description.batch_columns, *description.pc_columns]
        ):
            further[name] = table[name]
        first = None if first_haplotypes is None else first_haplotypes[split]
        splits[split] = arrow_dataset(features[split], table["label"].to_numpy(), further, first)
    splits.save_to_disk(str(folder))
    featurizer.save_pretrained(folder / "featurizer")
    featurizer.report_.to_csv(folder / "blocks.tsv", sep="\t", index=False, float_format="%.6g")
    people.to_csv(folder / "people.tsv", sep="\t", index_label="id", na_rep="NA")
    write_json(folder / "cohort.json", asdict(description))
    quality.write(folder)
    np.save(folder / "kept_variants.npy", kept_variants)
    write_json(folder / "run.json", record)


def arrow_dataset(
    features: np.ndarray,
    labels: np.ndarray,
    further: dict[str, Sequence[Any]] | None = None,
    first_haplotype: np.ndarray | None = None,
) -> "datasets.Dataset":
    """Arrays as a ``datasets.Dataset``: the form in which networks are given people.

    Parameters
    ----------
    features
        Shape (sample, block, channel); stored as one fixed-size list a person.
    labels
        Class index of each person, -100 unlabelled; shape (sample,).
    further
        More columns by name, each of length sample.
    first_haplotype
        As ``features``, of the first haplotype of each; None for unphased people.
    """
    import datasets
    import pyarrow as pa

    def lists(values: np.ndarray) -> Any:
        flat = pa.array(np.ascontiguousarray(values).reshape(-1))
        return pa.FixedSizeListArray.from_arrays(flat, int(np.prod(values.shape[1:])))

    columns = {"features": lists(features), "labels": pa.array(np.asarray(labels, dtype=np.int64))}
    if first_haplotype is not None:
        columns["first_haplotype"] = lists(first_haplotype)
    for name, values in (further or {}).items():
        columns[name] = pa.array(list(values), from_pandas=True)
    return datasets.Dataset(datasets.table.InMemoryTable(pa.table(columns)))
