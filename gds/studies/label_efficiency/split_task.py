"""Few-label tasks on genotypes in memory, split anew and anew: who is learned from, who is tested.

:mod:`gds.studies.few_labels.task` serves one prepared cohort with one test set. Where people are few, what a method
is worth shows over many splits only, and preparing a cohort for each would cost more than the methods do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from gds.classifiers.haplotypes.haplotype_copying import HaplotypeCopying
from gds.errors import UserError
from gds.features.labels import cut_at_threshold
from gds.features.splits import split_people
from gds.files import atomic_path
from gds.genotypes import Genotypes
from gds.genotypes.ld import ld_prune
from gds.genotypes.variant_quality import variant_quality
from gds.studies.label_efficiency.budgets import LabelBudget


@dataclass(frozen=True)
class LabelledGenotypes:
    """Everyone of a study.

    Attributes
    ----------
    name
        Of the task; the first column of its results.
    genotypes
        Phased ones carry ``haplotypes`` too.
    labels
        Class of each person, shape (sample,); None: ``values`` are cut at the median of the training people.
    values
        A measurement of each person, shape (sample,), none missing.
    strata
        Kept in proportion by the splits, shape (sample,).
    families
        Kept on one side of every split, shape (sample,).
    covariates
        One row a person.
    dense
        Whether linked variants are there to be pruned.
    check_variants
        Whether variants that fail among the training people of a split are left out.
    """

    name: str
    genotypes: Genotypes
    labels: np.ndarray | None = None
    values: np.ndarray | None = None
    strata: np.ndarray | None = None
    families: np.ndarray | None = None
    covariates: pd.DataFrame | None = None
    dense: bool = True
    check_variants: bool = False


@dataclass(frozen=True)
class SplitPeople:
    """One 80/20 split of a study; nothing here was fitted on test people, and no label is in it.

    Attributes
    ----------
    study, seed
        Whose split, and which; the study without its labels and values.
    train, test
        Rows of the study's genotypes.
    folder
        Where what is learned without labels from the training people of this split may be kept: copying
        shares, an encoder. Made when first used.
    """

    study: LabelledGenotypes = field(repr=False)
    seed: int
    train: np.ndarray
    test: np.ndarray
    folder: Path

    @cached_property
    def variants(self) -> np.ndarray:
        """Columns of the genotypes that pass among the training people."""
        g = self.study.genotypes
        if not self.study.check_variants:
            return np.arange(len(g.variants))
        return variant_quality(g, self.train, keep_few_heterozygotes=True).kept

    @cached_property
    def pruned(self) -> np.ndarray:
        """Columns that remain after LD pruning among the training people."""
        if not self.study.dense:
            return self.variants
        return np.intersect1d(self.variants, ld_prune(self.study.genotypes, samples=self.train))

    @cached_property
    def copying(self) -> HaplotypeCopying:
        """Whom haplotypes are copied from: a panel of the training people, shares of everyone kept on disk."""
        haplotypes = self.haplotypes(np.arange(len(self.study.genotypes.samples)))
        model = HaplotypeCopying(remember=True, seed=self.seed).fit([haplotypes[self.train]])
        path = self.folder / "copying.npz"
        if path.is_file():
            model.recall(haplotypes, sparse.load_npz(path))
        else:
            shares = model.shares(haplotypes)
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomic_path(path) as temporary:
                sparse.save_npz(temporary, shares)
        return model

    def dosages(self, rows: np.ndarray, *, pruned: bool = False) -> np.ndarray:
        """Effect-allele counts, int8, shape (sample, variant), -1 missing."""
        return self.study.genotypes.dosage[np.ix_(rows, self.pruned if pruned else self.variants)]

    def haplotypes(self, rows: np.ndarray, *, pruned: bool = False) -> np.ndarray:
        """Phased alleles, int8, shape (sample, variant, 2), -1 missing."""
        found = self.study.genotypes.haplotypes
        if found is None:
            raise UserError(
                f"the genotypes of {self.study.name} are not phased: choose methods that read dosages"
            )
        return found[np.ix_(rows, self.pruned)] if pruned else found[rows]


@dataclass(frozen=True)
class SplitTask:
    """What a method is handed: the people of a split, the labels of the few, and nobody else's.

    Attributes
    ----------
    people
        The split.
    few, unlabelled, test
        Rows: the labelled few, the other training people, the people who are tested.
    labels_few
        Class indices of the few, shape (sample,).
    n_classes
        Number of classes.
    values_few, threshold
        Measurements of the few and where they are cut, for labels that are a measurement cut in two; or None.
    probabilities
        Of the test people by methods that have run before on the same labels, by name: what ensembles are made of.
    """

    people: SplitPeople
    few: np.ndarray
    unlabelled: np.ndarray
    test: np.ndarray
    labels_few: np.ndarray
    n_classes: int
    values_few: np.ndarray | None = None
    threshold: float | None = None
    probabilities: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def families(self) -> np.ndarray | None:
        """Family of each of the few, or None."""
        families = self.people.study.families
        return None if families is None else families[self.few]


def split_study(study: LabelledGenotypes, seed: int, work: str | Path) -> SplitPeople:
    """The 80/20 split of a seed.

    Parameters
    ----------
    study
        Whose people.
    seed
        Of the split.
    work
        Folder of scratch files.
    """
    ids = list(study.genotypes.samples["id"])
    split = split_people(
        ids, strata=study.strata, groups=study.families, fractions=(0.8, 0.0, 0.2), seed=seed
    )
    train, test = np.flatnonzero(split == "train"), np.flatnonzero(split == "test")
    blind = replace(study, labels=None, values=None, strata=None)
    return SplitPeople(blind, seed, train, test, Path(work) / study.name / f"split{seed}")


def split_task(
    study: LabelledGenotypes, people: SplitPeople, budget: LabelBudget, seed: int
) -> tuple[SplitTask, np.ndarray]:
    """The task of a number of labels, and the labels of its test people apart.

    Choices of labels of one split and seed are nested over the budgets.

    Returns
    -------
    task : SplitTask
    answers : numpy.ndarray
        Class indices of ``task.test``, shape (sample,).
    """
    train = people.train
    threshold = None
    if study.labels is not None:
        labels = np.asarray(study.labels)
    else:
        assert study.values is not None, "a study has labels or values"
        labels, threshold = cut_at_threshold(
            study.values, np.isin(np.arange(len(study.values)), train), "median"
        )
    # Splits must not share a choice: seeds of different splits are far apart.
    families = None if study.families is None else study.families[train]
    few = train[budget.rows(labels[train], families, people.seed + 1000 * seed)]
    task = SplitTask(
        people=people,
        few=few,
        unlabelled=np.setdiff1d(train, few),
        test=people.test,
        labels_few=labels[few],
        n_classes=int(labels.max()) + 1,
        values_few=None if study.values is None else study.values[few],
        threshold=threshold,
    )
    return task, labels[people.test]
