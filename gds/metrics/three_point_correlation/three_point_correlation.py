"""Correlation of three-point statistics over random triplets of variants.

References are real rows, predictions synthetic ones, (row, variant) each.
Computed by :func:`gds.evaluation.linkage.three_point_correlation` computes.
"""

from typing import Any

import datasets
import evaluate
import numpy as np

from gds.evaluation.linkage import three_point_correlation


class ThreePointCorrelation(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        row = datasets.Sequence(datasets.Value("int8"))
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            inputs_description="predictions: synthetic rows; references: real rows",
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def _compute(
        self, predictions: Any, references: Any, n_triplets: int = 10_000, seed: int = 0
    ) -> dict[str, float]:
        return three_point_correlation(
            np.asarray(references), np.asarray(predictions), n_triplets=n_triplets, seed=seed
        )
