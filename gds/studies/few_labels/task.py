"""One few-label task: who may be learned from, who is tested, and the arrays of each.

The only place where labels are handed out. The hidden labels of the other training people are not
in it, so that no method, generator or tuning step can see them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.features.dataset import PreparedCohort
from gds.features.featurizer import Featurizer
from gds.features.splits import UNLABELLED, few_label_subset
from gds.genotypes.first_haplotype import FirstHaplotypes
from gds.genotypes.matrix import is_phased


@dataclass(frozen=True)
class FewLabelTask:
    """People of one run, by role. All ids are in the order of the cohort's files.

    Attributes
    ----------
    cohort
        The prepared cohort.
    few, unlabelled, validation, test
        Sample ids, each of shape (sample,): the labelled few; the training people whose label is
        hidden; the validation people (unlabelled losses only); the people who are tested once.
    labels_few, labels_test
        Class indices of the first and last of these.
    notes
        What was done to the people, in sentences.
    """

    cohort: PreparedCohort
    few: np.ndarray
    unlabelled: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    labels_few: np.ndarray
    labels_test: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def class_names(self) -> list[str]:
        """Names of the classes; of two, the second is the positive one."""
        return self.cohort.description.label_names

    def table(self, ids: np.ndarray, columns: Sequence[str]) -> pd.DataFrame:
        """Columns of the phenotype table for the given people."""
        return self.cohort.people.loc[ids, list(columns)]

    def families(self, ids: np.ndarray) -> np.ndarray | None:
        """Family of each person, or None where the cohort has none; people without one are alone."""
        if not self.cohort.has_relatives:
            return None
        family = self.cohort.people.loc[ids, "family"].fillna("").astype(str).to_numpy()
        return np.where(family == "", np.char.add("alone:", np.asarray(ids, dtype=str)), family)

    def rows(self, ids: np.ndarray) -> np.ndarray:
        """Row of each person in the genotype files."""
        return self.cohort.people.index.get_indexer(ids)

    def dosages(self, ids: np.ndarray) -> np.ndarray:
        """Effect-allele counts of the variants that passed, shape (sample, variant), -1 missing."""
        return self.cohort.dosages()[self.rows(ids)]

    @property
    def variants(self) -> pd.DataFrame:
        """Table of the variants that are the columns of :meth:`dosages`."""
        source = self.cohort.source()
        return source.variants.iloc[self.cohort.kept_variants()].reset_index(drop=True)

    @property
    def pruned(self) -> np.ndarray:
        """Columns of :meth:`dosages` that remain after LD pruning in training people."""
        return self.cohort.pruned()

    def features(self, ids: np.ndarray, featurizer: Featurizer) -> np.ndarray:
        """Features of the given people by any saved featurizer, shape (sample, block, channel).

        Read from the prepared cohort where it was made with the same featurizer, otherwise computed.
        """
        if featurizer.fingerprint() != self.cohort.description.featurizer_fingerprint:
            return featurizer.transform(self.cohort.source(), self.rows(ids))
        return self._stored(ids, featurizer, self.cohort.features)

    def first_haplotypes(self, ids: np.ndarray, featurizer: Featurizer) -> np.ndarray | None:
        """As :meth:`features`, of people homozygous for the first haplotype of each; None for an unphased cohort."""
        if not self.cohort.description.phased:
            return None
        if featurizer.fingerprint() != self.cohort.description.featurizer_fingerprint:
            source = self.cohort.source()
            assert is_phased(source), "the cohort says that it is phased"
            haploid = FirstHaplotypes(source, need_all_phases=featurizer.kind == "pca")
            return featurizer.transform(haploid, self.rows(ids))
        return self._stored(ids, featurizer, self.cohort.first_haplotypes)

    def _stored(
        self, ids: np.ndarray, featurizer: Featurizer, of_split: Callable[[str], np.ndarray]
    ) -> np.ndarray:
        wanted = self.cohort.people.loc[ids, "split"].to_numpy()
        stored = {split: of_split(split) for split in {"train", *wanted}}
        result = np.empty((len(ids), *featurizer.is_padding_.shape), dtype=stored["train"].dtype)
        for split in np.unique(wanted):
            position = pd.Index(self.cohort.ids(split)).get_indexer(ids[wanted == split])
            result[wanted == split] = stored[split][position]
        return result


def few_label_task(cohort: PreparedCohort, n_labels: int | None, seed: int = 0) -> FewLabelTask:
    """Hide all but ``n_labels`` training labels (None: keep all).

    Raises
    ------
    UserError
        The cohort has no labels, too few of them, or a class that cannot be tested.
    """
    if cohort.n_classes < 2:
        raise UserError(
            f"{cohort.folder} has no labels: prepare it with --phenotypes TABLE --label-column NAME"
        )
    people = cohort.people
    train = np.flatnonzero(people["split"].to_numpy() == "train")
    label = people["label"].to_numpy()[train]
    groups = people["family"].fillna("").astype(str).to_numpy()[train] if cohort.has_relatives else None
    available = int((label != UNLABELLED).sum())
    chosen = few_label_subset(label, n_labels or available, seed=seed, groups=groups)
    return task_with_labels(cohort, people.index.to_numpy(dtype=str)[train[chosen]])


def task_with_labels(cohort: PreparedCohort, few: np.ndarray) -> FewLabelTask:
    """The task in which exactly these training people are labelled.

    Parameters
    ----------
    cohort
        A cohort with labels.
    few
        Their ids, in the order of the cohort's files.

    Raises
    ------
    UserError
        They are all of one class, or the test people do not cover two.
    """
    people = cohort.people
    split, label = people["split"].to_numpy(), people["label"].to_numpy()
    ids = people.index.to_numpy(dtype=str)
    train = np.flatnonzero(split == "train")
    known = np.flatnonzero(people.index.isin(few) & (split == "train"))
    if len(np.unique(label[known])) < 2:
        raise UserError(f"the training people of {cohort.folder} all have one label: nothing can be learned")
    test = np.flatnonzero((split == "test") & (label != UNLABELLED))
    if len(np.unique(label[test])) < 2:
        raise UserError(
            f"the {len(test)} labelled test people of {cohort.folder} do not cover two classes: "
            "give a larger test fraction or another split column"
        )
    return FewLabelTask(
        cohort=cohort,
        few=ids[known],
        unlabelled=ids[np.setdiff1d(train, known)],
        validation=ids[split == "validation"],
        test=ids[test],
        labels_few=label[known],
        labels_test=label[test],
    )


def people_counts(task: FewLabelTask) -> dict[str, dict[str, int]]:
    """Number of people by role, and by class where the run may know it."""

    def by_class(labels: np.ndarray) -> dict[str, int]:
        counts = np.bincount(labels, minlength=len(task.class_names))
        return {name: int(n) for name, n in zip(task.class_names, counts, strict=True)}

    return {
        "labelled few": {"people": len(task.few), **by_class(task.labels_few)},
        "unlabelled": {"people": len(task.unlabelled)},
        "validation": {"people": len(task.validation)},
        "test": {"people": len(task.test), **by_class(task.labels_test)},
    }


def check_encoder_people(task: FewLabelTask, seen: pd.Index, encoder: str, allow_transductive: bool) -> bool:
    """Whether an encoder has seen test people; refuse that unless it was asked for.

    Returns
    -------
    bool
        True if the run is transductive.

    Raises
    ------
    UserError
        Test people were among those the encoder was pre-trained on.
    """
    overlap = seen.intersection(task.test)
    if len(overlap) and not allow_transductive:
        raise UserError(
            f"{len(overlap)} of {len(task.test)} test people (e.g. {overlap[0]}) were seen by the encoder {encoder} "
            "in its pre-training: use the cohort it was trained on (--data), give --genotypes so that a split "
            "without them is made, or say --allow-transductive and the page will say so"
        )
    return len(overlap) > 0
