"""What all metrics of genotype rows share: rows of small integers as predictions and references."""

import inspect
from typing import Any

import datasets
import evaluate


class RowMetric(evaluate.Metric):
    """Predictions are synthetic rows, references real ones, (row, variant) each; see the module of each metric."""

    def _info(self) -> evaluate.MetricInfo:
        module = inspect.getmodule(type(self))
        row = datasets.Sequence(datasets.Value("int8"))
        return evaluate.MetricInfo(
            description=(module and module.__doc__) or "",
            citation="",
            inputs_description="predictions: synthetic rows; references: real rows",
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def compute(
        self, *, predictions: Any = None, references: Any = None, **options: Any
    ) -> dict[str, Any] | None:
        """As ``evaluate.Metric.compute``, which refuses sets of different sizes: here they need not pair up."""
        if predictions is None or references is None:
            return super().compute(predictions=predictions, references=references, **options)
        return self._compute(predictions=predictions, references=references, **options)
