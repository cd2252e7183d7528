"""Shares of synthetic rows that are exact or near copies of training rows.

References are training rows, predictions synthetic ones; held_out rows go to compute() as they are.
Computed by :func:`gds.evaluation.privacy.copies`.
"""

from typing import Any

import numpy as np

from gds.evaluation.privacy import copies
from gds.metrics import row_metric


class Copies(row_metric.RowMetric):
    def _compute(
        self, predictions: Any, references: Any, held_out: Any, near_quantile: float = 0.01
    ) -> dict[str, float]:
        table = copies(
            np.asarray(references), np.asarray(held_out), np.asarray(predictions), near_quantile=near_quantile
        )
        return {f"{row}_{column}": float(table.loc[row, column]) for row in table.index for column in table}
