"""transformers.Trainer with stateless draws, metrics of the heads and a stop at the first bad number."""

import inspect
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import EvalPrediction

from gds.errors import UserError
from gds.models.randomness import EVALUATION_EPOCH, draw_keys
from gds.training.data import FeatureDataset, collate
from gds.training.ema import EmaCallback

LOGITS = "logits"
VIEWS = "views"
_CHECKPOINT_STAYS = "the last checkpoint is untouched"


class GdsTrainer(Trainer):
    """Trainer for every head.

    Beyond ``transformers.Trainer`` it

    - gives each sample a ``draw_key`` from (seed, epoch, sample), fixed in evaluation, so that noise,
      timesteps, masks and label dropout do not depend on processes, batch size or resuming;
    - logs the heads' statistics (loss, accuracy, ...) for training and validation, exactly: sums over counts
      over all people of all processes;
    - logs ``samples_seen`` and ``samples_per_second``;
    - evaluates, and leaves at the end, the averaged weights if ``ema_decay`` is given;
    - stops where the loss is not finite, naming the people, never writes weights that are not, so that the
      last checkpoint stays good, and stops where fewer processes run than were started.

    Parameters
    ----------
    model
        A head of ``gds.models``.
    args
        Training arguments.
    train_dataset, eval_dataset
        Data; either may be None if not used.
    ema_decay
        Decay of the weight average; None for none.
    compute_metrics
        Function of (logits (sample, label), labels (sample,)) to further validation metrics; None for none.
    callbacks
        Further callbacks of transformers.

    Raises
    ------
    UserError
        A label that a conditional model or a classifier has no class for, averaged weights together with
        ``load_best_model_at_end`` or FSDP, or a number of processes other than WORLD_SIZE.
    """

    def __init__(
        self,
        model: nn.Module,
        args: TrainingArguments,
        train_dataset: FeatureDataset | None = None,
        eval_dataset: FeatureDataset | None = None,
        ema_decay: float | None = None,
        compute_metrics: Callable[[np.ndarray, np.ndarray], dict[str, float]] | None = None,
        callbacks: list[Any] | None = None,
    ) -> None:
        # Our batches carry `sample`, which no forward takes; a bad loss must be seen, not averaged over.
        args.remove_unused_columns = False
        args.logging_nan_inf_filter = False
        if args.ddp_find_unused_parameters is None:
            # Every parameter takes part in every step, so there is nothing to search for.
            args.ddp_find_unused_parameters = False
        self._takes_draw_key = "draw_key" in inspect.signature(model.forward).parameters
        self._further_metrics = compute_metrics
        self._ema = None if ema_decay is None else EmaCallback(ema_decay)
        for dataset in (train_dataset, eval_dataset):
            if dataset is not None:
                _check_labels(dataset, model)
        super().__init__(
            model=model,
            args=args,
            data_collator=collate,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            compute_metrics=self._reduce,
            callbacks=[*(callbacks or []), *([self._ema] if self._ema is not None else [])],
        )
        started = int(os.environ.get("WORLD_SIZE", "1"))
        if started != self.accelerator.num_processes:
            raise UserError(
                f"WORLD_SIZE is {started} but {self.accelerator.num_processes} processes take part: on CPU "
                "start with ACCELERATE_USE_CPU=true torchrun --nproc_per_node N"
            )
        if self._ema is not None and args.load_best_model_at_end:
            raise UserError("averaged weights and load_best_model_at_end exclude each other: choose one")
        if self._ema is not None and self.is_fsdp_enabled:
            raise UserError("there are no averaged weights under FSDP: train without ema_decay, or with DDP")
        self._window: dict[str, Tensor] = {}
        self._window_samples = 0
        self._window_start = time.perf_counter()
        self._people = torch.empty(0, dtype=torch.int64)

    def get_eval_dataloader(self, eval_dataset: FeatureDataset | str | None = None) -> Any:
        """As in transformers.Trainer, but never without the last, smaller batch: everyone is scored."""
        dropped, self.args.dataloader_drop_last = self.args.dataloader_drop_last, False
        try:
            return super().get_eval_dataloader(eval_dataset)
        finally:
            self.args.dataloader_drop_last = dropped

    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        inputs = super()._prepare_inputs(dict(inputs))
        self._people = sample = inputs.pop("sample")
        if self._takes_draw_key:
            # state.epoch counts finished steps: its whole part is the running epoch, also when resumed.
            epoch = int(self.state.epoch or 0) if self.model.training else EVALUATION_EPOCH
            inputs["draw_key"] = draw_keys(self.args.seed, epoch, sample)
        return inputs

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Loss of one batch; adds its statistics to those of the next log entry.

        Raises
        ------
        UserError
            The loss is not a finite number.
        """
        outputs = model(**inputs)
        if not torch.isfinite(outputs.loss):
            raise UserError(self._bad_loss(outputs))
        for name, value in (outputs.statistics or {}).items():
            total = value.detach().double().sum(dim=0)
            self._window[name] = self._window[name] + total if name in self._window else total
        if not self._window_samples:
            # Here, not when the last entry was made: evaluation and checkpoints are no training time.
            self._window_start = time.perf_counter()
        self._window_samples += len(inputs["features"])
        return (outputs.loss, outputs) if return_outputs else outputs.loss

    def _bad_loss(self, outputs: Any) -> str:
        """What a loss that is not finite says: which batch, which people, what to do."""
        statistics = outputs.statistics or {}
        each = statistics["loss"][:, 0] if "loss" in statistics else outputs.loss.expand(len(self._people))
        people = self._people[~torch.isfinite(each)].tolist()
        named = ", ".join(map(str, people[:10])) + (", ..." if len(people) > 10 else "")
        where = f"the loss is {outputs.loss.item()} at step {self.state.global_step + 1}"
        if len(people) < len(each):
            return (
                f"{where}: {len(people)} of the {len(each)} people of the batch have no finite loss, those in "
                f"rows {named} of the training data: look for extreme features there; {_CHECKPOINT_STAYS}"
            )
        return (
            f"{where}: nobody in the batch (rows {named} of the training data) has a finite loss, so that "
            f"the weights have diverged: lower the learning rate; {_CHECKPOINT_STAYS}"
        )

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """As in transformers.Trainer, for checkpoints too, but never weights that are not finite.

        Raises
        ------
        UserError
            A weight is not a finite number.
        """
        for name, value in self.model.named_parameters():
            if not torch.isfinite(value).all():
                raise UserError(
                    f"the weights {name} are not finite after step {self.state.global_step}: lower the "
                    f"learning rate or look for extreme features; {_CHECKPOINT_STAYS}"
                )
        super().save_model(output_dir, _internal_call)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, with the training statistics gathered since the last training entry."""
        if "loss" in logs and self._window:
            totals = self.accelerator.reduce(torch.stack(list(self._window.values())), reduction="sum")
            for name, (numerator, denominator) in zip(self._window, totals.tolist(), strict=True):
                if name != "loss" and denominator:
                    logs[name] = numerator / denominator
            seconds = time.perf_counter() - self._window_start
            n_samples = self._window_samples * self.accelerator.num_processes
            logs["samples_per_second"] = n_samples / seconds
            logs["samples_seen"] = self.state.global_step * self._samples_per_step()
            self._window, self._window_samples = {}, 0
        super().log(logs, start_time)

    def _samples_per_step(self) -> int:
        args = self.args
        return args.train_batch_size * args.gradient_accumulation_steps * self.accelerator.num_processes

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
        """As in transformers.Trainer, on the averaged weights if there are any."""
        if self._ema is None:
            return super().evaluation_loop(*args, **kwargs)
        with self._ema.applied(self.model):
            return super().evaluation_loop(*args, **kwargs)

    def prediction_step(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[None, dict[str, Tensor], Tensor]:
        """Statistics per person, logits of a classifier and views of a contrastive model, for exact means.

        The loss is among the statistics: transformers' own would count the last, smaller batch too much.
        """
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            outputs = model(**inputs)
        predictions = dict(outputs.statistics)
        if outputs.views is not None:
            predictions[VIEWS] = outputs.views
        elif outputs.logits.ndim == 2:
            predictions[LOGITS] = outputs.logits
        return None, predictions, inputs["labels"]

    def _reduce(self, prediction: EvalPrediction) -> dict[str, float]:
        statistics = dict(prediction.predictions)
        logits, views = statistics.pop(LOGITS, None), statistics.pop(VIEWS, None)
        metrics = {}
        finite = np.isfinite(statistics["loss"][:, 0])
        if not finite.all():
            raise UserError(
                f"the validation loss is not finite for {(~finite).sum()} of {len(finite)} people, first for row "
                f"{finite.argmin()} of the validation data, at step {self.state.global_step}: lower the learning "
                f"rate or look for extreme features; {_CHECKPOINT_STAYS}"
            )
        for name, value in statistics.items():
            numerator, denominator = value.astype(np.float64).sum(axis=0)
            if denominator:  # otherwise nothing was scored, and there is no such metric
                metrics[name] = float(numerator / denominator)
        if views is not None:
            # A batch of evaluation is no measure: what is hard depends on whom a person is told from.
            pool = self.args.train_batch_size * self.accelerator.num_processes
            head = self.accelerator.unwrap_model(self.model)
            metrics.update(head.scores_of_everyone(torch.from_numpy(views), pool))
        if self._further_metrics is not None:
            metrics.update(self._further_metrics(logits, prediction.label_ids))
        return metrics


def _check_labels(dataset: FeatureDataset, model: nn.Module) -> None:
    n_classes = model.n_label_classes
    if n_classes and len(dataset) and dataset.labels.max() >= n_classes:
        raise UserError(
            f"labels: expected less than {n_classes} (the model's classes), or -100 for unlabelled, found "
            f"{dataset.labels.max()}"
        )
