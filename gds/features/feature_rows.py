"""Features of blocks, which come one after the other, into an array with one row a person."""

import mmap
import os
import tempfile
from pathlib import Path

import numpy as np

# Features written to the result at a time: a block is 16 or 32 bytes of a row, neighbours go together.
_STAGED_BYTES = 2**22
# Pages of a memory map that are held before they are left to the system's cache.
_MAPPED_BYTES = 2**28
_PAGE = 4096


class FeatureRows:
    """Writes the features of blocks into ``out`` (sample, block, channel), padding included.

    Parameters
    ----------
    out
        Array or memory map to fill. Of a memory map only some pages stay in memory at a time.
    padding_value
        What channels hold that a block has not.
    """

    def __init__(self, out: np.ndarray, padding_value: int) -> None:
        self._out = out
        self._padding_value = padding_value
        self._most = max(1, _STAGED_BYTES // max(out[:, :1].nbytes, 1))
        self._staged: list[np.ndarray] = []
        self._first = 0
        self._mapped = 0

    def write(self, block: int, features: np.ndarray) -> None:
        """Take one block's features (channel, sample); they lie in ``out`` after :meth:`flush`."""
        if self._staged and (len(self._staged) == self._most or block != self._first + len(self._staged)):
            self.flush()
        if not self._staged:
            self._first = block
        self._staged.append(features)

    def flush(self) -> None:
        """Write what is staged."""
        if not self._staged:
            return
        n_samples, _, n_channels = self._out.shape
        by_channel = np.full(
            (len(self._staged), n_channels, n_samples), self._padding_value, dtype=self._out.dtype
        )
        for row, features in zip(by_channel, self._staged, strict=True):
            row[: len(features)] = features
        self._out[:, self._first : self._first + len(self._staged)] = by_channel.transpose(2, 0, 1)
        self._staged = []
        self._release(by_channel.nbytes)

    def _release(self, written: int) -> None:
        base = self._out.base
        if not isinstance(base, mmap.mmap):
            return
        self._mapped += max(written, len(self._out) * _PAGE)
        if self._mapped > _MAPPED_BYTES:
            # Written pages stay in the file, or on their way to it, and leave this process.
            base.madvise(mmap.MADV_DONTNEED)
            self._mapped = 0


def room_for(shape: tuple[int, int, int], dtype: str, out: np.ndarray | None) -> np.ndarray:
    """The array given, if it has the shape (sample, block, channel), or a new one."""
    if out is None:
        return np.empty(shape, dtype=dtype)
    if out.shape != shape:
        raise ValueError(f"expected out of shape {shape}, found {out.shape}")
    return out


class FeatureRoom:
    """Arrays for the features of a cohort: in memory if they are small, otherwise in a file without a name.

    Parameters
    ----------
    folder
        An existing directory on the disk to use.
    max_memory
        Arrays of half of it or more, in bytes, are in a file.
    """

    def __init__(self, folder: Path, max_memory: int) -> None:
        self._folder = folder
        self._max_memory = max_memory

    def array(self, shape: tuple[int, int, int], dtype: str) -> np.ndarray:
        """An array (sample, block, channel) to be filled; its file is gone when it is, whatever happens.

        Raises
        ------
        OSError
            The disk is full.
        """
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if size < self._max_memory // 2:
            return np.empty(shape, dtype=dtype)
        with tempfile.TemporaryFile(dir=self._folder) as file:
            # Now: a full disk would otherwise show itself by a signal, while the map is written.
            os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, dtype, "w+", shape=shape)
