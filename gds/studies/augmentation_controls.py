"""Synthetic people that need no generator: what any gain by augmentation has to be compared with.

A generator may help by what it learned about genotypes, or only because more rows regularise. These controls see
the same few labels and the same unlabelled people: independent sites by class frequency, mosaics of people of one
class, and unlabelled people under the label that a simple method gives them.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from gds.classifiers.ridge import DosageRidge
from gds.features.featurizer import Featurizer
from gds.genotypes import Genotypes
from gds.studies.few_label_task import FewLabelTask

PRIOR_ALLELES = 2.0  # of everyone's frequency, added to each class: an allele unseen in few people may exist

Synthetic = tuple[np.ndarray, np.ndarray]  # features (sample, block, channel) and labels (sample,)


def hwe_dosages(dosages: np.ndarray, labels: np.ndarray, wanted: np.ndarray, seed: int = 0) -> np.ndarray:
    """People whose sites are independent draws at the allele frequencies of their class.

    Parameters
    ----------
    dosages
        Of the labelled few, int8, shape (sample, variant), -1 missing.
    labels
        Their classes, shape (sample,).
    wanted
        Class of each person to draw, shape (synthetic,).

    Returns
    -------
    numpy.ndarray
        int8, shape (synthetic, variant).
    """
    rng = np.random.default_rng(seed)

    def sums(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.where(rows < 0, 0, rows).sum(axis=0), 2 * (rows >= 0).sum(axis=0)

    alleles, seen = sums(dosages)
    everyone = alleles / np.maximum(seen, 1)
    result = np.empty((len(wanted), dosages.shape[1]), dtype=np.int8)
    for label in np.unique(wanted):
        alleles, seen = sums(dosages[labels == label])
        frequency = (alleles + PRIOR_ALLELES * everyone) / (seen + PRIOR_ALLELES)
        here = wanted == label
        result[here] = rng.binomial(2, frequency, (int(here.sum()), dosages.shape[1]))
    return result


def mosaic(features: np.ndarray, labels: np.ndarray, wanted: np.ndarray, seed: int = 0) -> np.ndarray:
    """People each of whose blocks is that of a random labelled person of the class.

    Parameters
    ----------
    features
        Of the labelled few, shape (sample, block, channel).
    labels
        Their classes, shape (sample,).
    wanted
        Class of each person to make, shape (synthetic,).
    """
    rng = np.random.default_rng(seed)
    n_blocks = features.shape[1]
    donor = np.empty((len(wanted), n_blocks), dtype=np.int64)
    for label in np.unique(wanted):
        here = wanted == label
        donor[here] = rng.choice(np.flatnonzero(labels == label), (int(here.sum()), n_blocks))
    return features[donor, np.arange(n_blocks)]


def most_confident(probabilities: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows to take as further members of each class, the surest first, nobody twice.

    Parameters
    ----------
    probabilities
        Of unlabelled people, shape (sample, class).
    wanted
        One class index for each person wanted, shape (synthetic,).

    Returns
    -------
    rows, labels
        Shape (synthetic,), or fewer where there are not so many people.
    """
    free = np.ones(len(probabilities), dtype=bool)
    rows, labels = [], []
    for label, count in zip(*np.unique(wanted, return_counts=True), strict=True):
        order = np.argsort(-probabilities[:, label], kind="stable")
        taken = order[free[order]][:count]
        free[taken] = False
        rows.append(taken)
        labels.append(np.full(len(taken), label))
    return np.concatenate(rows), np.concatenate(labels)


def control_augmentations(
    task: FewLabelTask, featurizer: Featurizer, wanted: np.ndarray, seed: int = 0
) -> dict[str, Callable[[], Synthetic]]:
    """Each control by name: what it returns when called has as many people of each class as are wanted.

    Parameters
    ----------
    task
        Its ``few`` and ``unlabelled`` people are used.
    featurizer
        Of the encoder.
    wanted
        Class of each synthetic person of the generator that is to be compared, shape (synthetic,).
    seed
        Of the draws.
    """

    def resampled() -> Synthetic:
        source = task.cohort.source()
        drawn = hwe_dosages(source.read(slice(None), task.rows(task.few)), task.labels_few, wanted, seed)
        people = pd.DataFrame({"id": [f"synthetic{i}" for i in range(len(drawn))], "family": "", "sex": 0})
        genotypes = Genotypes(dosage=drawn, samples=people, variants=source.variants)
        return featurizer.transform(genotypes, np.arange(len(drawn))), wanted

    def mixed() -> Synthetic:
        return mosaic(task.features(task.few, featurizer), task.labels_few, wanted, seed), wanted

    def pseudo_labelled() -> Synthetic:
        few, unlabelled = task.dosages(task.few), task.dosages(task.unlabelled)
        ridge = DosageRidge(seed=seed)
        ridge.fit(few, task.labels_few, unlabelled=unlabelled, groups=task.families(task.few))
        classes = np.searchsorted(ridge.classes_, wanted)
        rows, labels = most_confident(ridge.predict_proba(unlabelled), classes)
        return task.features(task.unlabelled[rows], featurizer), ridge.classes_[labels]

    controls = {"HWE resampling": resampled, "mosaics within classes": mixed}
    return controls | ({"pseudo-labels": pseudo_labelled} if len(task.unlabelled) else {})
