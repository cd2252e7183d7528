"""What a run logged, as one tidy table: what the pictures of learning are drawn from."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

COLUMNS = ["step", "epoch", "samples_seen", "split", "metric", "value"]

# Facts about a whole call of train() or evaluate(), not points of a curve.
_NOT_CURVES = {
    "train_runtime",
    "train_samples_per_second",
    "train_steps_per_second",
    "train_loss",
    "total_flos",
}
_NOT_METRICS = {"runtime", "samples_per_second", "steps_per_second", "model_preparation_time"}


def curve_records(history: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Turn the log history of a trainer into records.

    Parameters
    ----------
    history
        ``trainer.state.log_history``, or the same from ``trainer_state.json`` of a checkpoint.

    Returns
    -------
    pandas.DataFrame
        One row a point: ``step`` (optimiser steps), ``epoch``, ``samples_seen`` (samples trained on until
        then), ``split`` (``"train"`` or ``"validation"``), ``metric`` (``"loss"``, ``"accuracy"``,
        ``"grad_norm"``, ``"learning_rate"``, ``"samples_per_second"``, ...) and ``value``. Training values are
        means over the steps since the point before.
    """
    rows = []
    samples_per_step = 0.0
    for entry in history:
        step = entry["step"]
        if entry.get("samples_seen") and step:
            samples_per_step = entry["samples_seen"] / step
        for name, value in entry.items():
            split = "validation" if name.startswith("eval_") else "train"
            metric = name.removeprefix("eval_")
            skipped = (
                _NOT_METRICS if split == "validation" else _NOT_CURVES | {"step", "epoch", "samples_seen"}
            )
            if metric not in skipped and isinstance(value, int | float):
                rows.append(
                    (step, entry["epoch"], round(samples_per_step * step), split, metric, float(value))
                )
    return pd.DataFrame(rows, columns=COLUMNS)
