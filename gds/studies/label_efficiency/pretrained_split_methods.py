"""Methods with a pre-trained model over repeated splits, by name: ``ENCODER, HEAD`` and what else a network gives.

The encoder of a split is trained on its training people, labelled or not, the first time that it is asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gds.classifiers.components.representation import PCScores
from gds.classifiers.haplotypes.local_neighbours import LocalNeighbours
from gds.classifiers.haplotypes.windowed_propagation import WindowedPropagation
from gds.classifiers.mixtures.expected_genotypes import (
    ComponentExpectation,
    ExpectedGenotypes,
    MeanExpectation,
    NetworkExpectation,
)
from gds.classifiers.mixtures.frequency_prior import ExpectedGenotypePrior
from gds.classifiers.mixtures.hwe_mixture import HWEMixture
from gds.classifiers.mixtures.tuned_hwe_mixture import TunedHWEMixture
from gds.classifiers.networks.embedding import EmbeddingView
from gds.features.featurizer import Featurizer
from gds.models import GdsModel
from gds.studies.label_efficiency.encoder_heads import (
    HEADS,
    N_COMPONENTS,
    WITH_PCS,
    candidate_views,
    default_view,
    head,
)
from gds.studies.label_efficiency.methods import TRAINED, fine_tuned
from gds.studies.label_efficiency.split_encoder import embed_everyone, split_encoder, split_genotypes
from gds.studies.label_efficiency.split_task import SplitTask
from gds.studies.pretraining.config import PretrainConfig, load_config

SplitLearner = Callable[[SplitTask, int], np.ndarray]

TUNED_VIEWS = ", tuned view"  # may follow a head: layer, noise level and pooling chosen inside the labels
# Of LocalNeighbours: four tokens side by side, as first tried, and eight.
GRAPHS: dict[str, Mapping[str, Any]] = {"windowed": {"width": 4, "temperature": 0.05}, "wide": {}}
N_SEEDS = 1  # masked models whose expectations are averaged


@dataclass(frozen=True)
class Recipe:
    """How an encoder of a split is made: objective and what differs from its defaults, by haplotype or by person."""

    objective: str
    overrides: tuple[str, ...]
    preset: str | None = None
    by_haplotype: bool = False

    @cache  # noqa: B019 - few recipes, all of them constants
    def config(self) -> PretrainConfig:
        """The configuration of pre-training."""
        return load_config(None, self.overrides, self.objective, self.preset)


_WINDOWS = "features.blocks=window:64"
ENCODERS = {
    "contrastive": Recipe(
        "contrastive",
        (_WINDOWS, "model.hidden_size=32", "model.mask_ratio=0.0", "model.contrastive_temperature=0.2",
         "training.num_train_epochs=40",
         "training.per_device_train_batch_size=256"),
        by_haplotype=True,
    ),
    "masked": Recipe("masked", (_WINDOWS, "model.blocks_per_token=2", "training.num_train_epochs=10")),
    "masked MLP": Recipe(
        "masked",
        (_WINDOWS, "model.mlp_sizes=[384, 384]", "model.hidden_dropout=0.1", "training.num_train_epochs=25"),
        preset="mlp-tiny",
    ),
    "diffusion": Recipe(
        "diffusion",
        (_WINDOWS, "model.blocks_per_token=2", "model.neighbour_reach=null", "training.num_train_epochs=10"),
    ),
}  # fmt: skip


def pretrained_methods() -> dict[str, SplitLearner]:
    """All methods with a pre-trained model, and their controls, by name."""
    methods: dict[str, SplitLearner] = {}
    for name, recipe in ENCODERS.items():
        for kind in HEADS:
            methods[f"{name}, {kind}"] = _on_embedding(name, recipe, kind, tuned=False)
            methods[f"{name}, {kind}{TUNED_VIEWS}"] = _on_embedding(name, recipe, kind, tuned=True)
        for kind, rank in TRAINED.items():
            methods[f"{name}, {kind}"] = _fine_tuned(name, recipe, rank)
    for kind, options in GRAPHS.items():
        methods[f"contrastive, {kind} propagation"] = _local_propagation(
            "contrastive", ENCODERS["contrastive"], options
        )
    priors = {"masked prior": _masked_prior, "component prior": _component_prior}
    for prior, expected in priors.items():
        methods[f"HWE-EM, {prior}"] = _hwe(expected, tuned=False)
        methods[f"HWE-EM, tuned, {prior}"] = _hwe(expected, tuned=True)
    return methods


def _on_embedding(name: str, recipe: Recipe, kind: str, *, tuned: bool) -> SplitLearner:
    def learn(task: SplitTask, seed: int) -> np.ndarray:
        folder = split_encoder(task.people, name, recipe.config())
        model = GdsModel.from_pretrained(folder)
        views = candidate_views(model) if tuned else [default_view(model)]
        parts = [
            embed_everyone(task.people, folder, view, by_haplotype=recipe.by_haplotype) for view in views
        ]
        columns = np.concatenate(parts, axis=1)
        roles = (task.few, task.unlabelled, task.test)
        few, unlabelled, test = (columns[rows] for rows in roles)
        n_pcs = 0
        if kind in WITH_PCS:
            dosages = [task.people.dosages(rows, pruned=True) for rows in roles]
            pcs = PCScores(N_COMPONENTS, seed)
            scores = [*pcs.fit_transform(dosages[:2]), pcs.transform(dosages[2])]
            few, unlabelled, test = (
                np.concatenate(pair, axis=1) for pair in zip((few, unlabelled, test), scores, strict=True)
            )
            n_pcs = scores[0].shape[1]
        classifier = head(kind, views, [part.shape[1] for part in parts], n_pcs=n_pcs, seed=seed)
        classifier.fit(few, task.labels_few, unlabelled=unlabelled, groups=task.families)
        return classifier.predict_proba(test)

    return learn


def _fine_tuned(name: str, recipe: Recipe, rank: int | None) -> SplitLearner:
    def learn(task: SplitTask, seed: int) -> np.ndarray:
        folder = split_encoder(task.people, name, recipe.config())
        featurizer, genotypes = Featurizer.from_pretrained(folder), split_genotypes(task.people)
        few, test = (featurizer.transform(genotypes, rows) for rows in (task.few, task.test))
        network = fine_tuned(folder, rank, seed)
        return network.fit(few, task.labels_few, groups=task.families).predict_proba(test)

    return learn


def _local_propagation(name: str, recipe: Recipe, options: Mapping[str, Any]) -> SplitLearner:
    """Labels passed on between people whose haplotypes have like local embeddings, window by window."""

    def learn(task: SplitTask, seed: int) -> np.ndarray:
        folder = split_encoder(task.people, name, recipe.config())
        local = embed_everyone(
            task.people, folder, EmbeddingView(pooling="concatenated"), by_haplotype=True, locally=True
        )
        graph = LocalNeighbours(**options).fit(local[task.people.train])
        model = WindowedPropagation(copying=graph, seed=seed)
        model.fit(local[task.few], task.labels_few, unlabelled=local[task.unlabelled], groups=task.families)
        return model.predict_proba(local[task.test])

    return learn


def _masked_prior(task: SplitTask) -> ExpectedGenotypes:
    variants = split_genotypes(task.people).variants
    recipe = ENCODERS["masked MLP"]
    members = []
    for number in range(N_SEEDS):
        name = "masked MLP" if not number else f"masked MLP {number}"
        folder = split_encoder(task.people, name, recipe.config(), seed=task.people.seed + 1000 * number)
        members.append(NetworkExpectation.from_pretrained(folder, variants))
    return MeanExpectation(members)


def _component_prior(task: SplitTask) -> ExpectedGenotypes:
    return ComponentExpectation(seed=task.people.seed)


def _hwe(expected: Callable[[SplitTask], ExpectedGenotypes], *, tuned: bool) -> SplitLearner:
    def learn(task: SplitTask, seed: int) -> np.ndarray:
        roles = (task.few, task.unlabelled, task.test)
        few, unlabelled, test = (task.people.dosages(rows) for rows in roles)
        variants = None
        if task.people.study.dense:
            variants = np.isin(task.people.variants, task.people.pruned)
        if tuned:
            model = TunedHWEMixture(expected=expected(task), variants=variants, seed=seed)
        else:
            prior = ExpectedGenotypePrior(expected(task), seed=seed)
            model = HWEMixture(prior=prior, variants=variants, seed=seed)
        model.fit(few, task.labels_few, unlabelled=unlabelled, groups=task.families)
        return model.predict_proba(test)

    return learn
