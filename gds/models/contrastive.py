"""The contrastive head: two views of one person lie close, those of different people apart."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gds.errors import UserError
from gds.models.configuration import GdsConfig
from gds.models.modeling import GdsModel, GdsPreTrainedModel
from gds.models.outputs import GdsOutput
from gds.models.processes import gather_rows
from gds.models.randomness import Stream, uniform


class GdsForContrastive(GdsPreTrainedModel):
    """Contrastive learning between a person's two haplotypes, or between two masked views of its genotype.

    Two haplotypes of one person share ancestry and little else, so that what tells a pair from other
    pairs is population structure. A haplotype's features are those of a person homozygous for it. Without
    phase each block goes to one of the two views, so that no cell is seen by both. In either case more is hidden
    at ``mask_ratio``.

    With unit vectors z of the 2 n views of a batch (of all processes together), temperature T and p(i) the other
    view of i's person, the loss is InfoNCE (van den Oord et al. 2018; Chen et al. 2020, "NT-Xent"):

        loss_i = - log ( exp(z_i . z_p(i) / T) / sum_{j != i} exp(z_i . z_j / T) )
    """

    def __init__(self, config: GdsConfig) -> None:
        super().__init__(config)
        if config.input_kind == "continuous" and not config.mask_channels:
            raise UserError("contrastive learning on continuous features needs mask_channels=True")
        self.gds = GdsModel(config)
        size = self.gds.pooled_size
        self.projection_head = (
            nn.Identity()
            if config.projection_size is None
            else nn.Sequential(nn.Linear(size, size), nn.GELU(), nn.Linear(size, config.projection_size))
        )
        self.post_init()

    def draw_views(
        self, features: Tensor, draw_key: Tensor, first_haplotype: Tensor | None
    ) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Features and hidden cells of each view; parameters as in :meth:`forward`."""
        hidden = [
            self._draw_mask(draw_key, Stream.MASK_RATIO, Stream.MASK),
            self._draw_mask(draw_key, Stream.SECOND_MASK_RATIO, Stream.SECOND_MASK),
        ]
        if first_haplotype is not None:
            second = second_haplotype(features, first_haplotype)
            return (first_haplotype, hidden[0]), (second, hidden[1])
        side = uniform(draw_key, Stream.VIEW, (self.config.n_blocks, 1)) < 0.5
        return (features, hidden[0] | side), (features, hidden[1] | ~side)

    def embed_views(
        self, features: Tensor, draw_key: Tensor, first_haplotype: Tensor | None = None
    ) -> Tensor:
        """Unit vectors of both views, float32 (batch, 2, size); parameters as in :meth:`forward`."""
        views = self.draw_views(features, draw_key, first_haplotype)
        # Both at once: half as many calls of the encoder.
        pooled = self.gds(
            torch.cat([cells for cells, _ in views]), is_masked=torch.cat([hidden for _, hidden in views])
        ).pooler_output
        unit = F.normalize(self.projection_head(pooled).float(), dim=1)
        return torch.stack(unit.chunk(2), dim=1)

    def forward(
        self,
        features: Tensor,
        draw_key: Tensor,
        labels: Tensor | None = None,
        first_haplotype: Tensor | None = None,
    ) -> GdsOutput:
        """Loss on one batch; the views of all processes are told apart.

        Parameters
        ----------
        features
            (batch, block, channel): int8 dosages with -1 missing, or float scores.
        draw_key
            int64 (batch,), from which masks are drawn.
        labels
            Not looked at.
        first_haplotype
            As ``features``, of a person homozygous for the first haplotype; None for unphased people.

        Returns
        -------
        GdsOutput
            ``loss``; ``views``, unit vectors (batch, 2, size); statistics ``loss`` and ``retrieval_accuracy``, how
            often a view's nearest is the other view of its person.
        """
        views = self.embed_views(features, draw_key, first_haplotype)
        everyone, start = gather_rows(views)
        own = torch.arange(start, start + len(views), device=views.device)
        loss, correct = info_nce(everyone, self.config.contrastive_temperature, own)
        one = torch.ones_like(loss.detach())
        statistics = {
            "loss": torch.stack((loss.detach(), one), dim=1),
            "retrieval_accuracy": torch.stack((correct, one), dim=1),
        }
        return GdsOutput(loss=loss.mean(), views=views, statistics=statistics)

    def scores_of_everyone(self, views: Tensor, pool: int) -> dict[str, float]:
        """Mean loss and retrieval accuracy of people who are scored against ``pool`` people each.

        How hard the task is depends on how many must be told apart, so that people are scored in groups of
        one size whatever the batch; the last group is filled up with people of the first.

        Parameters
        ----------
        views
            float32 (sample, 2, size), everyone in the order of the data.
        pool
            People told apart, at least 2.
        """
        n = len(views)
        pool = max(2, min(pool, n))
        losses, hits = [], []
        for start in range(0, n, pool):
            group = torch.arange(start, start + pool) % n
            anchors = torch.arange(min(pool, n - start))
            loss, correct = info_nce(views[group], self.config.contrastive_temperature, anchors)
            losses.append(loss)
            hits.append(correct)
        return {
            "loss": torch.cat(losses).double().mean().item(),
            "retrieval_accuracy": torch.cat(hits).double().mean().item(),
        }

    def _draw_mask(self, draw_key: Tensor, ratio_stream: Stream, stream: Stream) -> Tensor:
        low, high = self.config.mask_ratio_range
        ratio = low + (high - low) * uniform(draw_key, ratio_stream, (1, 1))
        n_units = 1 if self.config.mask_unit == "block" else self.config.n_channels
        drawn = uniform(draw_key, stream, (self.config.n_blocks, n_units)) < ratio
        return drawn.expand(-1, -1, self.config.n_channels)


def second_haplotype(features: Tensor, first_haplotype: Tensor) -> Tensor:
    """Features of a person homozygous for the second haplotype: 2 x - first; -1 stays -1 in tokens.

    A heterozygous token whose phase is not known is missing in the first and would come out as 3: missing too.
    """
    second = 2 * features - first_haplotype
    return second if features.is_floating_point() else torch.where(first_haplotype < 0, -1, second)


def info_nce(views: Tensor, temperature: float, anchors: Tensor) -> tuple[Tensor, Tensor]:
    """InfoNCE of some people among all of a batch.

    Parameters
    ----------
    views
        Unit vectors, (sample, 2, size).
    temperature
        What similarities are divided by.
    anchors
        int64 (anchor,), rows of the people to score.

    Returns
    -------
    loss : Tensor
        Mean over a person's two views, (anchor,).
    correct : Tensor
        Share of its views whose nearest other view is the person's own, (anchor,).
    """
    n = len(views)
    keys = views.transpose(0, 1).flatten(0, 1)  # all first views, then all second ones
    rows = torch.cat((anchors, anchors + n))
    similarity = keys[rows] @ keys.T / temperature
    itself = torch.zeros_like(similarity, dtype=torch.bool).scatter_(1, rows[:, None], True)
    similarity = similarity.masked_fill(itself, -torch.inf)
    partner = (rows + n) % (2 * n)
    loss = F.cross_entropy(similarity, partner, reduction="none")
    correct = (similarity.detach().argmax(dim=1) == partner).float()
    return loss.view(2, -1).mean(dim=0), correct.view(2, -1).mean(dim=0)
