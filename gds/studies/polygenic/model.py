"""The polygenic scores that a few-label run leaves, a folder each: for gds predict, plink2 and pgsc_calc."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from gds.classifiers.polygenic.score_file import LinearScore
from gds.files import atomic_directory, write_json
from gds.provenance import NOT_CLINICAL, run_record
from gds.studies.few_labels.label_provenance import LabelProvenance
from gds.studies.few_labels.result import FewLabelResult
from gds.studies.few_labels.task import FewLabelTask
from gds.studies.outliers import outliers_of_test
from gds.studies.polygenic.scores import score_folder


def save_polygenic_scores(
    task: FewLabelTask, result: FewLabelResult, seed: int, out: str | Path
) -> list[Path]:
    """Save every score of a run; which of them is best is a question that test people may answer once, on the page.

    Parameters
    ----------
    task, result, seed
        Of the run.
    out
        Its folder of results.

    Returns
    -------
    list of pathlib.Path
        A folder a score, ``OUT/polygenic_scores/METHOD``; none without summary statistics.
    """
    if result.published is None:
        return []
    folders = []
    counts = np.bincount(task.labels_few, minlength=2)
    for method, score in result.published.scores.items():
        folder = score_folder(out, method)
        with atomic_directory(folder) as temporary:
            score.save_pretrained(
                temporary,
                genome_build=task.cohort.description.genome_build,
                method=method,
                details=result.details[method],
                label_column=task.cohort.description.label_column,
                label_threshold=task.cohort.description.label_threshold,
                probabilities="at the shares of the classes among the labelled few, not those of a population",
                not_for_clinical_use=NOT_CLINICAL,
            )
            few = pd.DataFrame({"used_for": "label"}, index=pd.Index(task.few, name="id"))
            few.to_csv(temporary / "people.tsv", sep="\t")
            LabelProvenance.of(task).write(temporary)
            # In the variants of the saved score, which are those with a weight; too few for it say nothing.
            familiar = outliers_of_test(task, LinearScore.from_pretrained(temporary), seed).distribution
            if familiar is not None:
                familiar.save(temporary)
            record = run_record(
                seed,
                [task.cohort.folder / "cohort.json"],
                method=method,
                provenance=asdict(LabelProvenance.of(task)),
                published_effects=result.published.record,
                labelled_few={name: int(n) for name, n in zip(task.class_names, counts, strict=True)},
                genome_build=task.cohort.description.genome_build,
                label_threshold=task.cohort.description.label_threshold,
            )
            write_json(temporary / "run.json", record)
        folders.append(folder)
    return folders
