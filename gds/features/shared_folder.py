"""A folder beside a result that several processes fill; they see it and nothing else of each other.

The first process claims the folder for what was asked, the others wait for that. Each fills its share; the first
waits until all have, puts the result together and takes the folder away, which is what the others wait for. Whoever
is killed is started again with the same command: what is finished stays.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from gds.features.resources import Processes
from gds.files import read_json, write_json

_REQUEST_NAME = "request.json"


class SharedFolder:
    """The folder, seen by one of the processes.

    Parameters
    ----------
    path
        On a disk that all processes share.
    request
        Hash of all that was asked for: only processes with the same one work together.
    processes
        Which of how many this is.
    """

    def __init__(self, path: Path, request: str, processes: Processes) -> None:
        self.path = path
        self._request = request
        self.processes = processes

    @property
    def is_first(self) -> bool:
        """Whether this process leads; the others follow."""
        return self.processes.rank == 0

    def clear(self) -> None:
        """Lead: remove what another request left here, and what an earlier run of this one said of its processes."""
        if self.path.exists() and not self.is_claimed():
            shutil.rmtree(self.path)
        for stale in self.path.glob("process-*.finished"):
            stale.unlink()

    def claim(self) -> None:
        """Lead: say for which request the folder is."""
        write_json(self.path / _REQUEST_NAME, self._request)

    def is_claimed(self) -> bool:
        """Whether the folder is for this request."""
        path = self.path / _REQUEST_NAME
        return path.is_file() and read_json(path) == self._request

    def wait_for_claim(self, is_ready: Callable[[], bool] = lambda: True) -> None:
        """Follow: wait for the first process to claim the folder, and to prepare it.

        Raises
        ------
        UserError
            It does not, in time.
        """
        self.processes.wait_for(
            lambda: self.is_claimed() and is_ready(), f"process 0 to prepare the folder {self.path}"
        )

    def wait_for_others(self, is_complete: Callable[[], bool]) -> None:
        """Lead: wait for the other processes' shares, and until they know that this run is the one they are part of.

        Raises
        ------
        UserError
            They are not finished in time.
        """
        processes = self.processes
        processes.wait_for(is_complete, f"the shares of other processes in {self.path}")
        processes.wait_for(
            lambda: len(list(self.path.glob("process-*.finished"))) >= processes.world_size - 1,
            f"all other processes to have seen {self.path}",
        )

    def wait_for_end(self) -> None:
        """Follow: wait until the first process has the result.

        Raises
        ------
        UserError
            It has not, in time.
        """
        self.processes.wait_for(
            lambda: not self._report_finished(), f"process 0 to write the result and remove {self.path}"
        )

    def remove(self) -> None:
        """Lead: take the folder away, which tells the others that the result is there."""
        away = self.path.with_name(f"{self.path.name}.removed")
        os.replace(self.path, away)
        shutil.rmtree(away)

    def _report_finished(self) -> bool:
        """Tell the first process that this one has made its share, as long as the folder is there.

        Again and again: a first process that starts later removes what it takes for an earlier run's.
        """
        try:
            (self.path / f"process-{self.processes.rank:05d}.finished").touch()
        except FileNotFoundError:
            return False
        return True
