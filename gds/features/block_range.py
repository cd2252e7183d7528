"""What was fitted on a range of blocks: the piece of a fit that one process can make alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gds.errors import UserError

# Of the arrays of a block the one that holds people's features; the others hold what was learned.
FEATURES = "features"


@dataclass(frozen=True)
class BlockRange:
    """What was fitted on the blocks ``start`` to ``stop``: one shard of a fit.

    Attributes
    ----------
    start, stop
        Range of blocks.
    n_training_samples
        Number of people it was fitted on.
    pieces
        For each block its fitted arrays, and its people's ``features`` (channel, sample) where they were
        asked for.
    """

    start: int
    stop: int
    n_training_samples: int
    pieces: list[dict[str, np.ndarray]]


def in_order(ranges: Sequence[BlockRange], n_blocks: int) -> list[BlockRange]:
    """The ranges, sorted, if together they cover all blocks once.

    Raises
    ------
    UserError
        A range is missing or overlaps another, or they were fitted on different numbers of people.
    """
    ordered = sorted(ranges, key=lambda part: part.start)
    edges = [0, *(part.stop for part in ordered)]
    if [part.start for part in ordered] != edges[:-1] or edges[-1] != n_blocks:
        parts = ", ".join(f"{part.start}-{part.stop}" for part in ordered)
        raise UserError(f"expected ranges that cover blocks 0-{n_blocks} once, found {parts}")
    if len({part.n_training_samples for part in ordered}) != 1:
        raise UserError("the ranges were fitted on different numbers of people: fit them again")
    return ordered


def joined(arrays: Sequence[np.ndarray], axes: tuple[str | int, ...], n_channels: int) -> np.ndarray:
    """Arrays of consecutive blocks as one; channels that a block lacks are 0.

    Parameters
    ----------
    arrays
        One a block, of the axes given, without the block's own.
    axes
        Axes of the result: ``slot`` first where blocks lie end to end, otherwise ``block``.
    n_channels
        Length of the ``channel`` axis, which is the last where there is one.
    """
    if axes[-1] != "channel":
        return np.concatenate(arrays) if axes[0] == "slot" else np.stack(arrays)
    rows = [len(array) if axes[0] == "slot" else 1 for array in arrays]
    whole = np.zeros((sum(rows), n_channels), dtype=arrays[0].dtype)
    row = 0
    for array, n_rows in zip(arrays, rows, strict=True):
        whole[row : row + n_rows, : array.shape[-1]] = array
        row += n_rows
    return whole
