"""Allele frequencies of synthetic rows against those of real ones: r, rmse, lost, fixed, n_polymorphic.

References are real rows, predictions synthetic ones, (row, variant) each.
Computed by :func:`gds.evaluation.fidelity.allele_frequency_agreement`.
"""

from typing import Any

import numpy as np

from gds.evaluation.fidelity import allele_frequency_agreement
from gds.metrics import row_metric


class AlleleFrequencyAgreement(row_metric.RowMetric):
    def _compute(self, predictions: Any, references: Any, ploidy: int = 2) -> dict[str, float]:
        return allele_frequency_agreement(np.asarray(references), np.asarray(predictions), ploidy=ploidy)
