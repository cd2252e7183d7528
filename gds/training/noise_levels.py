"""How well a diffusion model reconstructs at every noise level."""

from collections.abc import Iterable

import pandas as pd
import torch
from tqdm import tqdm

from gds.models import GdsForDiffusion
from gds.models.randomness import EVALUATION_EPOCH, draw_keys
from gds.training.data import FeatureDataset


@torch.no_grad()
def reconstruction_by_timestep(
    model: GdsForDiffusion,
    dataset: FeatureDataset,
    *,
    timesteps: Iterable[int] | None = None,
    seed: int = 0,
    batch_size: int = 128,
    max_people: int = 2048,
) -> pd.DataFrame:
    """Error of the network and of closed-form shrinkage at single noise levels.

    Parameters
    ----------
    model
        Left as it is, but for being put in evaluation mode.
    dataset
        People to score; each gets the same noise at every level.
    timesteps
        Noise levels; None for 20 that span the schedule.
    seed
        Of the noise.
    batch_size
        People at a time.
    max_people
        The first so many people are scored.

    Returns
    -------
    pandas.DataFrame
        One row a level: ``timestep``, ``alpha_bar`` (share of signal variance), ``loss`` (mean squared error of
        what ``prediction_type`` names, over people and cells that are not padding), ``shrinkage_loss`` (the same
        of shrinkage), and mean squared error of the features themselves: ``clean_error`` and
        ``shrinkage_clean_error``.
    """
    n_timesteps = model.config.num_train_timesteps
    if timesteps is None:
        timesteps = torch.linspace(0, n_timesteps - 1, min(20, n_timesteps)).round().long().tolist()
    levels = list(timesteps)
    device = next(model.parameters()).device
    signal = model.alpha_bar(torch.tensor(levels, device=device)).flatten().tolist()
    n_people = min(len(dataset), max_people)
    totals = torch.zeros(len(levels), 2, dtype=torch.float64)
    model.eval()
    for start in tqdm(range(0, n_people, batch_size), desc="noise levels", leave=False):
        batch = dataset.__getitems__(list(range(start, min(start + batch_size, n_people))))
        features, labels = batch["features"].to(device), batch["labels"].to(device)
        keys = draw_keys(seed, EVALUATION_EPOCH, batch["sample"].to(device))
        for row, level in enumerate(levels):
            statistics = model(
                features, keys, labels=labels, timestep=torch.full_like(keys, level)
            ).statistics
            for column, name in enumerate(("loss", "shrinkage_loss")):
                totals[row, column] += statistics[name][:, 0].double().sum().cpu()
    table = pd.DataFrame({"timestep": levels, "alpha_bar": signal})
    table[["loss", "shrinkage_loss"]] = (totals / n_people).numpy()
    per_scored = _clean_per_scored(model.config.prediction_type, table["alpha_bar"])
    table["clean_error"] = table["loss"] * per_scored
    table["shrinkage_clean_error"] = table["shrinkage_loss"] * per_scored
    return table


def _clean_per_scored(prediction_type: str, signal: pd.Series) -> pd.Series:
    """Squared error of x0 for one of the prediction: x0 = (x_t - sqrt(1 - a) eps) / sqrt(a) = ... - sqrt(1 - a) v."""
    if prediction_type == "epsilon":
        return (1 - signal) / signal
    if prediction_type == "v_prediction":
        return 1 - signal
    return signal * 0 + 1
