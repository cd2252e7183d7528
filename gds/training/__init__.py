"""What transformers.Trainer lacks: data from Arrow, stateless draws, weight average, curves."""

from gds.training.data import FeatureDataset
from gds.training.ema import EmaCallback
from gds.training.trainer import GdsTrainer

__all__ = ["EmaCallback", "FeatureDataset", "GdsTrainer"]
