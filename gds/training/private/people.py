"""People as the units of privacy: all rows of one person are drawn, and clipped, together."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from gds.errors import UserError
from gds.training.data import FeatureDataset
from gds.training.private.randomness import Randomness


class PeopleDataset(torch.utils.data.Dataset):
    """Rows by person: haplotypes, replicates or families that share one guarantee.

    Parameters
    ----------
    rows
        The rows.
    units
        Name or code of the person (or family) of each row, shape (row,).

    Raises
    ------
    UserError
        Another number of units than of rows.
    """

    def __init__(self, rows: FeatureDataset, units: Sequence[str] | np.ndarray) -> None:
        units = np.asarray(units)
        if units.shape != (len(rows),):
            raise UserError(f"expected a person for each of {len(rows)} rows, found {units.shape}")
        self.rows = rows
        code = np.unique(units, return_inverse=True)[1]
        order = np.argsort(code, kind="stable")
        self._rows_of = np.split(order, np.flatnonzero(np.diff(code[order])) + 1) if len(order) else []

    def __len__(self) -> int:
        return len(self._rows_of)

    @property
    def most_rows(self) -> int:
        """Rows of the person who has most."""
        return max(map(len, self._rows_of), default=0)

    def __getitem__(self, person: int) -> dict[str, Tensor]:
        return self.__getitems__([person])

    def __getitems__(self, people: list[int]) -> dict[str, Tensor]:
        """``features`` (row, block, channel) of these people and ``person`` (row,), their place in the list."""
        rows = [self._rows_of[person] for person in people]
        together = np.concatenate(rows) if rows else np.empty(0, dtype=np.int64)
        person = np.repeat(np.arange(len(people)), [len(each) for each in rows])
        features = self.rows.__getitems__(together.tolist())["features"]
        return {
            "features": features,
            "person": torch.from_numpy(person.astype(np.int64)),
            "n_people": torch.tensor(len(people)),
        }


class PoissonSampler(torch.utils.data.Sampler[list[int]]):
    """Each person by a coin of their own at every step: the drawing that the accountants' theorems are about.

    Parameters
    ----------
    n_people
        To draw from.
    sample_rate
        Probability of each.
    steps
        Numbers of the steps.
    randomness
        Of the coins; set to the step before each draw.
    """

    def __init__(self, n_people: int, sample_rate: float, steps: range, randomness: Randomness) -> None:
        self.n_people, self.sample_rate = n_people, sample_rate
        self.steps, self.randomness = steps, randomness

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[list[int]]:
        for step in self.steps:
            self.randomness.start_step(step)
            yield np.flatnonzero(self.randomness.uniform(self.n_people) < self.sample_rate).tolist()
