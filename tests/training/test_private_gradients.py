"""The gradient of each person: exact for every backbone, bounded by clipping, and the noise added to the sum."""

import math

import numpy as np
import pytest
import torch

pytest.importorskip("opacus")

from torch import nn

from gds.errors import UserError
from gds.models import GdsConfig, GdsForDiffusion, GdsForMaskedModeling
from gds.models.randomness import draw_keys
from gds.training.private.optimizer import PersonOptimizer
from gds.training.private.person_gradients import PersonGradients
from gds.training.private.randomness import Randomness
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


@pytest.mark.parametrize("has_own_layers", [False, True], ids=["plain", "own layers"])
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("backbone", TINY)
def test_gradients_are_those_of_one_person_at_a_time(backbone, objective, has_own_layers):
    options = (
        {"block_hidden_size": 3, "n_condition_classes": 2, "neighbour_reach": 1} if has_own_layers else {}
    )
    pooling = {"pooling": "cls"} if has_own_layers and backbone == "transformer" else {}
    model = make_model(backbone, objective, **options, **pooling)
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


def test_what_cannot_be_told_apart_by_person_is_refused():
    model = make_model("mlp", "diffusion")
    model.gds.backbone.network.norm = nn.BatchNorm1d(32)
    with pytest.raises(UserError, match="batch normalisation mixes people"):
        PersonGradients(model)
    model = make_model("transformer", "diffusion")
    model.gds.backbone.layers[0].scale = nn.Parameter(torch.ones(1))
    with pytest.raises(UserError, match="gradients of scale of a TransformerLayer cannot be told apart"):
        PersonGradients(model)


def clipped_sum(person, n_people, rows, clip):
    """Sum over people of their clipped gradients, as one vector, by the code that training runs."""
    model = make_model("mlp", "diffusion")
    gradients = PersonGradients(model)
    keys = draw_keys(0, 0, rows[:, 0, 0].mul(1e6).long())  # a row keeps its noise in any company
    gradients.backward(features=rows, draw_key=keys)
    gradients.sum_rows(torch.tensor(person), n_people)
    optimizer = PersonOptimizer(
        torch.optim.SGD(model.parameters(), lr=1.0), randomness=Randomness(0), noise_multiplier=0.0,
        max_grad_norm=clip, expected_batch_size=1, loss_reduction="sum",
    )  # fmt: skip
    optimizer.pre_step()
    found = torch.cat([value.grad.flatten() for value in model.parameters()])
    gradients.remove()
    return found


def test_one_person_moves_the_sum_by_no_more_than_the_clipping_norm():
    """All rows of a person together: with or without them by C, in exchange for another by 2 C."""
    rows, clip = make_rows("diffusion", 8) * 5, 0.3  # large rows, so that everyone is clipped
    everyone = clipped_sum([0, 0, 1, 1, 2, 2, 2, 3], 4, rows, clip)
    without = clipped_sum([0, 0, 1, 1, 2], 3, rows[[0, 1, 2, 3, 7]], clip)
    assert (everyone - without).norm() <= clip * (1 + 1e-6)
    assert (everyone - without).norm() > 0.99 * clip  # and the bound is not met by being useless
    exchanged = rows.clone()
    exchanged[4:7] = -rows[4:7] * 3
    moved = clipped_sum([0, 0, 1, 1, 2, 2, 2, 3], 4, exchanged, clip)
    assert (everyone - moved).norm() <= 2 * clip * (1 + 1e-6)


def test_a_persons_rows_are_added_before_clipping():
    model, rows = make_model("transformer", "diffusion"), make_rows("diffusion", 4)
    keys = draw_keys(0, 0, torch.arange(4))
    expected = looped_gradients(model, rows, keys)
    gradients = PersonGradients(model)
    gradients.backward(features=rows, draw_key=keys)
    gradients.sum_rows(torch.tensor([1, 0, 1, 1]), 2, n_draws=2)
    for name, value in model.named_parameters():
        together = torch.stack([expected[name][1], expected[name][[0, 2, 3]].sum(dim=0)]) / 2
        torch.testing.assert_close(value.grad_sample, together, rtol=1e-5, atol=1e-6)


class Unit(nn.Module):
    """One parameter vector, to see what is added to its gradient."""

    def __init__(self, n):
        super().__init__()
        self.value = nn.Parameter(torch.zeros(n))


def test_noise_is_normal_with_the_scale_that_the_account_assumes():
    """Empty batch, so that the gradient is noise alone: sigma C / B, by the chi-squared distribution of its square."""
    n, sigma, clip, batch = 40_000, 1.7, 0.4, 8
    for seed in (0, None):
        model = Unit(n)
        model.value.grad_sample = torch.zeros(0, n)
        optimizer = PersonOptimizer(
            torch.optim.SGD(model.parameters(), lr=1.0), randomness=Randomness(seed), noise_multiplier=sigma,
            max_grad_norm=clip, expected_batch_size=batch,
        )  # fmt: skip
        optimizer.pre_step()
        standard = (model.value.grad * batch / (sigma * clip)).numpy()
        # Six standard errors of the mean, the variance (2 / n) and the fourth moment (96 / n).
        assert abs(standard.mean()) < 6 / math.sqrt(n)
        assert abs(standard.var() - 1) < 6 * math.sqrt(2 / n)
        assert abs((standard**4).mean() - 3) < 6 * math.sqrt(96 / n)


def test_the_operating_systems_noise_is_never_the_same():
    first, second = (Randomness().normal((5,)) for _ in range(2))
    assert not np.allclose(first, second)
    seeded = Randomness(3)
    numbers = []
    for step in (4, 5, 4):
        seeded.start_step(step)
        numbers.append(seeded.normal((2, 3)))
    assert np.array_equal(numbers[0], numbers[2])
    assert not np.array_equal(numbers[0], numbers[1])
