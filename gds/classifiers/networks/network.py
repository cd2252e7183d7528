"""Small networks of the package's own backbones, trained on dosages from random weights."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from gds.classifiers.networks.fine_tuning import FineTunedEncoder
from gds.errors import UserError, did_you_mean

# Consecutive variants to a block, whose dosages are its channels; fewer where that would leave fewer blocks.
_WINDOW = 32
_FEWEST_BLOCKS = 8
_BACKBONES = {
    "cnn": {
        "backbone": "unet1d", "hidden_size": 32, "channel_multipliers": [1, 2, 2], "num_residual_blocks": 1,
        "attention_levels": [], "num_attention_heads": 2, "condition_size": 32,
    },
    "transformer": {
        "backbone": "transformer", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": 128, "blocks_per_token": 1,
    },
}  # fmt: skip


class NetworkFromScratch(ClassifierMixin, BaseEstimator):
    """A 1D convolutional network or a transformer over windows of variants, for a fixed number of epochs.

    Dosages are standardised by the people that are trained on, and nobody else.

    Parameters
    ----------
    kind
        ``"cnn"`` (the encoder of the 1D U-Net without attention) or ``"transformer"``.
    n_epochs
        Passes over the people.
    learning_rate, batch_size
        Of AdamW.
    seed
        Of the weights, the order of people and dropout.
    """

    def __init__(
        self,
        kind: str = "transformer",
        *,
        n_epochs: int = 15,
        learning_rate: float = 1e-3,
        batch_size: int = 32,
        seed: int = 0,
    ) -> None:
        self.kind = kind
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray) -> "NetworkFromScratch":
        """Train.

        Parameters
        ----------
        X
            Dosages without missing calls, shape (sample, variant), variants in the order of the genome.
        y
            Class of each person, shape (sample,).
        """
        from gds.models import GdsConfig

        if self.kind not in _BACKBONES:
            raise UserError(f"no network {self.kind!r}; {did_you_mean(self.kind, _BACKBONES)}")
        self.classes_, index = np.unique(y, return_inverse=True)
        self.mean_ = X.mean(axis=0, dtype=np.float64)
        spread = X.std(axis=0, dtype=np.float64)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        features = self._features(X)
        config = GdsConfig(
            n_blocks=features.shape[1],
            n_channels=features.shape[2],
            hidden_dropout=0.1,
            **_BACKBONES[self.kind],
        )
        trained = FineTunedEncoder(
            config, learning_rate=self.learning_rate, batch_size=self.batch_size, seed=self.seed
        )
        self.network_ = trained.refit(features, index, self.n_epochs)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return self.network_.predict_proba(self._features(X))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Most probable class, shape (sample,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _features(self, dosage: np.ndarray) -> np.ndarray:
        """Standardised dosages in windows, the last one filled with zeros; float32 (sample, block, channel)."""
        n_people, n_variants = dosage.shape
        window = max(1, min(_WINDOW, n_variants // _FEWEST_BLOCKS))
        features = np.zeros((n_people, -(-n_variants // window) * window), dtype=np.float32)
        features[:, :n_variants] = (dosage - self.mean_) / self.scale_
        return features.reshape(n_people, -1, window)
