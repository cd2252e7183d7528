"""Correlation of real and synthetic pairwise r2, over all pairs of variants.

References are real rows, predictions synthetic ones, (row, variant) each.
Computed by :func:`gds.evaluation.linkage.ld_correlation` computes.
"""

from typing import Any

import datasets
import evaluate
import numpy as np

from gds.evaluation.linkage import ld_correlation


class LdCorrelation(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        row = datasets.Sequence(datasets.Value("int8"))
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            inputs_description="predictions: synthetic rows; references: real rows",
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        return ld_correlation(np.asarray(references), np.asarray(predictions))[0]
