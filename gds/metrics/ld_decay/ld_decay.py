"""Mean r2 of pairs of variants by distance, of real and of synthetic rows, and the RMSE between the two curves.

References are real rows, predictions synthetic ones, (row, variant) each; chromosome and position of the variants go to
compute() as they are (default: one chromosome, one apart).
Computed by :func:`gds.evaluation.linkage.ld_correlation`.
"""

from typing import Any

import numpy as np

from gds.evaluation.linkage import decay_rmse, ld_correlation
from gds.metrics import row_metric


class LdDecay(row_metric.RowMetric):
    def _compute(
        self,
        predictions: Any,
        references: Any,
        chromosome: Any = None,
        position: Any = None,
        window: float | None = None,
    ) -> dict[str, Any]:
        _, decay = ld_correlation(
            np.asarray(references),
            np.asarray(predictions),
            chromosome=chromosome,
            position=position,
            window=window,
        )
        return {"decay_rmse": decay_rmse(decay), **decay.to_dict("list")}
