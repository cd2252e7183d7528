"""Ceilings against the published figure, and against people simulated under the model."""

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from gds.errors import UserError
from gds.evaluation.ceiling import accuracy_ceiling, auroc_ceiling, balanced_accuracy_ceiling


def simulate(prevalence, heritability, n=2_000_000):
    rng = np.random.default_rng(0)
    genetic = rng.normal(size=n) * np.sqrt(heritability)
    liability = genetic + rng.normal(size=n) * np.sqrt(1 - heritability)
    return genetic, liability > norm.isf(prevalence)


def test_als():
    assert auroc_ceiling(1 / 350, 0.085) == pytest.approx(0.741, abs=5e-4)
    assert balanced_accuracy_ceiling(1 / 350, 0.085) == pytest.approx(0.676, abs=5e-4)


@pytest.mark.parametrize(("prevalence", "heritability"), [(0.01, 0.1), (0.1, 0.3), (0.3, 0.5)])
def test_auroc_of_simulated_people(prevalence, heritability):
    genetic, ill = simulate(prevalence, heritability)
    rank = rankdata(genetic)
    n_ill = ill.sum()
    auroc = (rank[ill].sum() - n_ill * (n_ill + 1) / 2) / n_ill / (~ill).sum()
    # Standard error below .0025; the formula's own normal approximation adds up to .003.
    assert auroc_ceiling(prevalence, heritability) == pytest.approx(auroc, abs=0.006)


@pytest.mark.parametrize(("prevalence", "heritability"), [(0.01, 0.1), (0.1, 0.3), (0.3, 0.8)])
@pytest.mark.parametrize("case_fraction", [0.5, 0.3, 0.1])
def test_best_accuracy_of_simulated_people(prevalence, heritability, case_fraction):
    genetic, ill = simulate(prevalence, heritability)
    cuts = np.linspace(-4, 4, 400) * np.sqrt(heritability)
    below_ill = np.searchsorted(np.sort(genetic[ill]), cuts) / ill.sum()
    below_well = np.searchsorted(np.sort(genetic[~ill]), cuts) / (~ill).sum()
    best = (case_fraction * (1 - below_ill) + (1 - case_fraction) * below_well).max()
    # Tight: standard error at most .0035 for 20,000 ill, and the maximum over cuts is slightly optimistic.
    found = accuracy_ceiling(prevalence, heritability, case_fraction)
    assert found == pytest.approx(best, abs=0.004)


def test_limits():
    assert auroc_ceiling(0.01, 0) == 0.5
    assert balanced_accuracy_ceiling(0.01, 0) == 0.5
    assert accuracy_ceiling(0.01, 0, 0.3) == 0.7
    assert accuracy_ceiling(0.01, 1, 0.3) == pytest.approx(1)
    assert accuracy_ceiling(0.01, 1e-6, 0.3) == pytest.approx(0.7)
    assert auroc_ceiling(1 / 350, 0.3) < auroc_ceiling(1 / 350, 0.5)


def test_half_cases_is_balanced_accuracy():
    assert accuracy_ceiling(0.02, 0.2, 0.5) == balanced_accuracy_ceiling(0.02, 0.2)


@pytest.mark.parametrize("arguments", [(0, 0.1), (1, 0.1), (0.01, -0.1), (0.01, 1.1), (350, 0.085)])
def test_impossible_parameters(arguments):
    with pytest.raises(UserError):
        auroc_ceiling(*arguments)
    with pytest.raises(UserError, match="case fraction"):
        accuracy_ceiling(0.01, 0.1, 1.0)
