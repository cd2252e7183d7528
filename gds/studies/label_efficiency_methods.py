"""The lines of the picture: simple methods, and heads on every encoder, as functions of a blind task."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gds.classifiers.baselines import METHODS, LogisticProbe, PriorClassifier
from gds.classifiers.embedding import embed
from gds.classifiers.gaussian_mixture import GaussianMixture
from gds.classifiers.representation import PCScores
from gds.errors import UserError, did_you_mean
from gds.features.featurizer import Featurizer
from gds.models import GdsModel
from gds.studies.few_label_task import FewLabelTask, check_encoder_people
from gds.studies.few_labels import encoder_names, people_seen
from gds.studies.label_efficiency import Learner, StudyMethod
from gds.studies.label_provenance import check_label_provenance

PRUNED = ", LD-pruned"
N_COMPONENTS = 12  # of embeddings and of dosages under Gaussian classes, as for "mixture on PCs"
DEFAULT_METHODS = ("logistic on PCs", "ridge on dosages", "HWE-EM" + PRUNED)


def study_methods(names: Sequence[str], encoders: Sequence[str | Path] = ()) -> dict[str, StudyMethod]:
    """Chance, the named methods on dosages, and three heads on each encoder.

    A logistic probe, a Gaussian mixture with EM over unlabelled people, and discriminant analysis of the
    embedding beside principal components of dosages.

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
        embeddings = _Embeddings(folder)
        for head, learn in {
            "probe": _probe(embeddings),
            "mixture": _gaussian(embeddings, with_pcs=False, n_iterations=30),
            "LDA with PCs": _gaussian(embeddings, with_pcs=True, n_iterations=0),
        }.items():
            chosen[f"{name}, {head}"] = StudyMethod(learn, "encoder")
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


class _Embeddings:
    """Pooled embeddings of an encoder, each person's made once: the encoder does not change between runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, np.ndarray] = {}

    def of(self, task: FewLabelTask, *roles: np.ndarray) -> list[np.ndarray]:
        """For the ids of each role float32, shape (sample, hidden); an encoder that may not be used is refused."""
        check_label_provenance(task, self.folder)
        check_encoder_people(task, people_seen(self.folder), str(self.folder), allow_transductive=False)
        new = [person for ids in roles for person in ids if person not in self._known]
        if new:
            features = task.features(np.array(new), Featurizer.from_pretrained(self.folder))
            model = GdsModel.from_pretrained(self.folder)
            self._known.update(zip(new, embed(model, features), strict=True))
        return [
            np.stack([self._known[person] for person in ids]) if len(ids) else np.empty((0, 0))
            for ids in roles
        ]


def _probe(embeddings: _Embeddings) -> Learner:
    def learn(task: FewLabelTask, seed: int) -> np.ndarray:
        few, test = embeddings.of(task, task.few, task.test)
        probe = LogisticProbe(seed=seed).fit(few, task.labels_few, groups=task.families(task.few))
        return probe.predict_proba(test)

    return learn


def _gaussian(embeddings: _Embeddings, *, with_pcs: bool, n_iterations: int) -> Learner:
    """Gaussian classes on the embedding's components, with those of dosages beside them if asked for.

    Components are fitted on all training people. Zero iterations of EM leave discriminant analysis whose
    covariance is shrunk towards that of everyone.
    """

    def learn(task: FewLabelTask, seed: int) -> np.ndarray:
        roles = (task.few, task.unlabelled, task.test)
        scores = _leading_components(embeddings.of(task, *roles))
        if with_pcs:
            few, unlabelled, test = (task.dosages(ids) for ids in roles)
            pcs = PCScores(N_COMPONENTS, seed)
            parts = [*pcs.fit_transform([few, unlabelled]), pcs.transform(test)]
            scores = [np.concatenate(pair, axis=1) for pair in zip(scores, parts, strict=True)]
        head = GaussianMixture(n_iterations=n_iterations, seed=seed)
        head.fit(scores[0], task.labels_few, unlabelled=scores[1], groups=task.families(task.few))
        return head.predict_proba(scores[2])

    return learn


def _leading_components(parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Components of standardised embeddings (few, unlabelled, test), fitted on the first two."""
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    few, unlabelled, test = parts
    train = np.concatenate([few, unlabelled]) if len(unlabelled) else few
    scaler = StandardScaler().fit(train.astype(np.float64))
    train = scaler.transform(train)
    pca = PCA(min(N_COMPONENTS, len(train) - 1, train.shape[1]), svd_solver="full").fit(train)
    scores = pca.transform(train)
    return [scores[: len(few)], scores[len(few) :], pca.transform(scaler.transform(test))]
