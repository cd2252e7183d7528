"""With how many threads, processes and bytes features are made: nothing of it changes what is written."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from gds.errors import UserError
from gds.features.streaming import DEFAULT_MEMORY

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Processes:
    """This process among those that were started together.

    Attributes
    ----------
    rank, world_size
        Which of how many.
    timeout
        Seconds to wait for the others before giving up.
    """

    rank: int = 0
    world_size: int = 1
    timeout: float = 12 * 3600.0

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world_size:
            raise UserError(f"expected a rank in 0..{self.world_size - 1}, found {self.rank}")

    @classmethod
    def from_environment(cls, timeout: float = 12 * 3600.0) -> "Processes | None":
        """What ``torchrun``, ``accelerate launch`` or a job array says in RANK and WORLD_SIZE; None: nothing.

        Raises
        ------
        UserError
            Only one of the two is set, or they are no numbers.
        """
        given = {name: os.environ[name] for name in ("RANK", "WORLD_SIZE") if name in os.environ}
        if not given:
            return None
        if len(given) == 1:
            raise UserError(
                f"the environment has {next(iter(given))} but not the other of RANK and WORLD_SIZE: set both"
            )
        try:
            rank, world_size = int(given["RANK"]), int(given["WORLD_SIZE"])
        except ValueError as error:
            raise UserError(f"expected numbers in RANK and WORLD_SIZE, found {given}") from error
        return cls(rank, world_size, timeout)

    def wait_for(self, is_done: Callable[[], bool], what: str) -> None:
        """Wait until something holds that other processes bring about.

        Raises
        ------
        UserError
            It does not within the time-out.
        """
        deadline = time.monotonic() + self.timeout
        while not is_done():
            if time.monotonic() > deadline:
                raise UserError(
                    f"process {self.rank} of {self.world_size} waited {self.timeout / 60:.3g} minutes for {what}: look "
                    "at the other processes' output and start all again with the same command; what is made stays. "
                    "If they only need longer, raise --wait-minutes"
                )
            time.sleep(_POLL_SECONDS)


@dataclass(frozen=True)
class Resources:
    """What making features may use.

    Attributes
    ----------
    n_jobs
        Threads of each process.
    max_memory
        Bound in bytes on the working space of each process. Features of half of it or more are gathered in a
        file, not in memory.
    processes
        The processes that share the work; None: this one alone.
    """

    n_jobs: int = 1
    max_memory: int = DEFAULT_MEMORY
    processes: Processes | None = None
