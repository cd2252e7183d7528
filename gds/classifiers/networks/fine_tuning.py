"""Fine-tuning of a pre-trained encoder, whole or by LoRA, as an estimator; its length is chosen inside the labels."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from gds.classifiers.inner_folds import inner_folds
from gds.errors import UserError, require_extra
from gds.features.dataset import arrow_dataset

if TYPE_CHECKING:
    from gds.models import GdsConfig, GdsForClassification


class FineTunedEncoder(ClassifierMixin, BaseEstimator):
    """All weights of an encoder, or a low-rank change of them, and a new head, trained on the labelled few.

    The number of epochs is the one with the lowest mean log-loss over folds of the labelled people;
    the final network is then trained on all of them for that long. With a schedule that decays to zero
    at the last epoch, each candidate length would need a run of its own, so the rate is constant.

    Parameters
    ----------
    encoder
        Folder of a pre-trained model, or a configuration: then the weights begin at random.
    max_epochs
        Longest training considered.
    n_folds
        Folds of the labelled people (see :func:`gds.classifiers.inner_folds.inner_folds`).
    learning_rate, batch_size, weight_decay
        Of AdamW.
    lora_rank
        Rank of the change of each dense layer that the encoder's positions share (LoRA, Hu et al. 2021; extra:
        peft); the weights themselves stay. None: all weights are trained.
    seed
        Seed of the head, the order of people and dropout.

    Attributes
    ----------
    n_epochs_ : int
        The chosen length.
    epoch_losses_ : numpy.ndarray
        Mean held-out log-loss after each epoch, shape (epoch,); all NaN where no folds were possible.
    """

    def __init__(
        self,
        encoder: "str | Path | GdsConfig",
        *,
        max_epochs: int = 20,
        n_folds: int = 5,
        learning_rate: float = 3e-4,
        batch_size: int = 16,
        weight_decay: float = 0.01,
        lora_rank: int | None = None,
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.max_epochs = max_epochs
        self.n_folds = n_folds
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.weight_decay = weight_decay
        self.lora_rank = lora_rank
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> "FineTunedEncoder":
        """Choose the length by folds of the labelled people, then train on all of them.

        Parameters
        ----------
        X
            Features, shape (sample, block, channel).
        y
            Class indices 0 ... k - 1, shape (sample,).
        groups
            Families, kept within one fold.
        """
        self.classes_ = np.unique(y)
        self.choose_length(X, y, groups)
        return self.refit(X, y, self.n_epochs_)

    def choose_length(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> int:
        """The number of epochs with the lowest held-out loss over the folds; sets ``n_epochs_``."""
        self.epoch_losses_ = np.full(self.max_epochs, np.nan)
        folds = inner_folds(y, self.n_folds, groups=groups, seed=self.seed)
        if folds:
            losses = [self._held_out_losses(X, y, train, held_out) for train, held_out in folds]
            self.epoch_losses_ = np.mean(losses, axis=0)
            self.n_epochs_ = int(np.argmin(self.epoch_losses_)) + 1
        else:
            # A class with one member cannot be held out: half the longest training, by rule.
            self.n_epochs_ = max(1, self.max_epochs // 2)
        return self.n_epochs_

    def refit(self, X: np.ndarray, y: np.ndarray, n_epochs: int) -> "FineTunedEncoder":
        """Train on the given people for a length chosen before, e.g. with synthetic people added."""
        self.classes_ = np.unique(y)
        self.n_epochs_ = n_epochs
        self.model_ = self._train(X, y, n_epochs, None)[0]
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return class_probabilities(self.model_, X)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Most probable class, shape (sample,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _new_model(self) -> "GdsForClassification":
        from gds.models import GdsConfig, GdsForClassification

        if isinstance(self.encoder, GdsConfig):
            return GdsForClassification(
                GdsConfig(**self.encoder.to_diff_dict() | {"num_labels": len(self.classes_)})
            )
        return GdsForClassification.from_pretrained(self.encoder, num_labels=len(self.classes_))

    def _held_out_losses(
        self, X: np.ndarray, y: np.ndarray, train: np.ndarray, held_out: np.ndarray
    ) -> np.ndarray:
        return self._train(X[train], y[train], self.max_epochs, (X[held_out], y[held_out]))[1]

    def _train(
        self, X: np.ndarray, y: np.ndarray, n_epochs: int, held_out: tuple[np.ndarray, np.ndarray] | None
    ) -> tuple:
        from transformers import set_seed

        from gds.training import FeatureDataset, GdsTrainer
        from gds.training.arguments import training_arguments

        set_seed(self.seed)
        model = self._new_model()
        adapted = model if self.lora_rank is None else low_rank(model, self.lora_rank)
        with tempfile.TemporaryDirectory() as scratch:
            trainer = GdsTrainer(
                model=adapted,
                args=training_arguments(
                    Path(scratch),
                    seed=self.seed,
                    num_train_epochs=n_epochs,
                    per_device_train_batch_size=min(self.batch_size, len(X)),
                    per_device_eval_batch_size=256,
                    learning_rate=self.learning_rate,
                    lr_scheduler_type="constant",
                    weight_decay=self.weight_decay,
                    eval_strategy="epoch" if held_out else "no",
                    save_strategy="no",
                    logging_strategy="no",
                    report_to=[],
                    disable_tqdm=True,
                ),
                train_dataset=FeatureDataset(arrow_dataset(X, y), *X.shape[1:]),
                eval_dataset=FeatureDataset(arrow_dataset(*held_out), *X.shape[1:]) if held_out else None,
            )
            trainer.train()
        losses = [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
        if adapted is not model:
            model = adapted.merge_and_unload()
        return model, np.array(losses)


def low_rank(model: "GdsForClassification", rank: int) -> Any:
    """The network with LoRA in every dense layer of its backbone and its head left to be trained.

    Raises
    ------
    UserError
        PEFT is not installed, or the backbone has no dense layers that positions share.
    """
    import torch

    peft = require_extra("peft", "peft")
    layers = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and name.startswith("gds.backbone.")
    ]
    if not layers:
        raise UserError(
            f"LoRA changes dense layers that positions share, and the {model.config.backbone} backbone has none: use "
            "full fine-tuning, or a probe"
        )
    return peft.get_peft_model(
        model,
        peft.LoraConfig(
            r=rank, lora_alpha=2 * rank, target_modules=layers, modules_to_save=["classification_head"]
        ),
    )


def class_probabilities(
    model: "GdsForClassification", features: np.ndarray, batch_size: int = 256
) -> np.ndarray:
    """Probabilities of a classification network in evaluation mode.

    Parameters
    ----------
    model
        The network.
    features
        Output of the featurizer that belongs to it, shape (sample, block, channel).
    batch_size
        People a forward pass.

    Returns
    -------
    numpy.ndarray
        float64, shape (sample, class).
    """
    import torch

    model.eval()
    device = next(model.parameters()).device
    with torch.inference_mode():
        logits = [
            model(features=torch.from_numpy(np.array(features[start : start + batch_size])).to(device)).logits
            for start in range(0, len(features), batch_size)
        ]
    return torch.cat(logits).float().softmax(dim=1).cpu().numpy().astype(np.float64)
