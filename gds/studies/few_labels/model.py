"""The model that a few-label run leaves: a folder that predicts people of another cohort.

::

    DIR/config.json, model.safetensors                      a GdsForClassification, with names of its classes
    DIR/preprocessor_config.json, preprocessor.safetensors  the featurizer, so that a new cohort meets the same
    DIR/training_distribution.safetensors                   where training people lie, in aggregates
    DIR/run.json                                            how it was made; no individuals
    DIR/label_provenance.json                               whose labels it has seen, as a hash
    DIR/people.tsv                                          who was learned from: local, never pushed
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.features.featurizer import Featurizer
from gds.files import atomic_directory, write_json
from gds.provenance import run_record
from gds.studies.few_labels.label_provenance import LabelProvenance
from gds.studies.few_labels.result import FewLabelOptions, FewLabelResult
from gds.studies.few_labels.task import FewLabelTask
from gds.studies.run_folder import people_seen


def model_folder(out: str | Path, encoders: Sequence[str | Path]) -> Path:
    """``OUT/model``, refused where an encoder of the run lies there.

    Raises
    ------
    UserError
        The encoder would be replaced.
    """
    folder = Path(out) / "model"
    if folder.resolve() in (Path(encoder).resolve() for encoder in encoders):
        raise UserError(
            f"the encoder {folder} would be replaced by the model of this run: choose another --out"
        )
    return folder


def save_few_label_model(
    task: FewLabelTask,
    result: FewLabelResult,
    options: FewLabelOptions,
    encoders: Sequence[str | Path],
    folder: str | Path,
) -> Path | None:
    """Save the method of the first encoder, fitted on the real labelled few alone.

    The method with synthetic people is not saved, nor are those of further encoders: which of them is
    better is a question that test people may answer only once, on the page.

    Parameters
    ----------
    task, result, options, encoders
        Of the run.
    folder
        Where the model goes; replaced only when all of it is written.

    Returns
    -------
    pathlib.Path or None
        The folder; None, and nothing is written, for a run without encoders.
    """
    if result.classifier is None:
        return None
    folder, encoder = Path(folder), Path(encoders[0])
    network, method = result.classifier, result.classifier_name
    network.config.id2label = dict(enumerate(task.class_names))
    network.config.label2id = {name: index for index, name in enumerate(task.class_names)}
    counts = np.bincount(task.labels_few, minlength=len(task.class_names))
    record = run_record(
        options.seed,
        [task.cohort.folder / "cohort.json", encoder / "model.safetensors"],
        method=method,
        details=result.details[method],
        options=asdict(options),
        encoder=str(encoder),
        label_column=task.cohort.description.label_column,
        label_threshold=task.cohort.description.label_threshold,
        genome_build=task.cohort.description.genome_build,
        labelled_few={name: int(n) for name, n in zip(task.class_names, counts, strict=True)},
        probabilities="at the shares of the classes among the labelled few, not those of a population",
    )
    with atomic_directory(folder) as temporary:
        network.save_pretrained(temporary)
        Featurizer.from_pretrained(encoder).save_pretrained(temporary)
        _people(task, encoder).to_csv(temporary / "people.tsv", sep="\t", index_label="id")
        write_json(temporary / "run.json", record)
        LabelProvenance.of(task).write(temporary)
        if result.outliers is not None and result.outliers.distribution is not None:
            result.outliers.distribution.save(temporary)
    return folder


def _people(task: FewLabelTask, encoder: Path) -> pd.DataFrame:
    """Who may not be among the test people of this model: its labelled few, and those its encoder has seen."""
    used_for = pd.Series("encoder", index=people_seen(encoder))
    few = pd.Series("label", index=pd.Index(task.few))
    return pd.DataFrame({"used_for": pd.concat([few, used_for.drop(few.index, errors="ignore")])})
