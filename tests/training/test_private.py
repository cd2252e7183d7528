"""DP-SGD: gradients of each person, their bound, the noise, the account; nothing else than that decides the weights."""

import numpy as np
import pytest
import torch

pytest.importorskip("opacus")


from gds.models import GdsConfig, GdsForDiffusion, GdsForMaskedModeling
from gds.models.randomness import draw_keys
from gds.training.private.person_gradients import PersonGradients
from tests.models.conftest import SHAPE, TINY

N_ROWS = 5
OBJECTIVES = {
    "diffusion": (GdsForDiffusion, {"use_timestep": True}),
    "masked continuous": (GdsForMaskedModeling, {"mask_channels": True}),
    "masked tokens": (GdsForMaskedModeling, {"input_kind": "tokens"}),
}


def make_model(backbone, objective, **options):
    """float64, and off its initial values: gates that start at zero pass no gradient."""
    torch.manual_seed(0)
    model_class, own = OBJECTIVES[objective]
    model = model_class(
        GdsConfig(**{**SHAPE, "backbone": backbone, **TINY[backbone], **own, **options})
    ).double()
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.1 * torch.randn_like(value))
    return model.train()


def make_rows(objective, n=N_ROWS):
    rng = np.random.default_rng(1)
    if objective == "masked tokens":
        return torch.from_numpy(rng.integers(-1, 3, (n, 10, 4)).astype(np.int8))
    return torch.from_numpy(rng.normal(size=(n, 10, 4)))


def looped_gradients(model, rows, keys):
    """One backward pass a row: name to (row, ...)."""
    found = []
    for row in range(len(rows)):
        model.zero_grad()
        model(rows[row : row + 1], keys[row : row + 1]).loss.backward()
        found.append({name: value.grad.clone() for name, value in model.named_parameters()})
    model.zero_grad()
    return {name: torch.stack([each[name] for each in found]) for name in found[0]}


@pytest.mark.parametrize("options", [{}, {"block_hidden_size": 3, "pooling": "cls", "n_condition_classes": 2}],
                         ids=["plain", "own layers"])  # fmt: skip
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("backbone", TINY)
def test_gradients_are_those_of_one_person_at_a_time(backbone, objective, options):
    model = make_model(backbone, objective, **options)
    rows, keys = make_rows(objective), draw_keys(0, 0, torch.arange(N_ROWS))
    expected = looped_gradients(model, rows, keys)
    gradients = PersonGradients(model)
    loss = gradients.backward(features=rows, draw_key=keys)
    assert torch.isfinite(loss)
    # The heads compute losses in float32 from float64 weights, hence not 1e-12.
    for name, value in model.named_parameters():
        scale = expected[name].abs().max().clamp(min=1e-3)
        assert (value.grad_sample - expected[name]).abs().max() < 2e-6 * scale, name
        assert value.grad is None
    gradients.remove()
    assert model(rows, keys).loss.item() == pytest.approx(loss.item())
