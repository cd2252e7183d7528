"""Features from a datasets.Dataset to batches, read straight from the Arrow buffer."""

import hashlib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gds.errors import UserError

_CHECK_ROWS = 1024


class FeatureDataset(torch.utils.data.Dataset):
    """Map-style torch data set over the columns ``features`` and ``labels``, and ``first_haplotype`` if asked for.

    Rows stay in the (memory-mapped) Arrow buffer until a batch asks for them; a whole batch is gathered at
    once. Formatting the data set for torch would be about ten times slower and turn int8 into int64.

    Parameters
    ----------
    dataset
        ``datasets.Dataset`` with ``features``, a fixed-size list of block * channel numbers (float32,
        float16 or int8), and optionally ``labels``, int64 with -100 for unlabelled.
    n_blocks, n_channels
        Shape of one person's features.
    phased
        Whether batches hold ``first_haplotype`` too, a column like ``features``.

    Raises
    ------
    UserError
        A column is missing, of another type or length, or holds a value that is not finite.
    """

    def __init__(self, dataset: Any, n_blocks: int, n_channels: int, *, phased: bool = False) -> None:
        if "features" not in dataset.column_names:
            raise UserError(
                f"expected a column 'features', found {', '.join(dataset.column_names)}: run gds prepare"
            )
        self.shape = (n_blocks, n_channels)
        self._chunks = _arrow_rows(dataset.data.column("features"), n_blocks * n_channels)
        self._starts = np.cumsum([0, *(len(chunk) for chunk in self._chunks)])
        n_stored = int(self._starts[-1])
        # select() and shuffle() of datasets leave the table alone and keep a list of rows.
        indices = dataset._indices
        self._rows = np.arange(n_stored) if indices is None else indices.column(0).to_numpy().astype(np.int64)
        labels = dataset.data.column("labels").to_numpy() if "labels" in dataset.column_names else None
        self.labels: NDArray[np.int64] = (
            np.full(len(self._rows), -100, dtype=np.int64)
            if labels is None
            else labels[self._rows].astype(np.int64)
        )
        self._check_values()
        self._first: FeatureDataset | None = None
        if phased:
            names = [name for name in dataset.column_names if name in ("first_haplotype", "labels")]
            self._first = FeatureDataset(
                dataset.select_columns(names).rename_column("first_haplotype", "features"),
                n_blocks,
                n_channels,
            )

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {name: value[0] for name, value in self.__getitems__([index]).items()}

    def __getitems__(self, indices: list[int]) -> dict[str, Tensor]:
        """A whole batch: features (batch, block, channel), labels (batch,) and sample, the row numbers.

        Of phased data also first_haplotype, of the shape of the features.

        Features keep the type in which they are stored: the models widen float16 on their own device, where it
        costs nothing, so that half the bytes travel there.
        """
        wanted = np.asarray(indices, dtype=np.int64)
        values = self._gather(self._rows[wanted]).reshape(len(wanted), *self.shape)
        batch = {
            "features": torch.from_numpy(values),
            "labels": torch.from_numpy(self.labels[wanted]),
            "sample": torch.from_numpy(wanted),
        }
        if self._first is not None:
            batch["first_haplotype"] = self._first.__getitems__(indices)["features"]
        return batch

    def most_frequent_dosage(self) -> NDArray[np.int8]:
        """Most frequent non-missing dosage of every slot, int8 (block, slot); 0 for padding."""
        counts = np.zeros((3, self.shape[0] * self.shape[1]), dtype=np.int64)
        for start in range(0, len(self), _CHECK_ROWS):
            values = self._gather(self._rows[start : start + _CHECK_ROWS])
            for dosage in range(3):
                counts[dosage] += (values == dosage).sum(axis=0)
        return counts.argmax(axis=0).astype(np.int8).reshape(self.shape)

    def fingerprint(self) -> str:
        """SHA-256 of the values in order, for the record of a run."""
        digest = hashlib.sha256()
        for start in range(0, len(self), _CHECK_ROWS):
            digest.update(self._gather(self._rows[start : start + _CHECK_ROWS]).tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()

    def _gather(self, rows: NDArray[np.integer]) -> NDArray[Any]:
        """Copy the given rows of the table, (row, cell)."""
        if len(self._chunks) == 1:
            return self._chunks[0][rows]
        gathered = np.empty((len(rows), self._chunks[0].shape[1]), dtype=self._chunks[0].dtype)
        chunks = np.searchsorted(self._starts, rows, side="right") - 1
        # Row by row: rows of one chunk at a time would be copied twice.
        for target, chunk, row in zip(gathered, chunks, rows - self._starts[chunks], strict=True):
            target[:] = self._chunks[chunk][row]
        return gathered

    def _check_values(self) -> None:
        for start in range(0, len(self), _CHECK_ROWS):
            values = self._gather(self._rows[start : start + _CHECK_ROWS])
            if values.dtype == np.int8:
                wrong = (values < -1) | (values > 2)
            else:
                wrong = ~np.isfinite(values)
            if wrong.any():
                row, cell = np.argwhere(wrong)[0]
                expected = "dosages 0, 1, 2 or -1" if values.dtype == np.int8 else "finite numbers"
                block, channel = divmod(int(cell), self.shape[1])
                raise UserError(
                    f"features of row {start + int(row)}, block {block}, channel {channel}: expected "
                    f"{expected}, found {values[row, cell]}: prepare the data again"
                )


def _arrow_rows(column: Any, width: int) -> list[NDArray[Any]]:
    """Views of an Arrow column of fixed-size lists, one (row, cell) array per chunk."""
    import pyarrow as pa

    kind = column.type
    if not pa.types.is_fixed_size_list(kind) or kind.list_size != width:
        raise UserError(
            f"features: expected lists of {width} numbers (blocks x channels), found {kind}: the data set "
            "was prepared for another model"
        )
    if kind.value_type not in (pa.float32(), pa.float16(), pa.int8()):
        raise UserError(f"features: expected float32, float16 or int8, found {kind.value_type}")
    if column.null_count:
        raise UserError(f"features: {column.null_count} rows are empty: prepare the data again")
    return [
        chunk.flatten().to_numpy(zero_copy_only=True).reshape(-1, width)
        for chunk in column.chunks
        if len(chunk)
    ]


def collate(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """The batch as it is: ``FeatureDataset`` gathers whole batches."""
    return batch
