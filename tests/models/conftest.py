"""Tiny models of every kind."""

import pytest
import torch

from gds.models import GdsConfig
from gds.models.randomness import draw_keys

SHAPE = {"n_blocks": 10, "n_channels": 4}
TINY = {
    "transformer": {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
        "blocks_per_token": 4,
    },
    "unet1d": {
        "hidden_size": 8, "channel_multipliers": [1, 2, 2], "num_residual_blocks": 1, "attention_levels": [1],
        "num_attention_heads": 2, "condition_size": 16,
    },
    "local": {"hidden_size": 12, "blocks_per_token": 4},
    "mlp": {"mlp_sizes": [32, 16, 8], "condition_size": 16},
    "hybrid": {
        "hidden_size": 8, "channel_multipliers": [1, 2], "num_residual_blocks": 1, "attention_levels": [],
        "num_attention_heads": 2, "mlp_sizes": [32, 16], "condition_size": 16,
    },
}  # fmt: skip


@pytest.fixture
def make_config():
    """Configuration of a tiny model; options go over the defaults."""

    def make(backbone="transformer", **options):
        return GdsConfig(**{**SHAPE, "backbone": backbone, **TINY[backbone], **options})

    return make


@pytest.fixture
def keys():
    return draw_keys(7, 0, torch.arange(6))


@pytest.fixture
def scores():
    """float32 (sample, block, channel)."""
    return torch.randn(6, 10, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def tokens():
    """int8 dosages with missing calls (sample, block, slot)."""
    return torch.randint(-1, 3, (6, 10, 4), generator=torch.Generator().manual_seed(0), dtype=torch.int8)


@pytest.fixture
def learn():
    """Train a little: Adam on batches of the first 448 people."""

    def train(model, people, n_steps, batch_size, learning_rate):
        optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate)
        model.train()
        for step in range(n_steps):
            rows = torch.arange(batch_size) + batch_size * (step % (448 // batch_size))
            loss = model(people[rows], draw_keys(0, step, rows)).loss
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return model.eval()

    return train


@pytest.fixture
def shake():
    """Move every weight off its initial value: gates that start at zero pass no gradient."""

    def move(model):
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for value in model.parameters():
                value.add_(0.05 * torch.randn(value.shape, generator=generator))
        return model

    return move
