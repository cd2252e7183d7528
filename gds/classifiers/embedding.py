"""Embeddings of people by a pre-trained encoder."""

from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

if TYPE_CHECKING:
    from gds.models import GdsModel


def embed(model: "GdsModel", features: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """Pooled embedding of each person.

    Parameters
    ----------
    model
        The encoder; it is used in evaluation mode at its configured ``encode_timestep``.
    features
        Output of the featurizer that belongs to the encoder, shape (sample, block, channel).
    batch_size
        People a forward pass.

    Returns
    -------
    numpy.ndarray
        float32, shape (sample, hidden).
    """
    import torch

    model.eval()
    device = next(model.parameters()).device
    batches = []
    with torch.inference_mode():
        for start in tqdm(range(0, len(features), batch_size), desc="embedding", unit="batch", disable=None):
            batch = torch.from_numpy(np.array(features[start : start + batch_size])).to(device)
            batches.append(model(features=batch).pooler_output.float().cpu().numpy())
    return np.concatenate(batches)
