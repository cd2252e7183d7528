"""The table of predictions for another cohort and, beside it, counts, metrics and the record."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from gds.classifiers.polygenic.score_file import CALIBRATION, WEIGHTS, LinearScore
from gds.evaluation.prevalence import population_probability
from gds.features.training_distribution import TrainingDistribution
from gds.files import all_or_none, atomic_path, write_json
from gds.models import GdsForClassification
from gds.provenance import NOT_CLINICAL, run_record
from gds.studies.new_cohort import (
    AlignmentOptions,
    NewCohort,
    column_of,
    phenotypes_of,
    recorded,
)
from gds.studies.prediction import (
    Predictions,
    class_names,
    known_labels,
    learned_case_fraction,
    predict_cohort,
    score_predictions,
)
from gds.studies.run_folder import people_seen


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
