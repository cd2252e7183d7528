"""What a run may cost, how much noise that takes, and what it has cost so far."""

import warnings
from functools import lru_cache
from typing import Any

from opacus.accountants import create_accountant

from gds.errors import UserError

_MOST_NOISE = 1e5
_PRECISION = 0.002  # relative, of the noise found


def check_delta(delta: float, n_people: int) -> None:
    """Refuse a delta that would allow a few people to be published whole.

    Raises
    ------
    UserError
        It is not between 0 and 1 / n.
    """
    if not 0 < delta < 1 / n_people:
        raise UserError(
            f"--dp-delta {delta:g}: expected more than 0 and less than 1 / {n_people} = {1 / n_people:.2g}, one over "
            "the number of people: a mechanism that publishes one of them whole has that delta"
        )
    if delta > 0.1 / n_people:
        warnings.warn(
            f"delta {delta:g} is more than a tenth of 1 / {n_people} people: less is usual", stacklevel=2
        )


@lru_cache(maxsize=64)
def noise_multiplier(epsilon: float, delta: float, sample_rate: float, steps: int, accountant: str) -> float:
    """Least noise, in units of the clipping norm, by which ``steps`` steps cost at most ``epsilon``.

    Parameters
    ----------
    epsilon, delta
        The guarantee wanted, for adding or removing one person.
    sample_rate
        Probability with which each person takes part in a step.
    steps
        Number of steps.
    accountant
        ``prv`` (Gopi et al. 2021, the tighter) or ``rdp`` (Mironov et al. 2019).

    Raises
    ------
    UserError
        No amount of noise is enough.
    """

    def is_enough(noise: float) -> bool:
        return Account(accountant, [[noise, sample_rate, steps]]).epsilon(delta) <= epsilon

    low, high = 0.0, 1.0
    while not is_enough(high):
        low, high = high, 2 * high
        if high > _MOST_NOISE:
            raise UserError(
                f"--dp-epsilon {epsilon:g}: no noise is enough for {steps} steps: give a larger one, or fewer epochs"
            )
    while high - low > _PRECISION * high:
        middle = (low + high) / 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


class Account:
    """Steps taken and what they cost.

    Parameters
    ----------
    accountant
        ``prv`` or ``rdp``.
    history
        As :meth:`state` gave it; None for a new run.
    """

    def __init__(self, accountant: str, history: list[list[float]] | None = None) -> None:
        self._accountant = create_accountant(mechanism=accountant)
        self._accountant.history = [(sigma, rate, int(steps)) for sigma, rate, steps in history or []]

    def step(self, noise: float, sample_rate: float) -> None:
        """Count one step."""
        self._accountant.step(noise_multiplier=noise, sample_rate=sample_rate)

    def epsilon(self, delta: float) -> float:
        """An upper bound; 0 before the first step, infinite where the accountant finds none."""
        if not self._accountant.history:
            return 0.0
        with warnings.catch_warnings():
            # That another order might be tighter, and logarithms of 0 where everyone takes part.
            warnings.simplefilter("ignore")
            try:
                return float(self._accountant.get_epsilon(delta=delta))
            except (OverflowError, MemoryError):
                return float("inf")

    def state(self) -> list[list[Any]]:
        """Noise multiplier, sampling rate and steps of each stretch, for JSON."""
        return [list(stretch) for stretch in self._accountant.history]
