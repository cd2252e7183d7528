"""Recovery rate: accuracy of a classifier trained on synthetic people over that of one trained on as many real ones.

References are the classes of held-out real people, predictions those that the classifier trained on synthetic people
gives them; real_predictions, of the classifier trained on real people, go to compute() as they are. All are integers.
Computed by :func:`gds.evaluation.recovery.recovery_rate`.
"""

from typing import Any

import datasets
import evaluate
import numpy as np

from gds.evaluation.recovery import recovery_rate


class RecoveryRate(evaluate.Metric):
    def _info(self) -> evaluate.MetricInfo:
        label = datasets.Value("int64")
        return evaluate.MetricInfo(
            description=__doc__ or "",
            citation="",
            inputs_description="predictions: after training on synthetic people; references: true classes",
            features=datasets.Features({"predictions": label, "references": label}),
        )

    def _compute(self, predictions: Any, references: Any, real_predictions: Any) -> dict[str, float]:
        return recovery_rate(*map(np.asarray, (references, predictions, real_predictions)))
