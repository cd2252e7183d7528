"""Membership inference by distance and by allele-frequency likelihood ratio: AUC, and TPR at low FPR.

References are training rows, predictions synthetic ones; held_out rows go to compute() as they are.
Computed by :func:`gds.evaluation.privacy.membership_inference` computes.
"""

from typing import Any

import datasets
import evaluate
import numpy as np

from gds.evaluation.privacy import membership_inference


class MembershipInference(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        row = datasets.Sequence(datasets.Value("int8"))
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            inputs_description="predictions: synthetic rows; references: real rows",
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def _compute(
        self, predictions: Any, references: Any, held_out: Any, ploidy: int = 2, seed: int = 0
    ) -> dict[str, float]:
        table = membership_inference(
            np.asarray(references), np.asarray(held_out), np.asarray(predictions), ploidy=ploidy, seed=seed
        )
        return {"_".join(name): float(value) for name, value in table["value"].items()}
