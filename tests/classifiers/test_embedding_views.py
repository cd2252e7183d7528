"""Which layer, noise level and pooling an embedding is of; haplotypes; local embeddings."""

import numpy as np
import pytest
import torch

from gds.classifiers.networks.embedding import EmbeddingView, embed, embed_locally, n_layers
from gds.errors import UserError
from gds.models import GdsConfig, GdsModel
from gds.models.backbones import BACKBONES
from tests.models.conftest import SHAPE, TINY


def encoder(backbone="transformer", **options):
    torch.manual_seed(0)
    return GdsModel(GdsConfig(**{**SHAPE, "backbone": backbone, **TINY[backbone], **options})).eval()


@pytest.fixture
def people():
    """int8 (sample, block, slot) and the first haplotypes, as of homozygous people."""
    pair = np.random.default_rng(0).integers(0, 2, (7, 10, 4, 2)).astype(np.int8)
    return pair.sum(axis=-1).astype(np.int8), 2 * pair[..., 0]


@torch.no_grad()
def test_the_parts_of_an_encoder_are_taken_as_they_are(people):
    features, _ = people
    model = encoder(input_kind="tokens")
    output = model(torch.from_numpy(features))
    tokens, pooled = output.last_hidden_state.numpy(), output.pooler_output.numpy()
    expected = {
        EmbeddingView(): pooled,
        EmbeddingView(pooling="unit"): pooled / np.linalg.norm(pooled, axis=1, keepdims=True),
        EmbeddingView(pooling="mean"): tokens.mean(axis=1),
        EmbeddingView(pooling="concatenated"): tokens.reshape(7, -1),
    }
    for view, value in expected.items():
        np.testing.assert_allclose(embed(model, features, 3, view=view), value, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(embed_locally(model, features, 3), tokens[:, None], rtol=1e-4, atol=1e-6)
    # The last layer, normalised, is what the encoder returns.
    last = torch.from_numpy(
        embed_locally(model, features, view=EmbeddingView(layer=-1, pooling="mean"))[:, 0]
    )
    np.testing.assert_allclose(model.backbone.norm(last).numpy(), tokens, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_phased_person_is_the_mean_of_its_haplotypes(people):
    features, first = people
    model = encoder("local", input_kind="tokens", additive_dosage=True)
    second = 2 * features - first
    each = [model(torch.from_numpy(value)) for value in (first, second)]
    pooled = (each[0].pooler_output + each[1].pooler_output) / 2
    np.testing.assert_allclose(embed(model, features, 4, first_haplotype=first), pooled, rtol=1e-4, atol=1e-6)
    local = embed_locally(model, features, 4, first_haplotype=first)
    assert local.shape == (7, 2, 3, 12)
    np.testing.assert_allclose(local[:, 1], each[1].last_hidden_state, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_layer_of_every_backbone_can_be_embedded(backbone):
    scores = np.random.default_rng(0).normal(size=(5, 10, 4)).astype(np.float32)
    model = encoder(backbone, use_timestep=True)
    for layer in range(n_layers(model)):
        found = embed(model, scores, 2, view=EmbeddingView(layer, 100, "mean"))
        assert found.shape == (5, found.shape[1])
        assert len(np.unique(found.round(6), axis=0)) == 5
    # Positions are averaged, not channels: a U-Net's layer is (batch, channel, position).
    if backbone == "unet1d":
        assert embed(model, scores, view=EmbeddingView(0, pooling="mean")).shape[1] == 8


def test_views_that_mean_nothing_are_refused(people):
    features, _ = people
    with pytest.raises(UserError, match="expected one of pooled"):
        EmbeddingView(pooling="max")
    with pytest.raises(UserError, match="no pooled vector"):
        EmbeddingView(layer=0)
    with pytest.raises(UserError, match="2 layers, 0 \\.\\.\\. 1"):
        embed(encoder(input_kind="tokens"), features, view=EmbeddingView(5, pooling="mean"))
