"""Net benefit and the correction for prevalence, by hand and by sampling."""

import numpy as np
import pytest

from gds.errors import UserError
from gds.evaluation.decision import net_benefit
from gds.evaluation.prevalence import population_probability


def test_net_benefit_by_hand():
    table = net_benefit(np.array([1, 1, 0, 0, 0]), np.array([0.9, 0.1, 0.6, 0.2, 0.1]), (0.2, 0.5))
    assert table.loc[0.5, "value"] == pytest.approx(1 / 5 - 1 / 5)
    assert table.loc[0.2, "value"] == pytest.approx(1 / 5 - 2 / 5 * 0.25)
    assert table.loc[0.2, "all"] == pytest.approx(0.4 - 0.6 * 0.25)
    with pytest.raises(UserError, match="thresholds must lie between"):
        net_benefit(np.array([0, 1]), np.array([0.1, 0.2]), (0.0,))


def test_net_benefit_in_the_population_by_hand():
    labels, probability = np.array([1, 1, 0, 0, 0]), np.array([0.09, 0.01, 0.06, 0.02, 0.01])
    row = net_benefit(labels, probability, (0.05,), prevalence=0.1).loc[0.05]
    assert row["value"] == pytest.approx(0.1 * 1 / 2 - 0.9 * 1 / 3 * 0.05 / 0.95)
    assert row["all"] == pytest.approx(0.1 - 0.9 * 0.05 / 0.95)
    error = np.sqrt(0.1**2 * 0.25 / 2 + (0.9 * 0.05 / 0.95) ** 2 * (2 / 9) / 3)
    assert row["upper"] - row["value"] == pytest.approx(1.959964 * error)
    same = net_benefit(labels, probability, (0.05,), prevalence=0.4)
    assert same.loc[0.05, "value"] == pytest.approx(
        net_benefit(labels, probability, (0.05,)).loc[0.05, "value"]
    )


def test_the_population_s_probability_is_the_share_of_cases_there():
    """A marker that 60 % of cases and 20 % of controls carry, by Bayes in sample and population."""
    K, w = 0.01, 0.5
    in_sample = np.array([0.6 * w / (0.6 * w + 0.2 * (1 - w)), 0.4 * w / (0.4 * w + 0.8 * (1 - w))])
    expected = [0.6 * K / (0.6 * K + 0.2 * (1 - K)), 0.4 * K / (0.4 * K + 0.8 * (1 - K))]
    np.testing.assert_allclose(population_probability(in_sample, K, w), expected)
    np.testing.assert_allclose(population_probability(in_sample, w, w), in_sample)
    with pytest.raises(UserError, match="prevalence must lie"):
        population_probability(in_sample, 1.0, w)
