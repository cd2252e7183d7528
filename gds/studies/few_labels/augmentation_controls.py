"""The controls of augmentation in a few-label run: as many synthetic people as a generator makes, without it."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from gds.classifiers.augmentation import hwe_dosages, mosaic, most_confident
from gds.classifiers.linear.ridge import DosageRidge
from gds.features.featurizer import Featurizer
from gds.genotypes import Genotypes
from gds.studies.few_labels.task import FewLabelTask

Synthetic = tuple[np.ndarray, np.ndarray]  # features (sample, block, channel) and labels (sample,)


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
