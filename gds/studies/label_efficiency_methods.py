"""The lines of the picture: simple methods, and every encoder with a probe, as functions of a blind task."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gds.classifiers.baselines import METHODS, LogisticProbe, PriorClassifier
from gds.classifiers.embedding import embed
from gds.errors import UserError, did_you_mean
from gds.features.featurizer import Featurizer
from gds.models import GdsModel
from gds.studies.few_label_task import FewLabelTask, check_encoder_people
from gds.studies.few_labels import encoder_names, people_seen
from gds.studies.label_efficiency import Learner, StudyMethod
from gds.studies.label_provenance import check_label_provenance

PRUNED = ", LD-pruned"
DEFAULT_METHODS = ("logistic on PCs", "ridge on dosages", "HWE-EM" + PRUNED)


def study_methods(names: Sequence[str], encoders: Sequence[str | Path] = ()) -> dict[str, StudyMethod]:
    """Chance, the named methods on dosages, and a probe on each encoder.

    Parameters
    ----------
    names
        Of :data:`gds.classifiers.baselines.METHODS` that read dosages; ``", LD-pruned"`` may follow.
    encoders
        Folders of pre-trained models.

    Raises
    ------
    UserError
        A method is not known.
    """
    known = [
        name + end for name, method in METHODS.items() if method.reads == "dosages" for end in ("", PRUNED)
    ]
    chosen = {"chance": StudyMethod(_chance, "chance")}
    for name in names:
        if name not in known:
            raise UserError(f"method {name!r}: {did_you_mean(name, known)}")
        chosen[name] = StudyMethod(_on_dosages(name))
    for folder, name in encoder_names([Path(folder) for folder in encoders]).items():
        chosen[f"{name}, probe"] = StudyMethod(_probe(folder), "encoder")
    return chosen


def _chance(task: FewLabelTask, seed: int) -> np.ndarray:
    model = PriorClassifier().fit(np.zeros((len(task.few), 1)), task.labels_few)
    return model.predict_proba(np.zeros((len(task.test), 1)))


def _on_dosages(name: str) -> Learner:
    method = METHODS[name.removesuffix(PRUNED)]

    def learn(task: FewLabelTask, seed: int) -> np.ndarray:
        sites = task.pruned if name.endswith(PRUNED) else slice(None)
        few, unlabelled, test = (
            task.dosages(ids)[:, sites] for ids in (task.few, task.unlabelled, task.test)
        )
        model = method.make(seed)
        model.fit(few, task.labels_few, unlabelled=unlabelled, groups=task.families(task.few))
        return model.predict_proba(test)

    return learn


def _probe(folder: Path) -> Learner:
    embeddings: dict[str, np.ndarray] = {}  # of one person each; the encoder does not change between runs

    def learn(task: FewLabelTask, seed: int) -> np.ndarray:
        check_label_provenance(task, folder)
        check_encoder_people(task, people_seen(folder), str(folder), allow_transductive=False)
        new = [person for person in (*task.few, *task.test) if person not in embeddings]
        if new:
            features = task.features(np.array(new), Featurizer.from_pretrained(folder))
            embeddings.update(zip(new, embed(GdsModel.from_pretrained(folder), features), strict=True))
        few, test = (np.stack([embeddings[person] for person in ids]) for ids in (task.few, task.test))
        probe = LogisticProbe(seed=seed).fit(few, task.labels_few, groups=task.families(task.few))
        return probe.predict_proba(test)

    return learn
