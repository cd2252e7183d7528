"""Embeddings of people by a pre-trained encoder: which layer, at which noise level, pooled how."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from gds.errors import UserError

if TYPE_CHECKING:
    import torch

    from gds.models import GdsModel

POOLINGS = ("pooled", "unit", "mean", "concatenated")


@dataclass(frozen=True)
class EmbeddingView:
    """What of an encoder is taken for an embedding; the default is its own pooled vector.

    Attributes
    ----------
    layer
        Output of the repeated layer of this number (:func:`n_layers`), negative from the end; None: of the
        whole encoder.
    timestep
        Noise level that the encoder is told, with clean features; None: its configured ``encode_timestep``.
        Without meaning for an encoder that knows none.
    pooling
        ``"pooled"``: the encoder's own; ``"unit"``: the same at length 1, which contrastive learning compares;
        ``"mean"`` of tokens; ``"concatenated"`` tokens, local embeddings side by side. With a layer only the last two.
    """

    layer: int | None = None
    timestep: int | None = None
    pooling: str = "pooled"

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise UserError(f"pooling {self.pooling!r}: expected one of {', '.join(POOLINGS)}")
        if self.layer is not None and self.pooling in ("pooled", "unit"):
            raise UserError(
                f"a single layer has no pooled vector of its own: pooling mean or concatenated, not {self.pooling}"
            )

    @property
    def name(self) -> str:
        """As reports write it."""
        parts = [] if self.layer is None else [f"layer {self.layer}"]
        parts += [] if self.timestep is None else [f"t {self.timestep}"]
        return ", ".join([*parts, self.pooling])


def embed(
    model: "GdsModel",
    features: np.ndarray,
    batch_size: int = 256,
    *,
    first_haplotype: np.ndarray | None = None,
    view: EmbeddingView | None = None,
) -> np.ndarray:
    """Embedding of each person.

    Parameters
    ----------
    model
        The encoder; it is used in evaluation mode.
    features
        Output of the featurizer that belongs to the encoder, shape (sample, block, channel).
    batch_size
        People a forward pass.
    first_haplotype
        As ``features``, of people homozygous for the first haplotype of each: the embedding is then the mean
        of those of both haplotypes, which is what a contrastive encoder of phased people was trained on.
    view
        Layer, noise level and pooling; None: the encoder's own pooled vector.

    Returns
    -------
    numpy.ndarray
        float32, shape (sample, hidden).
    """
    view = view or EmbeddingView()
    batches = []
    for tokens, pooled in _encoded(model, features, batch_size, first_haplotype, view):
        if view.pooling == "unit":
            pooled = pooled / pooled.norm(dim=-1, keepdim=True).clamp(min=1e-12)
        found = {"mean": tokens.mean(dim=-2), "concatenated": tokens.flatten(-2)}.get(view.pooling, pooled)
        batches.append(found.mean(dim=0).cpu().numpy())
    return np.concatenate(batches)


def embed_locally(
    model: "GdsModel",
    features: np.ndarray,
    batch_size: int = 256,
    *,
    first_haplotype: np.ndarray | None = None,
    view: EmbeddingView | None = None,
) -> np.ndarray:
    """Embedding of each stretch of each person's genome: the tokens, parameters as of :func:`embed`.

    Returns
    -------
    numpy.ndarray
        float32, shape (sample, haplotype, token, hidden): two haplotypes a person if ``first_haplotype`` is
        given, otherwise one row, the person.
    """
    parts = _encoded(
        model, features, batch_size, first_haplotype, view or EmbeddingView(pooling="concatenated")
    )
    return np.concatenate([tokens.transpose(0, 1).cpu().numpy() for tokens, _ in parts])


def n_layers(model: "GdsModel") -> int:
    """Number of repeated layers whose output can be taken."""
    return len(_layers(model))


def _layers(model: "GdsModel") -> list["torch.nn.Module"]:
    names = model.backbone.layers_to_shard
    return [module for module in model.backbone.modules() if type(module).__name__ in names]


def _encoded(
    model: "GdsModel",
    features: np.ndarray,
    batch_size: int,
    first_haplotype: np.ndarray | None,
    view: EmbeddingView,
) -> Iterator[tuple["torch.Tensor", "torch.Tensor"]]:
    """Batches of tokens (haplotype, sample, token, hidden) and pooled vectors (haplotype, sample, hidden), float32."""
    import torch

    from gds.models.contrastive import second_haplotype

    model.eval()
    device = next(model.parameters()).device
    taken: list[torch.Tensor] = []
    hook = None
    if view.layer is not None:
        layers = _layers(model)
        if not -len(layers) <= view.layer < len(layers):
            raise UserError(
                f"layer {view.layer}: this encoder has {len(layers)} layers, 0 ... {len(layers) - 1}"
            )
        hook = layers[view.layer].register_forward_hook(lambda module, inputs, output: taken.append(output))

    def read(values: np.ndarray, start: int) -> torch.Tensor:
        return torch.from_numpy(np.array(values[start : start + batch_size])).to(device)

    try:
        with torch.inference_mode():
            for start in tqdm(
                range(0, len(features), batch_size), desc="embedding", unit="batch", disable=None
            ):
                batch = read(features, start)
                haplotypes = [batch]
                if first_haplotype is not None:
                    first = read(first_haplotype, start)
                    haplotypes = [first, second_haplotype(batch, first)]
                outputs = []
                for haplotype in haplotypes:
                    taken.clear()
                    timestep = None
                    if view.timestep is not None:
                        timestep = torch.full((len(haplotype),), view.timestep, device=device)
                    output = model(features=haplotype, timestep=timestep)
                    tokens = output.last_hidden_state
                    if taken:
                        tokens = _as_tokens(taken[0], model.backbone.token_axis)
                    outputs.append((tokens.float(), output.pooler_output.float()))
                yield torch.stack([t for t, _ in outputs]), torch.stack([p for _, p in outputs])
    finally:
        if hook is not None:
            hook.remove()


def _as_tokens(hidden: "torch.Tensor", token_axis: int) -> "torch.Tensor":
    """Output of a layer as (sample, token, hidden)."""
    return hidden.unsqueeze(1) if hidden.ndim == 2 else hidden.movedim(token_axis, 1)
