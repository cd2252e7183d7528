"""Integrated gradients: what all blocks are given adds up to what the function changed (completeness)."""

import numpy as np
import pytest
import torch

from gds.classifiers.networks.integrated_gradients import block_inputs, integrated_gradients
from gds.errors import UserError
from gds.models import GdsConfig, GdsModel
from gds.models.backbones import BACKBONES
from tests.models.conftest import TINY

N_BLOCKS, N_CHANNELS = 10, 3


def encoder_of(backbone: str, kind: str = "continuous", **further) -> GdsModel:
    torch.manual_seed(0)
    config = GdsConfig(
        n_blocks=N_BLOCKS, n_channels=N_CHANNELS, input_kind=kind, **(TINY[backbone] | further)
    )
    encoder = GdsModel(config)
    padding = np.zeros((N_BLOCKS, N_CHANNELS), dtype=bool)
    padding[-1, 1:] = True
    encoder.set_padding(padding)
    with torch.no_grad():  # initial gates of zero would leave the embedding without any block in it
        for parameter in encoder.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return encoder.eval()


def people(kind: str, n: int = 6) -> np.ndarray:
    rng = np.random.default_rng(1)
    shape = (n, N_BLOCKS, N_CHANNELS)
    return (
        rng.integers(-1, 3, shape).astype(np.int8)
        if kind == "tokens"
        else rng.normal(size=shape).astype("float32")
    )


@pytest.mark.parametrize("kind", ["continuous", "tokens"])
@pytest.mark.parametrize("backbone", list(TINY))
def test_attributions_add_up_to_the_difference(backbone, kind):
    encoder, features = encoder_of(backbone, kind), people(kind)
    weights = np.random.default_rng(2).normal(size=(2, encoder.pooled_size))
    baseline = block_inputs(encoder, people(kind, 40)).mean(axis=0)
    found, difference = integrated_gradients(encoder, features, weights, baseline, batch_size=4)
    assert found.shape == (2, 6, N_BLOCKS)
    with torch.inference_mode():
        outputs = encoder(features=torch.from_numpy(features)).pooler_output.numpy() @ weights.T
    # f(x) - f(b), and f(x) is what the encoder says by itself.
    np.testing.assert_allclose(np.diff(difference, axis=1), np.diff(outputs.T, axis=1), atol=2e-4)
    np.testing.assert_allclose(found.sum(axis=2), difference, atol=1e-2 * np.abs(difference).max())


def test_a_network_that_turns_round_within_a_hundredth_of_the_path_is_followed():
    """A token that nearly cancels to a constant vector on the way is turned round there by layer normalisation."""
    encoder = encoder_of("transformer")
    features = people("continuous", 4)
    inputs = torch.from_numpy(block_inputs(encoder, features))
    weights = np.random.default_rng(3).normal(size=(1, encoder.pooled_size))
    # A path through a point where the first token's input to normalisation is almost constant.
    with torch.no_grad():
        token = encoder.backbone.token_layer
        token.weight[0] *= 40
        token.bias[0] = -0.031 * torch.einsum("i,io->o", inputs[0, :4].flatten(), token.weight[0])
    found, difference = integrated_gradients(encoder, features, weights, np.zeros(inputs.shape[1:]))
    np.testing.assert_allclose(found.sum(axis=2), difference, atol=1e-2 * np.abs(difference).max())


def test_a_block_at_its_baseline_is_given_nothing():
    encoder, features = encoder_of("transformer"), people("continuous")
    baseline = block_inputs(encoder, features[:1])[0]
    changed = features[:1].copy()
    changed[0, 4] += 1
    weights = np.ones((1, encoder.pooled_size))
    found, _ = integrated_gradients(encoder, changed, weights, baseline)
    assert (found[0, 0, np.arange(N_BLOCKS) != 4] == 0).all()
    nothing, difference = integrated_gradients(encoder, features[:1], weights, baseline)
    assert (nothing == 0).all()
    np.testing.assert_allclose(difference, 0, atol=1e-6)


def test_attributions_are_linear_in_the_weights_and_do_not_depend_on_batches():
    encoder, features = encoder_of("transformer"), people("continuous")
    baseline = block_inputs(encoder, features).mean(axis=0)
    a, b = np.random.default_rng(0).normal(size=(2, encoder.pooled_size))
    found, _ = integrated_gradients(encoder, features, np.stack([a, b, a - 2 * b]), baseline)
    np.testing.assert_allclose(found[2], found[0] - 2 * found[1], atol=1e-4)
    one_by_one, _ = integrated_gradients(encoder, features, a[None], baseline, batch_size=1)
    np.testing.assert_allclose(one_by_one[0], found[0], atol=1e-5)


def test_the_encoder_is_left_as_it_was():
    encoder, features = encoder_of("transformer"), people("continuous")
    given = torch.from_numpy(features)
    with torch.inference_mode():
        before = encoder(features=given).pooler_output
    integrated_gradients(
        encoder, features, np.ones((1, encoder.pooled_size)), block_inputs(encoder, features)[0]
    )
    with torch.inference_mode():
        assert encoder(features=given).pooler_output.equal(before)
    assert all(parameter.grad is None for parameter in encoder.parameters())
    assert set(TINY) <= set(BACKBONES)


def test_weights_of_another_width_are_refused():
    encoder = encoder_of("transformer")
    with pytest.raises(UserError, match="expected weights of shape"):
        integrated_gradients(encoder, people("continuous"), np.ones((1, 3)), np.zeros((N_BLOCKS, 1)))
