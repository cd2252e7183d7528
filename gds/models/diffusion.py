"""The diffusion head: noise added to the features, and the network that takes it off again."""

from typing import Any

import torch
from torch import Tensor

from gds.errors import UserError
from gds.models.backbones import BACKBONES
from gds.models.configuration import GdsConfig
from gds.models.modeling import GdsModel, GdsPreTrainedModel
from gds.models.neighbours import make_neighbour_head
from gds.models.outputs import GdsOutput
from gds.models.randomness import Stream, normal, uniform
from gds.models.schedule import alpha_bar, make_scheduler


def drop_labels(labels: Tensor | None, draw_key: Tensor, config: GdsConfig, training: bool) -> Tensor | None:
    """Class to condition on: None for an unconditional model, the null class for some people in training."""
    if config.n_condition_classes == 0 or labels is None:
        return None
    if not training or config.label_dropout == 0:
        return labels
    dropped = uniform(draw_key, Stream.LABEL_DROPOUT, (1,))[:, 0] < config.label_dropout
    return torch.where(dropped, -100, labels)


class GdsForDiffusion(GdsPreTrainedModel):
    """Denoising diffusion over continuous features (Ho et al. 2020, "DDPM").

    x_t = sqrt(a) x_0 + sqrt(1 - a) eps, with a = alpha_bar(t), on the cells that are not padding.

    With ``config.precondition`` the network's output F stands for v = sqrt(a) eps - sqrt(1 - a) x_0
    (Salimans & Ho 2022), whatever ``prediction_type`` is scored:

        eps_hat = sqrt(1 - a) x_t + sqrt(a) F        x0_hat = sqrt(a) x_t - sqrt(1 - a) F

    F = 0 is the closed-form shrinkage, the best prediction for independent unit-variance cells. The
    untrained network starts there, so that all it learns is structure.
    """

    def __init__(self, config: GdsConfig) -> None:
        super().__init__(config)
        if config.input_kind != "continuous":
            raise UserError("diffusion needs continuous features (GenePCA); tokens are for masked modelling")
        if not config.use_timestep:
            raise UserError("diffusion needs an encoder that knows the noise level: set use_timestep=True")
        self.gds = GdsModel(config)
        self.diffusion_head = BACKBONES[config.backbone].make_decoder(config, config.n_channels)
        self.neighbour_head = make_neighbour_head(config, config.n_channels)
        # Not a buffer: non-persistent buffers are garbage after from_pretrained, which also builds on "meta".
        with torch.device("cpu"):
            self._alpha_bar = alpha_bar(config)
        self.post_init()

    def alpha_bar(self, timestep: Tensor) -> Tensor:
        """Share of signal variance at each timestep, float32 (batch, 1, 1)."""
        if self._alpha_bar.device != timestep.device:
            self._alpha_bar = self._alpha_bar.to(timestep.device)
        return self._alpha_bar[timestep].view(-1, 1, 1)

    def denoise(self, noisy: Tensor, timestep: Tensor, class_labels: Tensor | None = None) -> Tensor:
        """Predict what ``config.prediction_type`` names.

        Parameters
        ----------
        noisy
            float32 (batch, block, channel), x_t.
        timestep
            int64 (batch,).
        class_labels
            int64 (batch,), -100 for the null class; None for all null.

        Returns
        -------
        Tensor
            float32 (batch, block, channel), zero in padding cells.
        """
        seen = self.gds(noisy, timestep=timestep, class_labels=class_labels)
        output = self.diffusion_head(seen.last_hidden_state)
        if self.neighbour_head is not None:
            output = output + self.neighbour_head(seen.cells, seen.condition)
        output = output.float()
        if self.config.precondition:
            output = self._from_velocity(output, noisy.float(), self.alpha_bar(timestep))
        return output.masked_fill(self.gds.is_padding, 0.0)

    def _from_velocity(self, velocity: Tensor, noisy: Tensor, signal: Tensor) -> Tensor:
        if self.config.prediction_type == "epsilon":
            return (1 - signal).sqrt() * noisy + signal.sqrt() * velocity
        if self.config.prediction_type == "sample":
            return signal.sqrt() * noisy - (1 - signal).sqrt() * velocity
        return velocity

    def forward(
        self,
        features: Tensor,
        draw_key: Tensor,
        labels: Tensor | None = None,
        timestep: Tensor | None = None,
    ) -> GdsOutput:
        """Loss on one batch.

        Parameters
        ----------
        features
            float (batch, block, channel).
        draw_key
            int64 (batch,), from which timestep, noise and label dropout are drawn.
        labels
            int64 (batch,), -100 unlabelled; used by a conditional model only.
        timestep
            int64 (batch,), to score a given noise level; None to draw it.

        Returns
        -------
        GdsOutput
            ``loss``; ``logits``, the prediction; statistics ``loss``, ``shrinkage_loss``, what closed-form
            shrinkage scores on the same noise, and ``noise_quarter_1_loss`` (the cleanest quarter of the
            timesteps) to ``noise_quarter_4_loss``.
        """
        valid = ~self.gds.is_padding
        clean = features.float().masked_fill(~valid, 0.0)
        if timestep is None:
            level = uniform(draw_key, Stream.TIMESTEP, (1,))[:, 0]
            timestep = (level * self.config.num_train_timesteps).long()
        noise = normal(draw_key, Stream.NOISE, clean.shape[1:]) * valid
        signal = self.alpha_bar(timestep)
        noisy = signal.sqrt() * clean + (1 - signal).sqrt() * noise
        velocity = signal.sqrt() * noise - (1 - signal).sqrt() * clean
        target = self._from_velocity(velocity, noisy, signal)
        class_labels = drop_labels(labels, draw_key, self.config, self.training)
        prediction = self.denoise(noisy, timestep, class_labels)

        n_valid = valid.sum()
        loss = (prediction - target).square().sum(dim=(1, 2)) / n_valid
        with torch.no_grad():
            shrinkage = self._from_velocity(torch.zeros_like(noisy), noisy, signal)
            floor = (shrinkage - target).square().sum(dim=(1, 2)) / n_valid
            one = torch.ones_like(floor)
            statistics = {
                "loss": torch.stack((loss.detach(), one), dim=1),
                "shrinkage_loss": torch.stack((floor, one), dim=1),
            }
            quarter = timestep * 4 // self.config.num_train_timesteps
            for number in range(4):
                here = (quarter == number).float()
                statistics[f"noise_quarter_{number + 1}_loss"] = torch.stack(
                    (loss.detach() * here, here), dim=1
                )
        return GdsOutput(loss=loss.mean(), logits=prediction, statistics=statistics)

    def save_pretrained(self, save_directory: Any, *args: Any, **kwargs: Any) -> None:
        """Save the model and, beside it, the scheduler that samples from it.

        The signature is that of ``transformers.PreTrainedModel.save_pretrained``.
        """
        super().save_pretrained(save_directory, *args, **kwargs)
        if kwargs.get("is_main_process", True):
            make_scheduler(self.config).save_pretrained(save_directory)
