"""Whose labels a checkpoint has seen: recorded when it is trained, checked before it may take part in a run.

"100 labels" means that nothing in the run saw a 101st, an encoder or generator that was trained earlier
included. The record travels with the checkpoint and names nobody: it holds the number of labels, the column
and a SHA-256 over the sorted ids of the people who had one.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from gds.errors import UserError
from gds.files import read_json, write_json
from gds.studies.few_labels.task import FewLabelTask

FILE_NAME = "label_provenance.json"


@dataclass(frozen=True)
class LabelProvenance:
    """The labels that weights were trained on.

    Attributes
    ----------
    n_labels
        How many; 0 for pre-training, which reads none.
    label_column
        What they said; None without labels.
    people
        SHA-256 over the sorted ids of the labelled people; None without labels.
    """

    n_labels: int = 0
    label_column: str | None = None
    people: str | None = None

    @classmethod
    def of(cls, task: FewLabelTask) -> "LabelProvenance":
        """Of weights that were trained on the labelled few of a task."""
        return cls(len(task.few), task.cohort.description.label_column, people_fingerprint(task.few))

    def write(self, folder: str | Path) -> None:
        """Write ``label_provenance.json`` into a checkpoint's folder."""
        write_json(Path(folder) / FILE_NAME, asdict(self))


def people_fingerprint(ids: Iterable[str]) -> str:
    """SHA-256 over sorted ids: equal for the same set of people, and says nothing about any of them."""
    return hashlib.sha256("\n".join(sorted(map(str, ids))).encode()).hexdigest()


def read_label_provenance(folder: str | Path) -> LabelProvenance | None:
    """The record of a checkpoint.

    Without a file, a model that has no place for a label (no classification head, no class to
    condition on) has seen none; of any other it is not known, and the result is None.

    Raises
    ------
    UserError
        The file is damaged.
    """
    folder = Path(folder)
    path = folder / FILE_NAME
    if path.is_file():
        try:
            return LabelProvenance(**read_json(path))
        except TypeError as error:
            raise UserError(
                f"{path} is no record of labels ({error}): copy the checkpoint again, whole"
            ) from error
    config = read_json(folder / "config.json")
    takes_labels = config.get("n_condition_classes", 0) > 0 or any(
        name.endswith("ForClassification") for name in config.get("architectures") or []
    )
    return None if takes_labels else LabelProvenance()


def check_label_provenance(task: FewLabelTask, folder: str | Path) -> None:
    """Refuse a checkpoint that has seen other labels than the few of this task.

    Raises
    ------
    UserError
        It was trained on labels of other people, of another column, or nobody knows on whose.
    """
    found, expected = read_label_provenance(folder), LabelProvenance.of(task)
    if found is None:
        raise UserError(
            f"{folder} was trained with labels but does not say whose ({FILE_NAME} is absent): a run with "
            f"{len(task.few)} labels can only use a model that has seen these or none; use the encoder it came from"
        )
    if found.n_labels and found != expected:
        same = found.label_column == expected.label_column
        what = "other people" if same else f"another column ({found.label_column})"
        raise UserError(
            f"{folder} was trained on {found.n_labels} labels of {what} than the {expected.n_labels} of this run: "
            "its result would not be one of so few labels; use the encoder it came from, or train it again on these few"
        )
