"""Shares, stability and permutation p-values of attributions, by hand."""

import numpy as np
import pytest

from gds.errors import UserError
from gds.evaluation.attribution import importance_shares, permutation_p, stability


def test_shares_are_mean_sizes_that_sum_to_one():
    attributions = np.array([[1.0, -3.0, 0.0], [-1.0, 1.0, 2.0]])  # two people, three blocks
    np.testing.assert_allclose(importance_shares(attributions), [2 / 8, 4 / 8, 2 / 8])
    np.testing.assert_allclose(importance_shares(7 * attributions), importance_shares(attributions))
    assert (importance_shares(np.zeros((2, 3))) == 0).all()
    assert importance_shares(np.ones((5, 2, 3))).shape == (5, 3)


def test_stability_of_refits():
    same = np.array([[4.0, 3, 2, 1], [8, 6, 4, 2], [4, 3, 2, 1]])
    found = stability(same, top=2)
    assert found == {
        "rank_correlation": pytest.approx(1),
        "top_overlap": 1,
        "top_overlap_by_chance": 0.5,
        "top": 2,
    }
    turned = stability(np.array([[4.0, 3, 2, 1], [1, 2, 3, 4]]), top=2)
    assert turned["rank_correlation"] == pytest.approx(-1)
    assert turned["top_overlap"] == 0
    # Ranks 1 2 3 4 and 1 3 2 4: 1 - 6 * 2 / (4 * 15).
    assert stability(np.array([[1.0, 2, 3, 4], [1, 3, 2, 4]]), top=1)["rank_correlation"] == pytest.approx(
        0.8
    )
    assert np.isnan(stability(same[:1])["rank_correlation"])
    assert stability(same, top=99)["top"] == 4
    with pytest.raises(UserError, match="expected importance of shape"):
        stability(np.ones(3))


def test_permutation_p_values_are_never_zero():
    permuted = np.array([[0.1, 0.5], [0.2, 0.6], [0.3, 0.1], [0.4, 0.2]])
    found = permutation_p(np.array([0.35, 0.9]), permuted)
    np.testing.assert_allclose(found["p"], [(1 + 1) / 5, 1 / 5])
    # The largest of each permutation: .5, .6, .3, .4.
    np.testing.assert_allclose(found["p_adjusted"], [(1 + 3) / 5, 1 / 5])
    assert permutation_p(np.ones(3), np.empty((0, 3))).isna().all().all()


def test_p_values_of_chance_are_uniform():
    """With exchangeable permutations p <= k / 20 in a share of k / 20."""
    rng = np.random.default_rng(0)
    draws = rng.random((20, 4000))
    p = permutation_p(draws[0], draws[1:])["p"].to_numpy()
    for k in (1, 5, 10):
        assert (p <= k / 20 + 1e-9).mean() == pytest.approx(k / 20, abs=0.02)
