"""Precision, recall, density and coverage (Naeem et al. 2020).

References are real rows, predictions synthetic ones, (row, variant) each.
Computed by :func:`gds.evaluation.neighbours.precision_recall_density_coverage`.
"""

from typing import Any

import numpy as np

from gds.evaluation.neighbours import precision_recall_density_coverage
from gds.metrics import row_metric


class Prdc(row_metric.RowMetric):
    def _compute(self, predictions: Any, references: Any, k: int = 5, seed: int = 0) -> dict[str, float]:
        return precision_recall_density_coverage(
            np.asarray(references), np.asarray(predictions), k=k, seed=seed
        )
