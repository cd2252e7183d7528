"""Membership inference by distance and by allele-frequency likelihood ratio: AUC, and TPR at low FPR.

References are training rows, predictions synthetic ones; held_out rows go to compute() as they are.
Computed by :func:`gds.evaluation.privacy.membership_inference`.
"""

from typing import Any

import numpy as np

from gds.evaluation.privacy import membership_inference
from gds.metrics import row_metric


class MembershipInference(row_metric.RowMetric):
    def _compute(
        self, predictions: Any, references: Any, held_out: Any, ploidy: int = 2, seed: int = 0
    ) -> dict[str, float]:
        table = membership_inference(
            np.asarray(references), np.asarray(held_out), np.asarray(predictions), ploidy=ploidy, seed=seed
        )
        return {"_".join(name): float(value) for name, value in table["value"].items()}
