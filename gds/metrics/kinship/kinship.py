"""Shares of synthetic people with a close relative among each other, and among training people.

References are training people, predictions synthetic ones, dosages (sample, variant) each; held_out people, whose share
is the one to compare with, go to compute() as they are.
Computed by :func:`gds.evaluation.fidelity.close_relatives`.
"""

from typing import Any

import numpy as np

from gds.evaluation.fidelity import close_relatives
from gds.metrics import row_metric


class Kinship(row_metric.RowMetric):
    def _compute(self, predictions: Any, references: Any, held_out: Any = None) -> dict[str, float]:
        real, synthetic = np.asarray(references), np.asarray(predictions)
        found = {"within": close_relatives(synthetic), "to_train": close_relatives(synthetic, real)}
        if held_out is not None:
            found["held_out_to_train"] = close_relatives(np.asarray(held_out), real)
        return found
