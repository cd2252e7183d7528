"""Heterozygosity of synthetic people against that of real ones, and inbreeding F of both.

References are real rows, predictions synthetic ones, (row, variant) each.
Computed by :func:`gds.evaluation.fidelity.heterozygosity_agreement` computes.
"""

from typing import Any

import datasets
import evaluate
import numpy as np

from gds.evaluation.fidelity import heterozygosity_agreement


class HeterozygosityAgreement(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        row = datasets.Sequence(datasets.Value("int8"))
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            inputs_description="predictions: synthetic rows; references: real rows",
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        return heterozygosity_agreement(np.asarray(references), np.asarray(predictions))
