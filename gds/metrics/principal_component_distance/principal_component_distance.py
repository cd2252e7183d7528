"""Wasserstein distances on principal components of real rows, in standard deviations.

References are real rows, predictions synthetic ones, (row, variant) each.
Computed by :func:`gds.evaluation.fidelity.principal_component_distance` computes.
"""

from typing import Any

import datasets
import evaluate
import numpy as np

from gds.evaluation.fidelity import principal_component_distance


class PrincipalComponentDistance(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        row = datasets.Sequence(datasets.Value("int8"))
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            inputs_description="predictions: synthetic rows; references: real rows",
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def _compute(self, predictions: Any, references: Any, n_components: int = 10) -> dict[str, float]:
        return principal_component_distance(
            np.asarray(references), np.asarray(predictions), n_components=n_components
        )[0]
