"""Heads on a frozen encoder, and which of its layers, noise levels and poolings they are given."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gds.classifiers.auto import AutoClassifier
from gds.classifiers.base import Candidate
from gds.classifiers.baselines import LogisticProbe
from gds.classifiers.components.representation import EmbeddingComponents, RepresentationClassifier
from gds.classifiers.mixtures.gaussian_mixture import GaussianMixture
from gds.classifiers.networks.embedding import EmbeddingView, n_layers
from gds.errors import UserError, did_you_mean
from gds.models import GdsModel

N_COMPONENTS = 12  # of embeddings and of dosages under Gaussian classes, as for "mixture on PCs"


def _probe(seed: int, components: EmbeddingComponents) -> Any:
    return LogisticProbe(seed=seed)


def _mixture(seed: int, components: EmbeddingComponents) -> Any:
    return RepresentationClassifier(components, GaussianMixture(seed=seed))


def _own_mixture(seed: int, components: EmbeddingComponents) -> Any:
    """Fewer components, as every class has a covariance of its own to fill."""
    fewer = EmbeddingComponents(N_COMPONENTS // 2, standardise=components.standardise)
    return RepresentationClassifier(fewer, GaussianMixture(shared_covariance=False, seed=seed))


def _discriminant(seed: int, components: EmbeddingComponents) -> Any:
    """Zero iterations of EM leave discriminant analysis whose covariance is shrunk towards that of everyone."""
    return RepresentationClassifier(components, GaussianMixture(n_iterations=0, seed=seed))


# Name to estimator of embeddings, given a seed and the components of the embedding.
HEADS: dict[str, Callable[[int, EmbeddingComponents], Any]] = {
    "probe": _probe,
    "mixture": _mixture,
    "mixture of own covariances": _own_mixture,
    "LDA with PCs": _discriminant,
}
WITH_PCS = ("LDA with PCs",)  # these read principal components of dosages behind the embedding


def default_view(model: GdsModel) -> EmbeddingView:
    """The encoder's pooled vector; at length 1 for a contrastive encoder, which was trained to compare such."""
    contrastive = (model.config.architectures or [""])[0] == "GdsForContrastive"
    return EmbeddingView(pooling="unit" if contrastive else "pooled")


def candidate_views(model: GdsModel) -> list[EmbeddingView]:
    """Views to choose among inside the labels: the default first, then poolings, layers and noise levels.

    Layers: the first, the middle one and the last but one. Noise levels, of an encoder that knows them: a twentieth
    and a fifth of the way to pure noise. With so few labels a long list would be chosen from by chance.
    """
    views = [default_view(model), EmbeddingView(pooling="mean"), EmbeddingView(pooling="concatenated")]
    last = n_layers(model) - 1
    views += [
        EmbeddingView(layer, pooling="mean")
        for layer in sorted({0, last // 2, last - 1})
        if 0 <= layer < last
    ]
    if model.config.use_timestep:
        n = model.config.num_train_timesteps
        views += [EmbeddingView(timestep=level) for level in (n // 20, n // 5) if level]
    return views


def head(
    name: str, views: Sequence[EmbeddingView], widths: Sequence[int], *, n_pcs: int = 0, seed: int = 0
) -> Any:
    """An unfitted classifier of embeddings side by side that chooses one of them by folds of the labels.

    Parameters
    ----------
    name
        Key of :data:`HEADS`.
    views, widths
        What each embedding is of, and its number of columns, in the order of the columns of X.
    n_pcs
        Columns at the end that are components of dosages; 0 for a head that reads none.
    seed
        Of folds.

    Raises
    ------
    UserError
        There is no such head.
    """
    if name not in HEADS:
        raise UserError(f"head {name!r}: {did_you_mean(name, HEADS)}")
    edges = np.cumsum([0, *widths])
    pcs = np.arange(edges[-1], edges[-1] + n_pcs)
    candidates = {}
    for view, start, stop in zip(views, edges, edges[1:], strict=False):
        components = EmbeddingComponents(N_COMPONENTS, standardise=view.pooling != "unit", n_kept=n_pcs)
        candidates[view.name] = Candidate(
            HEADS[name](seed, components), np.concatenate([np.arange(start, stop), pcs])
        )
    return AutoClassifier(candidates, seed=seed)
