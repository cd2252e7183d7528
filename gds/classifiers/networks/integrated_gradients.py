"""Which blocks a network's answer rests on: integrated gradients (Sundararajan et al. 2017).

For a function f of the blocks' inputs x and a baseline b, block i is given

    (x_i - b_i) . integral over t in [0, 1] of df/dx_i at b + t (x - b),

and all blocks together exactly f(x) - f(b) (completeness). A token that passes near a constant vector on its way is
turned round by layer normalisation within a hundredth of the path, which no fixed number of nodes sees. Completeness
says where: on any stretch of the path the attributions must add up to what f changes there, so a stretch where
Gauss-Legendre nodes miss that is halved, and those that meet it are kept.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from gds.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from gds.models import GdsModel

N_NODES = 8  # of a stretch
MOST_HALVINGS = 16


def block_inputs(encoder: "GdsModel", features: np.ndarray) -> np.ndarray:
    """What the encoder's backbone is given for each block: cells as channels, after a block's own layer if it has one.

    Parameters
    ----------
    encoder
        Used in evaluation mode.
    features
        Output of its featurizer, scores or tokens, (sample, block, channel).

    Returns
    -------
    numpy.ndarray
        float32 (sample, block, width).
    """
    import torch

    encoder.eval()
    with torch.no_grad():
        given = torch.from_numpy(np.array(features)).to(encoder.is_padding.device)
        dtype = next(encoder.backbone.parameters()).dtype
        cells = encoder.embedding.cells(given, None, encoder.is_padding, dtype)
        return encoder.embedding(cells).float().cpu().numpy()


def linear_outputs(encoder: "GdsModel", inputs: "Tensor", weights: "Tensor") -> "Tensor":
    """Linear functions of the pooled embedding as functions of the blocks' inputs, (sample, output)."""
    import torch

    # Whatever the embedding makes of these features is replaced by the inputs.
    anything = torch.zeros((len(inputs), *encoder.is_padding.shape), device=inputs.device)
    handle = encoder.embedding.register_forward_hook(lambda *_: inputs)
    try:
        pooled = encoder(features=anything).pooler_output
    finally:
        handle.remove()
    return pooled.float() @ weights.T


def integrated_gradients(
    encoder: "GdsModel",
    features: np.ndarray,
    weights: np.ndarray,
    baseline: np.ndarray,
    tolerance: float = 1e-3,
    batch_size: int = 64,
) -> tuple[np.ndarray, np.ndarray]:
    """Attribute linear functions of the pooled embedding to blocks.

    Parameters
    ----------
    encoder
        Used in evaluation mode.
    features
        People to explain, (sample, block, channel).
    weights
        Of the pooled embedding, one row a function: of a head with two classes the difference of its rows; (output,
        hidden). Constants cancel.
    baseline
        Blocks' inputs of nobody in particular, such as the mean of training people's :func:`block_inputs`,
        (block, width).
    tolerance
        Largest gap on a stretch, over the root mean square of f(x) - f(baseline).
    batch_size
        Points of paths a pass.

    Returns
    -------
    attributions : numpy.ndarray
        float64 (output, sample, block).
    difference : numpy.ndarray
        f(x) - f(baseline), which the attributions of all blocks add up to; float64 (output, sample).

    Raises
    ------
    UserError
        Weights of another width than the embedding.
    """
    import torch

    if weights.ndim != 2 or weights.shape[1] != encoder.pooled_size:
        raise UserError(f"expected weights of shape (output, {encoder.pooled_size}), found {weights.shape}")
    encoder.eval()
    device = encoder.is_padding.device
    head = torch.from_numpy(np.asarray(weights, dtype=np.float32)).to(device)
    start = torch.from_numpy(np.asarray(baseline, dtype=np.float32)).to(device)
    step = torch.from_numpy(block_inputs(encoder, features)).to(device) - start

    def values(person: np.ndarray, t: np.ndarray) -> np.ndarray:
        """f at points of the paths, float64 (output, point)."""
        with torch.no_grad():
            parts = [
                linear_outputs(encoder, start + _column(t[rows], device) * step[person[rows]], head)
                for rows in _batches(len(t), batch_size)
            ]
        return torch.cat(parts).double().cpu().numpy().T

    def slopes(person: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Derivative along the path by block, float64 (output, point, block)."""
        parts = []
        for rows in _batches(len(t), batch_size):
            along = step[person[rows]]
            at = (start + _column(t[rows], device) * along).requires_grad_(True)
            outputs = linear_outputs(encoder, at, head)
            each = []
            for row in range(len(head)):
                (slope,) = torch.autograd.grad(outputs[:, row].sum(), at, retain_graph=row < len(head) - 1)
                each.append((slope * along).sum(dim=2).double().cpu().numpy())
            parts.append(np.stack(each))
        return np.concatenate(parts, axis=1)

    n = len(features)
    at_start, at_end = (values(np.arange(n), np.full(n, t)) for t in (0.0, 1.0))
    difference = at_end - at_start
    allowed = tolerance * np.sqrt((difference**2).mean(axis=1, keepdims=True))
    total = np.zeros((len(weights), n, step.shape[1]))
    chunks = _batches(n, max(1, batch_size // N_NODES))
    for rows in tqdm(chunks, desc="attributing", unit="batch", delay=5, disable=None):
        people = np.arange(n)[rows]
        _follow_paths(values, slopes, people, at_start[:, rows], at_end[:, rows], allowed, total)
    return total, difference


def _follow_paths(
    values: Callable[[np.ndarray, np.ndarray], np.ndarray],
    slopes: Callable[[np.ndarray, np.ndarray], np.ndarray],
    person: np.ndarray,
    at_low: np.ndarray,
    at_high: np.ndarray,
    allowed: np.ndarray,
    total: np.ndarray,
) -> None:
    """Add the integrals of some people to ``total``, stretch by stretch, halving those that miss what f changes."""
    roots, root_weights = np.polynomial.legendre.leggauss(N_NODES)
    low, high = np.zeros(len(person)), np.ones(len(person))
    for halvings in range(MOST_HALVINGS + 1):
        width = (high - low)[:, None]
        points = low[:, None] + width * (roots + 1) / 2
        slope = slopes(np.repeat(person, N_NODES), points.ravel())
        slope = slope.reshape(len(total), len(person), N_NODES, -1)
        found = np.einsum("opnb,pn->opb", slope, width * root_weights / 2)
        gap = np.abs(found.sum(axis=2) - (at_high - at_low))
        good = (gap <= allowed).all(axis=0) if halvings < MOST_HALVINGS else np.ones(len(person), dtype=bool)
        for stretch in np.flatnonzero(good):
            total[:, person[stretch]] += found[:, stretch]
        if good.all():
            return
        person, low, high = person[~good], low[~good], high[~good]
        middle = (low + high) / 2
        between = values(person, middle)
        at_low, at_high = (
            np.concatenate([at_low[:, ~good], between], axis=1),
            np.concatenate([between, at_high[:, ~good]], axis=1),
        )
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        person = np.concatenate([person, person])


def _batches(n: int, size: int) -> list[slice]:
    return [slice(first, first + size) for first in range(0, n, size)]


def _column(t: np.ndarray, device: "torch.device") -> "Tensor":
    import torch

    return torch.from_numpy(t.astype(np.float32)).to(device)[:, None, None]
