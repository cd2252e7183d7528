"""What a run costs: accountants against closed forms and published figures."""

import math

import pytest
from scipy.stats import norm

pytest.importorskip("opacus")

from opacus.accountants.analysis.rdp import compute_rdp, get_privacy_spent

from gds.errors import UserError
from gds.training.private.budget import Account, check_delta, noise_multiplier


def gaussian_delta(epsilon, mu):
    """Of one Gaussian mechanism of sensitivity over noise mu: Balle & Wang 2018, theorem 8."""
    return norm.cdf(mu / 2 - epsilon / mu) - math.exp(epsilon) * norm.cdf(-mu / 2 - epsilon / mu)


@pytest.mark.parametrize(("sigma", "steps"), [(4.0, 10), (20.0, 300)])
def test_the_account_of_full_batches_is_the_gaussian_mechanism(sigma, steps):
    """Everyone in every step: T mechanisms are one of mu = sqrt(T) / sigma. Both bounds lie above, PRV by < .02."""
    delta = 1e-5
    epsilons = {}
    for name in ("prv", "rdp"):
        account = Account(name)
        for _ in range(steps):
            account.step(sigma, 1.0)
        assert account.state() == [[sigma, 1.0, steps]]
        epsilons[name] = account.epsilon(delta)
    exact = 0.0
    low, high = 0.0, 50.0
    for _ in range(60):
        exact = (low + high) / 2
        low, high = (exact, high) if gaussian_delta(exact, math.sqrt(steps) / sigma) > delta else (low, exact)
    assert exact <= epsilons["prv"] <= exact + 0.02
    assert epsilons["prv"] < epsilons["rdp"] < exact * 1.15


def subsampled_delta(epsilon, sigma, rate):
    """Of one step with a coin for each person: the worse of adding and removing, from the two normal densities."""
    at = sigma**2 * math.log((math.exp(epsilon) - 1 + rate) / rate) + 0.5
    with_person = (1 - rate) * norm.sf(at / sigma) + rate * norm.sf((at - 1) / sigma)
    added = with_person - math.exp(epsilon) * norm.sf(at / sigma)
    rest = math.exp(-epsilon) - 1 + rate
    if rest <= 0:
        return added
    at = sigma**2 * math.log(rest / rate) + 0.5
    with_person = (1 - rate) * norm.cdf(at / sigma) + rate * norm.cdf((at - 1) / sigma)
    return max(added, norm.cdf(at / sigma) - math.exp(epsilon) * with_person)


@pytest.mark.parametrize(("sigma", "rate"), [(0.8, 0.2), (1.5, 0.5)])
def test_the_account_of_one_poisson_step_is_exact(sigma, rate):
    account = Account("prv")
    account.step(sigma, rate)
    epsilon = account.epsilon(1e-4)
    assert subsampled_delta(epsilon, sigma, rate) <= 1e-4
    assert subsampled_delta(epsilon - 0.03, sigma, rate) > 1e-4


def test_the_renyi_account_gives_the_published_figure():
    """The example of the analysis that TensorFlow Privacy published and Opacus took over."""
    orders = range(2, 33)
    spent = sum(
        compute_rdp(q=rate, noise_multiplier=sigma, steps=steps, orders=list(orders))
        for rate, sigma, steps in ((1e-5, 1.0, 10), (1e-4, 3.0, 4))
    )
    assert get_privacy_spent(orders=list(orders), rdp=spent, delta=1e-5)[0] == pytest.approx(0.336, abs=5e-4)


@pytest.mark.parametrize("accountant", ["prv", "rdp"])
def test_the_noise_chosen_costs_what_was_asked_for(accountant):
    sigma = noise_multiplier(3.0, 1e-4, 0.2, 40, accountant)
    account = Account(accountant, [[sigma, 0.2, 40]])
    assert 2.98 < account.epsilon(1e-4) <= 3.0


def test_delta_is_held_against_the_number_of_people():
    with pytest.raises(UserError, match="one over the number of people"):
        check_delta(1e-2, 100)
    with pytest.warns(UserWarning, match="more than a tenth"):
        check_delta(5e-3, 100)
    check_delta(1e-4, 100)
