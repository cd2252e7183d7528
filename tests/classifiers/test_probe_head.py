"""A logistic probe folded into a network's head predicts the same."""

import numpy as np
import pytest
import torch

from gds.classifiers.baselines import LogisticProbe
from gds.classifiers.networks.embedding import embed
from gds.classifiers.networks.probe_head import classifier_from_probe
from gds.errors import UserError
from gds.models import GdsConfig, GdsForClassification, GdsModel


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return GdsModel(
        GdsConfig(
            n_blocks=8, n_channels=3, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16, blocks_per_token=2, use_timestep=True, encode_timestep=7,
        )
    )  # fmt: skip


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(0).normal(1.0, 2.0, (60, 8, 3)).astype(np.float32)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_folded_probe_predicts_the_same(encoder, features, tmp_path, n_classes):
    y = np.arange(60) % n_classes
    probe = LogisticProbe(C=10.0).fit(embed(encoder, features), y)
    classifier_from_probe(encoder, probe).save_pretrained(tmp_path)
    loaded = GdsForClassification.from_pretrained(tmp_path).eval()
    with torch.inference_mode():
        found = loaded(torch.from_numpy(features)).logits.softmax(dim=1).numpy()
    expected = probe.predict_proba(embed(encoder, features))
    assert expected.std() > 0.05, "the probe must have learned something for the comparison to mean anything"
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert loaded.config.num_labels == n_classes
    np.testing.assert_array_equal(
        embed(GdsModel.from_pretrained(tmp_path), features), embed(encoder, features)
    )


def test_a_column_that_does_not_vary_has_no_weight(encoder, features):
    embedding = embed(encoder, features)
    embedding[:, 3] = 5.0
    probe = LogisticProbe(C=1.0).fit(embedding, np.arange(60) % 2)
    assert (classifier_from_probe(encoder, probe).classification_head[-1].weight[:, 3] == 0).all()


def test_a_probe_of_something_else_is_refused(encoder, features):
    labels = np.arange(60) % 2
    with pytest.raises(UserError, match="width 5"):
        classifier_from_probe(encoder, LogisticProbe(C=1.0).fit(embed(encoder, features)[:, :5], labels))
    with pytest.raises(UserError, match=r"classes 0 \.\.\. 1"):
        classifier_from_probe(encoder, LogisticProbe(C=1.0).fit(embed(encoder, features), labels + 1))
