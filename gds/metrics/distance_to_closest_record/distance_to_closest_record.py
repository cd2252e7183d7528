"""Distances of synthetic rows to training rows, beside those of held-out rows.

References are training rows, predictions synthetic ones; held_out rows go to compute() as they are.
Computed by :func:`gds.evaluation.privacy.distance_to_closest_record`.
"""

from typing import Any

import numpy as np

from gds.evaluation.privacy import distance_to_closest_record
from gds.metrics import row_metric


class DistanceToClosestRecord(row_metric.RowMetric):
    def _compute(self, predictions: Any, references: Any, held_out: Any, seed: int = 0) -> dict[str, float]:
        return distance_to_closest_record(
            np.asarray(references), np.asarray(held_out), np.asarray(predictions), seed=seed
        )[0]
