"""Heterozygosity of synthetic people against that of real ones, and inbreeding F of both.

References are real rows, predictions synthetic ones, (row, variant) each.
Computed by :func:`gds.evaluation.fidelity.heterozygosity_agreement`.
"""

from typing import Any

import numpy as np

from gds.evaluation.fidelity import heterozygosity_agreement
from gds.metrics import row_metric


class HeterozygosityAgreement(row_metric.RowMetric):
    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        return heterozygosity_agreement(np.asarray(references), np.asarray(predictions))
