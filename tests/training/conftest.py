"""A small prepared data set and a trainer for it."""

import datasets
import numpy as np
import pytest
from transformers import TrainingArguments

from gds.models import GdsConfig
from gds.training import FeatureDataset

N_BLOCKS, N_CHANNELS = 6, 4


def _arrow_dataset(features, labels):
    """datasets.Dataset as gds prepare writes it."""
    kind = {"float32": "float32", "float16": "float16", "int8": "int8"}[str(features.dtype)]
    schema = datasets.Features(
        {
            "features": datasets.Sequence(datasets.Value(kind), length=features.shape[1]),
            "labels": datasets.Value("int64"),
        }
    )
    return datasets.Dataset.from_dict({"features": features, "labels": labels}, features=schema)


@pytest.fixture
def arrow_dataset():
    return _arrow_dataset


@pytest.fixture
def continuous():
    """Scores of 42 people as a FeatureDataset."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(42, N_BLOCKS * N_CHANNELS)).astype(np.float32)
    return FeatureDataset(_arrow_dataset(values, rng.integers(0, 2, 42)), N_BLOCKS, N_CHANNELS)


@pytest.fixture
def dosages():
    """Tokens of 42 people as a FeatureDataset."""
    rng = np.random.default_rng(0)
    values = rng.integers(-1, 3, size=(42, N_BLOCKS * N_CHANNELS)).astype(np.int8)
    return FeatureDataset(_arrow_dataset(values, rng.integers(0, 2, 42)), N_BLOCKS, N_CHANNELS)


@pytest.fixture
def make_config():
    def make(**options):
        tiny = {
            "n_blocks": N_BLOCKS, "n_channels": N_CHANNELS, "hidden_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "intermediate_size": 32, "blocks_per_token": 2,
        }  # fmt: skip
        return GdsConfig(**{**tiny, **options})

    return make


@pytest.fixture
def make_arguments(tmp_path):
    def make(**options):
        defaults = {
            "output_dir": str(tmp_path / "run"), "per_device_train_batch_size": 8,
            "per_device_eval_batch_size": 16, "learning_rate": 1e-2, "seed": 3, "report_to": "none",
            "use_cpu": True, "disable_tqdm": True, "logging_steps": 1, "save_strategy": "no",
        }  # fmt: skip
        return TrainingArguments(**{**defaults, **options})

    return make
