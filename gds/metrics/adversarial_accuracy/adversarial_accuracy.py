"""Nearest-neighbour adversarial accuracy with both parts: aa_truth, aa_syn, aats.

References are real rows, predictions synthetic ones, (row, variant) each.
Computed by :func:`gds.evaluation.neighbours.adversarial_accuracy`.
"""

from typing import Any

import numpy as np

from gds.evaluation.neighbours import adversarial_accuracy
from gds.metrics import row_metric


class AdversarialAccuracy(row_metric.RowMetric):
    def _compute(self, predictions: Any, references: Any, seed: int = 0) -> dict[str, float]:
        return adversarial_accuracy(np.asarray(references), np.asarray(predictions), seed=seed)
