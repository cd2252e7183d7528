"""Wasserstein distances on principal components of real rows, in standard deviations.

References are real rows, predictions synthetic ones, (row, variant) each.
Computed by :func:`gds.evaluation.fidelity.principal_component_distance`.
"""

from typing import Any

import numpy as np

from gds.evaluation.fidelity import principal_component_distance
from gds.metrics import row_metric


class PrincipalComponentDistance(row_metric.RowMetric):
    def _compute(self, predictions: Any, references: Any, n_components: int = 10) -> dict[str, float]:
        return principal_component_distance(
            np.asarray(references), np.asarray(predictions), n_components=n_components
        )[0]
