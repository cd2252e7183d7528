"""Predictions for the people of another cohort, and how good they are where labels are known."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gds.classifiers.fine_tuning import class_probabilities
from gds.classifiers.score_file import CALIBRATION, WEIGHTS, LinearScore, is_linear_score
from gds.errors import UserError
from gds.evaluation.classification import classification_metrics
from gds.evaluation.prevalence import population_probability
from gds.features.labels import measured_values
from gds.features.splits import UNLABELLED
from gds.features.training_distribution import TrainingDistribution
from gds.files import all_or_none, atomic_path, write_json
from gds.models import GdsForClassification
from gds.provenance import NOT_CLINICAL, run_record
from gds.studies.few_labels.run import people_seen
from gds.studies.new_cohort import (
    AlignmentOptions,
    NewCohort,
    architecture,
    column_of,
    phenotypes_of,
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


@all_or_none()
def write_predictions(
    folder: str | Path,
    model: GdsForClassification | LinearScore,
    cohort: NewCohort,
    out: str | Path,
    *,
    alignment: AlignmentOptions,
    phenotypes: str | None = None,
    label_column: str | None = None,
    id_column: str | None = None,
    prevalence: float | None = None,
    seed: int = 0,
) -> list[str]:
    """Predict everyone; write the table and, beside it, a JSON of counts, metrics and the record.

    Parameters
    ----------
    folder, model, cohort
        The model's folder, the model loaded from it, and the people.
    out
        Name of the table, ending in ``.tsv``; it names people and stays local.
    alignment
        How the cohort was aligned, for the record.
    phenotypes, label_column, id_column
        Table and column of known labels, for metrics; None for none.
    prevalence
        Of the second class in the population: adds ``p_<class>_in_population``.
    seed
        Of the bootstrap.

    Returns
    -------
    list of str
        The lines that a user should see.
    """
    out, labels = Path(out), None
    if phenotypes is not None:
        # Before the long computation: the table may not fit.
        column = column_of(phenotypes_of(cohort.ids, phenotypes, id_column), label_column)
        labels = known_labels(column, class_names(model), recorded(folder, "label_threshold"))
    share = None if prevalence is None else learned_case_fraction(folder, class_names(model))
    predictions = predict_cohort(model, cohort, people_seen(Path(folder)), TrainingDistribution.load(folder))
    table = predictions.table()
    if prevalence is not None and share is not None:
        case = f"p_{predictions.class_names[1]}"
        place = table.columns.get_loc("predicted")
        corrected = population_probability(table[case].to_numpy(), prevalence, share)
        table.insert(place, f"{case}_in_population", corrected)
    metrics: dict[str, pd.DataFrame] = {}
    if labels is not None:
        families = cohort.aligned.samples["family"].to_numpy(dtype=str)
        metrics = score_predictions(predictions, labels, families, seed)
    with atomic_path(out) as temporary:
        table.to_csv(temporary, sep="\t", index=False, float_format="%.6g")
    is_score = isinstance(model, LinearScore)
    files = (CALIBRATION, WEIGHTS) if is_score else ("model.safetensors", "preprocessor.safetensors")
    weights = [Path(folder) / name for name in files]
    inputs = [*map(str, weights), *cohort.files, *([phenotypes] if phenotypes else [])]
    write_json(
        out.with_suffix(".json"),
        {
            "not_for_clinical_use": NOT_CLINICAL,
            "people": len(table),
            "people_seen_in_training": int(predictions.is_seen.sum()),
            "out_of_distribution": predictions.outliers.record(),
            "prevalence": prevalence,
            "predicted": {name: int((table["predicted"] == name).sum()) for name in predictions.class_names},
            **cohort.counts(),
            "metrics": {name: _records(found) for name, found in metrics.items()},
            "record": run_record(seed, inputs, model=str(folder), alignment=asdict(alignment)),
        },
    )
    return _summary(predictions, table, metrics)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for JSON, which knows no NaN."""
    plain = table.reset_index().astype(object)
    return plain.where(plain.notna(), None).to_dict("records")


def _summary(predictions: Predictions, table: pd.DataFrame, metrics: dict[str, pd.DataFrame]) -> list[str]:
    from gds.report.page import format_interval

    counts = [f"{name} {(table['predicted'] == name).sum()}" for name in predictions.class_names]
    lines = [f"predicted {len(table)} people: {', '.join(counts)}"]
    if predictions.is_seen.any():
        lines.append(
            f"warning: {predictions.is_seen.sum()} people have ids of people whom the model saw in training; "
            "figures that include them are too good"
        )
    lines.append(predictions.outliers.line())
    for name, found in metrics.items():
        shown = {metric: format_interval(*row) for metric, *row in found.itertuples()}
        lines.append(
            f"{name}: AUROC {shown['auroc']}, balanced accuracy {shown['balanced_accuracy']}, "
            f"log-loss {shown['log_loss']}"
        )
    return lines
