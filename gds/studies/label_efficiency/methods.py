"""The lines of the picture: simple methods, and heads on every encoder, as functions of a blind task."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from gds.classifiers.baselines import METHODS, PriorClassifier
from gds.classifiers.components.representation import PCScores
from gds.classifiers.mixtures.expected_genotypes import NetworkExpectation
from gds.classifiers.networks.embedding import EmbeddingView, embed
from gds.classifiers.networks.fine_tuning import FineTunedEncoder
from gds.errors import UserError, did_you_mean
from gds.features.featurizer import Featurizer
from gds.models import GdsModel
from gds.studies.few_labels.expected_prior import (
    CONTROL,
    expectation,
    expects_genotypes,
    hwe_with_prior,
    prior_method,
)
from gds.studies.few_labels.label_provenance import check_label_provenance
from gds.studies.few_labels.run import encoder_names
from gds.studies.few_labels.task import FewLabelTask, check_encoder_people
from gds.studies.label_efficiency.encoder_heads import (
    HEADS,
    N_COMPONENTS,
    WITH_PCS,
    candidate_views,
    default_view,
    head,
)
from gds.studies.label_efficiency.run import Learner, StudyMethod
from gds.studies.run_folder import people_seen

PRUNED = ", LD-pruned"
DEFAULT_METHODS = ("logistic on PCs", "ridge on dosages", "HWE-EM" + PRUNED)
DEFAULT_HEADS = ("probe", "mixture", "LDA with PCs")
PRIOR = "HWE-EM prior"  # the head that is no head: the network's expected genotypes as prior of HWE-EM
TRAINED = {"fine-tuned": None, "LoRA": 8}  # heads that change the encoder, and the rank of the change
ENCODER_METHODS = (*HEADS, PRIOR, *TRAINED)


def study_methods(
    names: Sequence[str],
    encoders: Sequence[str | Path] = (),
    *,
    heads: Sequence[str] = DEFAULT_HEADS,
    tune_views: bool = False,
) -> dict[str, StudyMethod]:
    """Chance, the named methods on dosages, and heads on each encoder.

    Parameters
    ----------
    names
        Of :data:`gds.classifiers.baselines.METHODS` that read dosages; ``", LD-pruned"`` may follow.
    encoders
        Folders of pre-trained models.
    heads
        Of :data:`ENCODER_METHODS`: a logistic probe; a Gaussian mixture with EM over unlabelled people; discriminant
        analysis of the embedding beside principal components of dosages; HWE-EM whose prior are the genotypes
        that a masked model or a denoiser expects, with components in their place as control; full
        fine-tuning and LoRA.
    tune_views
        Whether the layer, noise level and pooling of embeddings are chosen by folds of the labels.

    Raises
    ------
    UserError
        A method or head is not known.
    """
    known = [
        name + end for name, method in METHODS.items() if method.reads == "dosages" for end in ("", PRUNED)
    ]
    chosen = {"chance": StudyMethod(_chance, "chance")}
    for name in names:
        if name not in known:
            raise UserError(f"method {name!r}: {did_you_mean(name, known)}")
        chosen[name] = StudyMethod(_on_dosages(name))
    for kind in heads:
        if kind not in ENCODER_METHODS:
            raise UserError(f"head {kind!r}: {did_you_mean(kind, ENCODER_METHODS)}")
    for folder, name in encoder_names([Path(folder) for folder in encoders]).items():
        encoder = _Encoder(folder, tune_views)
        for kind in heads:
            if kind in HEADS:
                chosen[f"{name}, {kind}"] = StudyMethod(encoder.head(kind), "encoder")
            elif kind in TRAINED:
                chosen[f"{name}, {kind}"] = StudyMethod(encoder.trained(TRAINED[kind]), "encoder")
            elif expects_genotypes(folder):
                chosen[prior_method(name)] = StudyMethod(encoder.prior(), "encoder")
                chosen[CONTROL] = StudyMethod(lambda task, seed: hwe_with_prior(task, None, seed))
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


def fine_tuned(folder: Path, lora_rank: int | None, seed: int) -> FineTunedEncoder:
    """Fine-tuning of all weights, or of a low-rank change of them, which needs longer steps to go as far."""
    rate = 3e-4 if lora_rank is None else 2e-3
    return FineTunedEncoder(folder, lora_rank=lora_rank, learning_rate=rate, seed=seed)


class _Encoder:
    """A pre-trained model in a study: each person's embedding is made once, as it does not change between runs."""

    def __init__(self, folder: Path, tune_views: bool) -> None:
        self.folder = folder
        self.tune_views = tune_views
        self._known: dict[str, np.ndarray] = {}
        self._widths: list[int] = []

    @cached_property
    def views(self) -> list[EmbeddingView]:
        model = GdsModel.from_pretrained(self.folder)
        return candidate_views(model) if self.tune_views else [default_view(model)]

    def check(self, task: FewLabelTask) -> None:
        """Refuse an encoder that has seen other labels or test people."""
        check_label_provenance(task, self.folder)
        check_encoder_people(task, people_seen(self.folder), str(self.folder), allow_transductive=False)

    def embeddings(self, task: FewLabelTask, *roles: np.ndarray) -> list[np.ndarray]:
        """All views side by side for the ids of each role, float32, shape (sample, column)."""
        self.check(task)
        new = np.array([person for ids in roles for person in ids if person not in self._known])
        if len(new):
            featurizer, model = Featurizer.from_pretrained(self.folder), GdsModel.from_pretrained(self.folder)
            features = task.features(new, featurizer)
            # Trained on haplotypes: a phased person is the mean of its two.
            first = task.first_haplotypes(new, featurizer) if model.config.additive_dosage else None
            parts = [embed(model, features, first_haplotype=first, view=view) for view in self.views]
            self._widths = [part.shape[1] for part in parts]
            self._known.update(zip(new, np.concatenate(parts, axis=1), strict=True))
        return [
            np.stack([self._known[person] for person in ids])
            if len(ids)
            else np.empty((0, sum(self._widths)))
            for ids in roles
        ]

    def head(self, kind: str) -> Learner:
        """A head of :data:`gds.studies.label_efficiency.encoder_heads.HEADS`."""

        def learn(task: FewLabelTask, seed: int) -> np.ndarray:
            roles = (task.few, task.unlabelled, task.test)
            parts, n_pcs = self.embeddings(task, *roles), 0
            if kind in WITH_PCS:
                few, unlabelled, test = (task.dosages(ids) for ids in roles)
                pcs = PCScores(N_COMPONENTS, seed)
                scores = [*pcs.fit_transform([few, unlabelled]), pcs.transform(test)]
                parts = [np.concatenate(pair, axis=1) for pair in zip(parts, scores, strict=True)]
                n_pcs = scores[0].shape[1]
            model = head(kind, self.views, self._widths, n_pcs=n_pcs, seed=seed)
            model.fit(parts[0], task.labels_few, unlabelled=parts[1], groups=task.families(task.few))
            return model.predict_proba(parts[2])

        return learn

    def trained(self, lora_rank: int | None) -> Learner:
        """Fine-tuning of all weights, or of a low-rank change of them."""

        def learn(task: FewLabelTask, seed: int) -> np.ndarray:
            self.check(task)
            featurizer = Featurizer.from_pretrained(self.folder)
            few, test = (task.features(ids, featurizer) for ids in (task.few, task.test))
            network = fine_tuned(self.folder, lora_rank, seed)
            network.fit(few, task.labels_few, groups=task.families(task.few))
            return network.predict_proba(test)

        return learn

    def prior(self) -> Learner:
        """HWE-EM on LD-pruned variants whose prior are this model's expected genotypes."""
        expected: list[NetworkExpectation] = []

        def learn(task: FewLabelTask, seed: int) -> np.ndarray:
            self.check(task)
            if not expected:
                expected.append(expectation(task, self.folder))
            return hwe_with_prior(task, expected[0], seed)

        return learn
