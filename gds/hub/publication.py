"""What would leave for the hub: a folder of checked files, and what to know about it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gds.files import sha256


@dataclass(frozen=True)
class Publication:
    """What would leave.

    Attributes
    ----------
    folder
        With these files and no others.
    files
        Their paths in the repository, sorted.
    notes
        What whoever publishes it should know, a sentence each.
    """

    folder: Path
    files: list[str]
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Every file with its size and the start of its SHA-256, then the notes."""
        width = max(map(len, self.files))
        shown = [
            f"  {name:<{width}}  {(self.folder / name).stat().st_size:>13,} bytes  sha256 "
            f"{sha256(self.folder / name)[:12]}"
            for name in self.files
        ]
        return [*shown, *self.notes]


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="gds-push-") as folder:
        yield Path(folder)
