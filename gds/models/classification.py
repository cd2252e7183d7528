"""The classification head: the pooled vector, dropout, one dense layer."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gds.errors import UserError
from gds.models.configuration import GdsConfig
from gds.models.modeling import GdsModel, GdsPreTrainedModel
from gds.models.outputs import GdsOutput


class GdsForClassification(GdsPreTrainedModel):
    """Classification of people.

    ``GdsForClassification.from_pretrained(folder, num_labels=2)`` takes the encoder of any pre-trained
    model and makes a new head. A conditional encoder is given the null class: the label is never an input.
    """

    def __init__(self, config: GdsConfig) -> None:
        super().__init__(config)
        if config.num_labels is None or config.num_labels < 2:
            raise UserError(f"classification needs at least two labels, found num_labels={config.num_labels}")
        self.gds = GdsModel(config)
        self.classification_head = nn.Sequential(
            nn.Dropout(config.classifier_dropout), nn.Linear(self.gds.pooled_size, config.num_labels)
        )
        self.post_init()

    @property
    def n_label_classes(self) -> int:
        """Number of classes that ``labels`` may name."""
        return self.config.num_labels

    def forward(self, features: Tensor, labels: Tensor | None = None) -> GdsOutput:
        """Classify.

        Parameters
        ----------
        features
            (batch, block, channel).
        labels
            int64 (batch,), -100 unlabelled (contributes 0 to the mean); None for no loss.

        Returns
        -------
        GdsOutput
            ``logits`` (batch, label); with labels ``loss`` (cross-entropy) and the statistics ``loss`` and
            ``accuracy`` over labelled people.
        """
        logits = self.classification_head(self.gds(features).pooler_output).float()
        if labels is None:
            return GdsOutput(logits=logits)
        loss = F.cross_entropy(logits, labels, ignore_index=-100, reduction="none")
        with torch.no_grad():
            labelled = (labels != -100).float()
            correct = (logits.argmax(dim=1) == labels).float()
            statistics = {
                "loss": torch.stack((loss.detach(), labelled), dim=1),
                "accuracy": torch.stack((correct, labelled), dim=1),
            }
        return GdsOutput(loss=loss.mean(), logits=logits, statistics=statistics)
