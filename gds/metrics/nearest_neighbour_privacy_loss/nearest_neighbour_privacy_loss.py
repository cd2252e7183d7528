"""Nearest-neighbour privacy loss: AATS of held-out rows minus that of training rows.

References are training rows, predictions synthetic ones; held_out rows go to compute() as they are.
Computed by :func:`gds.evaluation.neighbours.nearest_neighbour_privacy_loss` computes.
"""

from typing import Any

import datasets
import evaluate
import numpy as np

from gds.evaluation.neighbours import nearest_neighbour_privacy_loss


class NearestNeighbourPrivacyLoss(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        row = datasets.Sequence(datasets.Value("int8"))
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            inputs_description="predictions: synthetic rows; references: real rows",
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def _compute(self, predictions: Any, references: Any, held_out: Any, seed: int = 0) -> dict[str, float]:
        return nearest_neighbour_privacy_loss(
            np.asarray(references), np.asarray(held_out), np.asarray(predictions), seed=seed
        )
