"""Allele frequencies of synthetic rows against those of real ones: r, rmse, lost, fixed, n_polymorphic.

References are real rows, predictions synthetic ones, (row, variant) each.
Computed by :func:`gds.evaluation.fidelity.allele_frequency_agreement` computes.
"""

from typing import Any

import datasets
import evaluate
import numpy as np

from gds.evaluation.fidelity import allele_frequency_agreement


class AlleleFrequencyAgreement(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        row = datasets.Sequence(datasets.Value("int8"))
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            inputs_description="predictions: synthetic rows; references: real rows",
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def _compute(self, predictions: Any, references: Any, ploidy: int = 2) -> dict[str, float]:
        return allele_frequency_agreement(np.asarray(references), np.asarray(predictions), ploidy=ploidy)
