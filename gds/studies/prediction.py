"""Predictions for the people of another cohort, and how good they are where labels are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from gds.classifiers.networks.fine_tuning import class_probabilities
from gds.classifiers.polygenic.score_file import LinearScore, is_linear_score
from gds.errors import UserError
from gds.evaluation.classification import classification_metrics
from gds.features.labels import measured_values
from gds.features.splits import UNLABELLED
from gds.features.training_distribution import TrainingDistribution
from gds.models import GdsForClassification
from gds.studies.new_cohort import (
    NewCohort,
    architecture,
    recorded,
)
from gds.studies.outliers import USE, Outliers, assess


@dataclass(frozen=True)
class Predictions:
    """What a classifier says about each person.

    Attributes
    ----------
    ids
        Sample ids, (sample,).
    class_names
        Names of the classes.
    probabilities
        float64 (sample, class).
    is_seen
        Whether the model's training had a person of the same id, bool (sample,).
    outliers
        Who is unlike the people of its training.
    """

    ids: pd.Index
    class_names: list[str]
    probabilities: np.ndarray
    is_seen: np.ndarray
    outliers: Outliers

    def table(self) -> pd.DataFrame:
        """A row a person: ``id``, ``p_<class>`` for each class, ``predicted`` (the most probable), ``distance`` and
        ``out_of_distribution``, and ``use``.
        """
        table = pd.DataFrame(self.probabilities, columns=[f"p_{name}" for name in self.class_names])
        table.insert(0, "id", self.ids)
        predicted = np.array(self.class_names)[self.probabilities.argmax(axis=1)]
        flags = {name: column.to_numpy() for name, column in self.outliers.table.items()}
        return table.assign(predicted=predicted, **flags, use=USE)


def load_classifier(folder: str | Path) -> GdsForClassification | LinearScore:
    """Load a network that classifies, on a GPU if there is one, or a polygenic score.

    Raises
    ------
    UserError
        The folder holds no model, or one that does not classify.
    """
    import torch

    if is_linear_score(folder):
        return LinearScore.from_pretrained(folder)
    found = architecture(folder)
    if found != "GdsForClassification":
        raise UserError(
            f"{folder} holds a {found}, which does not classify: give the folder OUT/model that gds finetune left"
        )
    model = GdsForClassification.from_pretrained(folder)
    return model.to("cuda" if torch.cuda.is_available() else "cpu")


def predict_cohort(
    model: GdsForClassification | LinearScore,
    cohort: NewCohort,
    seen: pd.Index | None = None,
    distribution: TrainingDistribution | None = None,
) -> Predictions:
    """Class probabilities of everyone.

    Parameters
    ----------
    model
        The classifier.
    cohort
        The people, aligned to its featurizer.
    seen
        Ids of the people of its training; None if not known.
    distribution
        Of the people of its training; None if not known.
    """
    of_features = (
        model.class_probabilities if isinstance(model, LinearScore) else partial(class_probabilities, model)
    )
    probabilities = np.concatenate([of_features(part) for part in cohort.features()])
    finite = np.isfinite(probabilities).all(axis=1)
    if not finite.all():
        raise UserError(
            f"the probabilities of {cohort.ids[int(finite.argmin())]} are not finite: are the weights damaged?"
        )
    is_seen = cohort.ids.isin([] if seen is None else seen)
    outliers = assess(distribution, cohort.aligned)
    return Predictions(cohort.ids, class_names(model), probabilities, is_seen, outliers)


def class_names(model: GdsForClassification | LinearScore) -> list[str]:
    """Names of the classes in the order of the probabilities."""
    if isinstance(model, LinearScore):
        return model.class_names
    return [model.config.id2label[index] for index in range(model.config.num_labels)]


def learned_case_fraction(folder: str | Path, class_names: Sequence[str]) -> float:
    """Share of the second class among the people whose labels a model learned from.

    Raises
    ------
    UserError
        More than two classes, or the model does not say, as one of the hub with fewer than 10 people of a class.
    """
    counts = recorded(folder, "labelled_few") or {}
    numbers = [n for name in class_names if isinstance(n := counts.get(name), int) and n > 0]
    if len(class_names) != 2 or len(numbers) != 2:
        raise UserError(
            f"--prevalence needs a model of two classes that records how many people of each it learned from; {folder} "
            f"says {counts or 'nothing'}"
        )
    return numbers[1] / sum(numbers)


def known_labels(values: pd.Series, class_names: Sequence[str], threshold: float | None = None) -> np.ndarray:
    """Class index of each value of a label column, -100 where it is missing.

    Parameters
    ----------
    values
        Names of classes; whole numbers are their own names.
    class_names
        Those that the model knows.
    threshold
        Where the model was trained on a measurement cut in two: class 1 is above it. None for names.

    Raises
    ------
    UserError
        A value is no class of the model, or all are missing.
    """
    if threshold is not None:
        measured = measured_values(values)
        return np.where(np.isfinite(measured), measured > threshold, UNLABELLED).astype(np.int64)
    present = values[values.notna() & ~values.astype(str).isin(["-9", "-9.0"])]
    if pd.api.types.is_float_dtype(present) and (present % 1 == 0).all():
        present = present.astype(int)
    texts = present.astype(str)
    unknown = sorted(set(texts) - set(class_names))
    if unknown or not len(texts):
        found = ", ".join(unknown[:5]) if unknown else "no value at all"
        raise UserError(
            f"label column {values.name!r} holds {found}, but the model's classes are {', '.join(class_names)}: "
            "rename the values"
        )
    codes = pd.Series(UNLABELLED, index=values.index, dtype=np.int64)
    codes[texts.index] = texts.map({name: index for index, name in enumerate(class_names)}).astype(np.int64)
    return codes.to_numpy()


def score_predictions(
    predictions: Predictions, labels: np.ndarray, families: np.ndarray, seed: int = 0
) -> dict[str, pd.DataFrame]:
    """Metrics with bootstrap intervals over families.

    Parameters
    ----------
    predictions
        Of everyone.
    labels
        Class index of each person, -100 unlabelled, shape (sample,).
    families
        Family of each person, "" for none, shape (sample,).
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``"everyone with a label"`` to :func:`gds.evaluation.classification.classification_metrics`. If some
        of them were seen in training, ``"not seen in training"`` too, and if some are flagged ``"not out of
        distribution"``, unless nobody is left.
    """
    labelled = labels != UNLABELLED
    subsets = {"everyone with a label": labelled}
    if (predictions.is_seen & labelled).any():
        subsets["not seen in training"] = labelled & ~predictions.is_seen
    outside = (predictions.outliers.table["out_of_distribution"] == "yes").to_numpy()
    if (outside & labelled).any():
        subsets["not out of distribution"] = labelled & ~outside
    alone = np.char.add("alone:", predictions.ids.to_numpy(dtype=str))
    groups = np.where(families == "", alone, families)
    return {
        name: classification_metrics(
            labels[chosen], predictions.probabilities[chosen], groups=groups[chosen], seed=seed
        )
        for name, chosen in subsets.items()
        if chosen.any()
    }
