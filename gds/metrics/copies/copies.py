"""Shares of synthetic rows that are exact or near copies of training rows.

References are training rows, predictions synthetic ones; held_out rows go to compute() as they are.
Computed by :func:`gds.evaluation.privacy.copies` computes.
"""

from typing import Any

import datasets
import evaluate
import numpy as np

from gds.evaluation.privacy import copies


class Copies(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        row = datasets.Sequence(datasets.Value("int8"))
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            inputs_description="predictions: synthetic rows; references: real rows",
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def _compute(
        self, predictions: Any, references: Any, held_out: Any, near_quantile: float = 0.01
    ) -> dict[str, float]:
        table = copies(
            np.asarray(references), np.asarray(held_out), np.asarray(predictions), near_quantile=near_quantile
        )
        return {f"{row}_{column}": float(table.loc[row, column]) for row in table.index for column in table}
