"""Nearest-neighbour privacy loss: AATS of held-out rows minus that of training rows.

References are training rows, predictions synthetic ones; held_out rows go to compute() as they are.
Computed by :func:`gds.evaluation.neighbours.nearest_neighbour_privacy_loss`.
"""

from typing import Any

import numpy as np

from gds.evaluation.neighbours import nearest_neighbour_privacy_loss
from gds.metrics import row_metric


class NearestNeighbourPrivacyLoss(row_metric.RowMetric):
    def _compute(self, predictions: Any, references: Any, held_out: Any, seed: int = 0) -> dict[str, float]:
        return nearest_neighbour_privacy_loss(
            np.asarray(references), np.asarray(held_out), np.asarray(predictions), seed=seed
        )
