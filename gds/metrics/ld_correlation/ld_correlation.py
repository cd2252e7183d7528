"""Correlation of real and synthetic pairwise r2, over all pairs of variants.

References are real rows, predictions synthetic ones, (row, variant) each.
Computed by :func:`gds.evaluation.linkage.ld_correlation`.
"""

from typing import Any

import numpy as np

from gds.evaluation.linkage import ld_correlation
from gds.metrics import row_metric


class LdCorrelation(row_metric.RowMetric):
    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        return ld_correlation(np.asarray(references), np.asarray(predictions))[0]
