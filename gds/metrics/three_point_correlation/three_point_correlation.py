"""Correlation of three-point statistics over random triplets of variants.

References are real rows, predictions synthetic ones, (row, variant) each.
Computed by :func:`gds.evaluation.linkage.three_point_correlation`.
"""

from typing import Any

import numpy as np

from gds.evaluation.linkage import three_point_correlation
from gds.metrics import row_metric


class ThreePointCorrelation(row_metric.RowMetric):
    def _compute(
        self, predictions: Any, references: Any, n_triplets: int = 10_000, seed: int = 0
    ) -> dict[str, float]:
        return three_point_correlation(
            np.asarray(references), np.asarray(predictions), n_triplets=n_triplets, seed=seed
        )
