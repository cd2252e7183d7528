"""Share of variants out of Hardy-Weinberg proportions, among real and among synthetic people.

References are real people, predictions synthetic ones, dosages (sample, variant) each.
Computed by :func:`gds.genotypes.hwe.share_out_of_proportions`.
"""

from typing import Any

import numpy as np

from gds.genotypes.hwe import share_out_of_proportions
from gds.metrics import row_metric


class HardyWeinberg(row_metric.RowMetric):
    def _compute(self, predictions: Any, references: Any, p: float = 1e-4) -> dict[str, float]:
        return {
            "real": share_out_of_proportions(np.asarray(references), p),
            "synthetic": share_out_of_proportions(np.asarray(predictions), p),
        }
