"""Precision, recall, density and coverage (Naeem et al. 2020).

References are real rows, predictions synthetic ones, (row, variant) each.
Computed by :func:`gds.evaluation.neighbours.precision_recall_density_coverage` computes.
"""

from typing import Any

import datasets
import evaluate
import numpy as np

from gds.evaluation.neighbours import precision_recall_density_coverage


class Prdc(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        row = datasets.Sequence(datasets.Value("int8"))
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            inputs_description="predictions: synthetic rows; references: real rows",
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def _compute(self, predictions: Any, references: Any, k: int = 5, seed: int = 0) -> dict[str, float]:
        return precision_recall_density_coverage(
            np.asarray(references), np.asarray(predictions), k=k, seed=seed
        )
