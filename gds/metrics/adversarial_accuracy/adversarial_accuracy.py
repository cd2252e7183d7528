"""Nearest-neighbour adversarial accuracy with both parts: aa_truth, aa_syn, aats.

References are real rows, predictions synthetic ones, (row, variant) each.
Computed by :func:`gds.evaluation.neighbours.adversarial_accuracy` computes.
"""

from typing import Any

import datasets
import evaluate
import numpy as np

from gds.evaluation.neighbours import adversarial_accuracy


class AdversarialAccuracy(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        row = datasets.Sequence(datasets.Value("int8"))
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            inputs_description="predictions: synthetic rows; references: real rows",
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def _compute(self, predictions: Any, references: Any, seed: int = 0) -> dict[str, float]:
        return adversarial_accuracy(np.asarray(references), np.asarray(predictions), seed=seed)
