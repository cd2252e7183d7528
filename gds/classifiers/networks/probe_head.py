"""A logistic probe as the head of a network: one kind of folder for probes and fine-tuned encoders.

Standardising and then applying logistic regression is one affine map of the embedding x::

    w ((x - mean) scale) + b  =  (w scale) x + (b - sum(w scale mean))

so a linear layer holds it exactly, up to the rounding of its float32 weights.
"""

from typing import TYPE_CHECKING

import numpy as np

from gds.classifiers.linear.tuned_logistic import LogisticProbe
from gds.errors import UserError

if TYPE_CHECKING:
    from gds.models import GdsForClassification, GdsModel


def probe_layer(probe: LogisticProbe) -> tuple[np.ndarray, np.ndarray]:
    """Weight, float64 (class, hidden), and bias, (class,), of the linear layer that is a fitted probe.

    Binary logistic regression has one logit z. The layer's two are -z / 2 and z / 2, of which the softmax is
    the same.
    """
    weight = probe.model_.coef_ * probe.scale_
    bias = probe.model_.intercept_ - weight @ probe.mean_
    if len(weight) == 1:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return weight, bias


def classifier_from_probe(encoder: "GdsModel", probe: LogisticProbe) -> "GdsForClassification":
    """The encoder with the probe as its classification head, in evaluation mode.

    Parameters
    ----------
    encoder
        Whose pooled embeddings the probe was fitted on; its weights are copied.
    probe
        Fitted on labels 0 ... k - 1.

    Raises
    ------
    UserError
        The probe was fitted on other labels, or on embeddings of another width.
    """
    import torch

    from gds.models import GdsConfig, GdsForClassification

    n_classes = len(probe.classes_)
    if not np.array_equal(probe.classes_, np.arange(n_classes)):
        raise UserError(f"expected a probe of the classes 0 ... {n_classes - 1}, found {probe.classes_}")
    weight, bias = probe_layer(probe)
    if weight.shape[1] != encoder.pooled_size:
        raise UserError(
            f"the probe was fitted on embeddings of width {weight.shape[1]}, but those of the encoder have "
            f"{encoder.pooled_size}: were they made by another encoder?"
        )
    # Not from the encoder's own labels: it may itself be an earlier classifier's.
    options = {
        name: value
        for name, value in encoder.config.to_dict().items()
        if name not in ("id2label", "label2id", "architectures")
    }
    classifier = GdsForClassification(GdsConfig.from_dict(options | {"num_labels": n_classes}))
    classifier.gds.load_state_dict(encoder.state_dict())
    layer = classifier.classification_head[-1]
    assert isinstance(layer, torch.nn.Linear)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))
    return classifier.eval()
