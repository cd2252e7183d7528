"""What a few-label run leaves: predictions, metrics with intervals, figures, one page."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gds.files import all_or_none, atomic_path, write_json
from gds.provenance import NOT_CLINICAL, run_record
from gds.studies.few_labels.adjusted import adjusted_figures, adjusted_lines
from gds.studies.few_labels.decision import decision_figures, with_population_probability
from gds.studies.few_labels.page import build_page
from gds.studies.few_labels.result import FewLabelOptions, FewLabelResult
from gds.studies.few_labels.scores import headline, score
from gds.studies.few_labels.task import FewLabelTask, people_counts
from gds.studies.outliers import USE


@all_or_none()
def write_few_label_report(
    task: FewLabelTask,
    result: FewLabelResult,
    options: FewLabelOptions,
    encoders: Sequence[str | Path],
    folder: str | Path,
) -> list[str]:
    """Score every method on the test people and write all results.

    Writes ``predictions.tsv`` (it names people and stays local), ``metrics.csv``, ``metrics.json``,
    ``report.html`` and ``run.json``; with known biology ``als_biology.json``.

    Returns
    -------
    list of str
        The few lines that a user should see on the screen.
    """
    folder = Path(folder)
    scores = score(task, result, options.seed)
    record = run_record(
        options.seed,
        [task.cohort.folder / "cohort.json", *(Path(encoder) / "model.safetensors" for encoder in encoders)],
        options=asdict(options),
        encoders=[str(encoder) for encoder in encoders],
        people=people_counts(task),
        chosen=result.details,
        published_effects=result.published and result.published.record,
    )
    with atomic_path(folder / "predictions.tsv") as temporary:
        predictions = with_population_probability(task, _predictions(task, result)).assign(use=USE)
        predictions.to_csv(temporary, sep="	", index=False, float_format="%.6g")
    with atomic_path(folder / "metrics.csv") as temporary:
        scores.table.to_csv(temporary, index=False)
    table = scores.table.astype(object).where(scores.table.notna(), None)  # JSON has no NaN
    write_json(
        folder / "metrics.json",
        {"not_for_clinical_use": NOT_CLINICAL, "metrics": table.to_dict("records"),
         "ceiling": scores.ceiling, "warnings": scores.warnings,
         "people": people_counts(task), "notes": list(task.notes), "transductive": result.transductive,
         **adjusted_figures(task, result, options), **_outliers(result),
         **decision_figures(task, result, scores.best_of_each_kind())},
    )  # fmt: skip
    if result.biology is not None:
        write_json(
            folder / "als_biology.json", {"not_for_clinical_use": NOT_CLINICAL, **result.biology.record()}
        )
    write_json(folder / "run.json", record)
    build_page(task, result, scores, record, options).write(folder / "report.html")
    warnings = [f"warning: {text}" for text in scores.warnings]
    outliers = [] if result.outliers is None else [result.outliers.line("test people")]
    return [*task.notes, *warnings, *outliers, *adjusted_lines(task, result), *headline(task, scores)]


def _predictions(task: FewLabelTask, result: FewLabelResult) -> pd.DataFrame:
    """One row a test person and method."""
    parts = []
    for name, probabilities in result.probabilities.items():
        part = pd.DataFrame(probabilities, columns=[f"p_{label}" for label in task.class_names])
        part.insert(0, "id", task.test)
        part.insert(1, "label", np.array(task.class_names)[task.labels_test])
        part.insert(2, "method", name)
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    if result.outliers is None:
        return table
    return table.merge(result.outliers.table, left_on="id", right_index=True, how="left", sort=False)


def _outliers(result: FewLabelResult) -> dict[str, Any]:
    return {} if result.outliers is None else {"out_of_distribution": result.outliers.record()}
