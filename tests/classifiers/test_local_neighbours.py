"""Neighbours by local embeddings, against a search by hand; labels passed along them."""

import numpy as np
import pytest

from gds.classifiers.haplotypes.local_neighbours import LocalNeighbours
from gds.classifiers.haplotypes.windowed_propagation import WindowedPropagation
from gds.errors import UserError


def local(n=12, tokens=5, hidden=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 2, tokens, hidden)).astype(np.float32)


def test_shares_are_those_of_the_nearest_haplotypes_of_each_window():
    panel, others = local(), local(4, seed=1)
    neighbours = LocalNeighbours(n_neighbours=4, temperature=0.3, width=2).fit(panel)
    found = neighbours.shares(np.concatenate([panel[2:3], others])).toarray()
    starts = [0, 2, 3]  # two tokens a window; the last window ends with the last token
    assert neighbours.n_windows_ == 3
    assert found.shape == (5 * 2 * 3, 12)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    mean = panel.mean(axis=(0, 1))
    for position, person in enumerate([panel[2], *others]):
        for haplotype in range(2):
            for w, start in enumerate(starts):
                z = (person[haplotype] - mean)[start : start + 2].ravel()
                similarity = {}
                for k in range(12):
                    for h in range(2):
                        if position == 0 and k == 2:
                            continue  # nobody is a neighbour of itself
                        z_k = (panel[k, h] - mean)[start : start + 2].ravel()
                        similarity[k, h] = z @ z_k / np.linalg.norm(z) / np.linalg.norm(z_k)
                nearest = sorted(similarity, key=similarity.get)[-4:]
                expected = np.zeros(12)
                for k, h in nearest:
                    expected[k] += np.exp(similarity[k, h] / 0.3)
                row = found[position * 6 + haplotype * 3 + w]
                np.testing.assert_allclose(row, expected / expected.sum(), rtol=1e-3, atol=1e-6)


def test_labels_are_passed_along():
    """Two groups whose windows differ: two labels each are enough."""
    people = local(80, tokens=6, hidden=4)
    label = np.arange(80) % 2
    people[label == 1] += 1.0
    neighbours = LocalNeighbours(n_neighbours=8, width=2).fit(people[:60])
    assert neighbours.panel_rows(people[58:62]).tolist() == [58, 59, -1, -1]
    model = WindowedPropagation(copying=neighbours, fall_back=False)
    model.fit(people[:4], label[:4], unlabelled=people[4:60])
    assert (model.predict(people[60:]) == label[60:]).mean() > 0.9


def test_embeddings_of_another_encoder_are_refused():
    with pytest.raises(UserError, match=r"shape \(sample, 2, 5, hidden\)"):
        LocalNeighbours().fit(local()).shares(local(tokens=4))
