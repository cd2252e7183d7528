"""The loop of a private run: draw people, take each person's gradient, clip, add noise, step, keep the account."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from opacus.utils.batch_memory_manager import BatchMemoryManager
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm
from transformers import TrainingArguments, get_scheduler

from gds.errors import UserError
from gds.training.data import collate
from gds.training.ema import WeightAverage
from gds.training.private.budget import Account, check_delta, noise_multiplier
from gds.training.private.checkpoint import Progress, load_checkpoint, save_checkpoint
from gds.training.private.optimizer import PersonOptimizer
from gds.training.private.people import PeopleDataset, PoissonSampler
from gds.training.private.person_gradients import PersonGradients
from gds.training.private.randomness import Randomness
from gds.training.private.settings import PrivacySettings


@dataclass(frozen=True)
class PrivateRun:
    """What was done and what it cost.

    Attributes
    ----------
    n_people
        Units that could be drawn.
    sample_rate, noise, steps
        Probability of each at each step; noise in units of the clipping norm; number of steps.
    epsilon
        Spent at the ``delta`` of the settings, by the accountant's upper bound.
    history
        Entries as ``transformers.Trainer`` logs them.
    """

    n_people: int
    sample_rate: float
    noise: float
    steps: int
    epsilon: float
    history: list[dict[str, Any]]


class PrivateTrainer:
    """DP-SGD (Abadi et al. 2016) with a person as its unit, on one process.

    Of the training arguments it honours the learning rate and its schedule, weight decay, the betas and epsilon of
    Adam, ``num_train_epochs`` or ``max_steps``, and ``per_device_train_batch_size``, the rows held in memory at once.
    The number of steps is fixed before the first: nothing about the people decides when to stop. The weights' average
    is made of weights that are private already and costs nothing.

    Parameters
    ----------
    model
        A head of ``gds.models``; labels are not read.
    people
        Who is trained on.
    settings
        The guarantee.
    arguments
        Training arguments.
    folder
        Where checkpoints go; a run is resumed from there.
    ema_decay
        Of the weights' average; None for none.

    Raises
    ------
    UserError
        The guarantee cannot be had with these settings, or the model cannot be trained privately.
    """

    def __init__(
        self,
        model: nn.Module,
        people: PeopleDataset,
        settings: PrivacySettings,
        arguments: TrainingArguments,
        folder: Path,
        ema_decay: float | None = None,
    ) -> None:
        if not len(people):
            raise UserError("there is nobody to train on")
        check_delta(settings.delta, len(people))
        self.model, self.people, self.settings, self.folder = model, people, settings, folder
        self.sample_rate = min(1.0, settings.batch_people / len(people))
        per_epoch = 1 / self.sample_rate
        self.steps = arguments.max_steps
        if self.steps <= 0:
            self.steps = math.ceil(arguments.num_train_epochs * per_epoch)
        self.steps_per_epoch = max(1, round(per_epoch))
        self.noise = noise_multiplier(
            settings.epsilon, settings.delta, self.sample_rate, self.steps, settings.accountant
        )
        self.randomness = Randomness(settings.noise_seed)
        self.optimiser = torch.optim.AdamW(
            model.parameters(), lr=arguments.learning_rate, weight_decay=arguments.weight_decay,
            betas=(arguments.adam_beta1, arguments.adam_beta2), eps=arguments.adam_epsilon,
        )  # fmt: skip
        self.schedule = get_scheduler(
            arguments.lr_scheduler_type, self.optimiser, arguments.get_warmup_steps(self.steps), self.steps
        )
        # A person with more rows than fit is taken alone.
        rows = people.most_rows * settings.draws
        self.people_at_once = max(1, arguments.per_device_train_batch_size // rows)
        self.ema_decay = ema_decay

    def train(self, validate: Callable[[], dict[str, float]]) -> PrivateRun:
        """Take all steps, from the last checkpoint on; leaves the average, if there is one, in the model.

        Parameters
        ----------
        validate
            Figures of people who are not trained on, for the curves; nothing is decided by them.
        """
        settings = self.settings
        resumed = load_checkpoint(self.folder, self.model, self.optimiser)
        progress, averaged = resumed or (Progress(0, [], []), None)
        account, history = Account(settings.accountant, progress.account), list(progress.history)
        average = None if self.ema_decay is None else WeightAverage(self.ema_decay, self.model, averaged)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # that the schedule runs ahead of the optimiser: it was there before
            for _ in range(progress.step):
                self.schedule.step()
        step = progress.step
        gradients = PersonGradients(self.model.train())
        private = PersonOptimizer(
            self.optimiser, randomness=self.randomness, noise_multiplier=self.noise, max_grad_norm=settings.clip_norm,
            expected_batch_size=max(1, round(self.sample_rate * len(self.people))), loss_reduction="mean",
        )  # fmt: skip
        sampler = PoissonSampler(len(self.people), self.sample_rate, range(step, self.steps), self.randomness)
        loader: Any = DataLoader(self.people, batch_sampler=sampler, collate_fn=collate)  # type: ignore[arg-type]
        bar = tqdm(total=self.steps, initial=step, desc="private training", unit="step", disable=None)
        with BatchMemoryManager(
            data_loader=loader, max_physical_batch_size=self.people_at_once, optimizer=private
        ) as batches:
            for batch in batches:
                self._person_gradients(gradients, batch)
                private.step()
                ended = not private._is_last_step_skipped
                private.zero_grad(set_to_none=True)
                if not ended:
                    continue
                step += 1
                account.step(self.noise, self.sample_rate)
                self.schedule.step()
                if average is not None:
                    average.update(step)
                bar.update()
                if step % self.steps_per_epoch == 0 or step == self.steps:
                    history.append(self._log(step, average, validate))
                    values = None if average is None else average.values
                    save_checkpoint(
                        self.folder,
                        Progress(step, account.state(), history),
                        self.model,
                        self.optimiser,
                        values,
                    )
        bar.close()
        gradients.remove()
        if average is not None:
            average.leave_in_model()
        epsilon = account.epsilon(settings.delta)
        return PrivateRun(len(self.people), self.sample_rate, self.noise, self.steps, epsilon, history)

    def _person_gradients(self, gradients: PersonGradients, batch: dict[str, Tensor]) -> None:
        """Gradients of the people of a batch, which may be nobody."""
        n_people, draws = int(batch["n_people"]), self.settings.draws
        device = next(self.model.parameters()).device
        person = batch["person"].repeat_interleave(draws).to(device)
        if n_people:
            features = batch["features"].repeat_interleave(draws, dim=0).to(device)
            loss = gradients.backward(
                features=features, draw_key=self.randomness.keys(len(features)).to(device)
            )
            if not torch.isfinite(loss):
                raise UserError(
                    "the loss is not finite: lower the learning rate, or look for extreme features; the last "
                    "checkpoint is untouched"
                )
        gradients.sum_rows(person, n_people, draws)

    def _log(
        self,
        step: int,
        average: WeightAverage | None,
        validate: Callable[[], dict[str, float]],
    ) -> dict[str, Any]:
        """An entry for the curves: what people who are not trained on say of the weights."""
        if average is None:
            figures = validate()
        else:
            with average.applied():
                figures = validate()
        self.model.train()
        return {
            "step": step,
            "epoch": step * self.sample_rate,
            "samples_seen": round(step * self.sample_rate * len(self.people)),
            "learning_rate": self.schedule.get_last_lr()[0],
            **{f"eval_{name}": value for name, value in figures.items()},
        }
