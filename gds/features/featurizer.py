"""What turns genotypes into features: fitted on training people, saved beside the weights, invertible."""

import hashlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.features import storage
from gds.features.streaming import DEFAULT_MEMORY, map_blocks
from gds.genotypes.align import match_variants
from gds.genotypes.blocks import Blocks
from gds.genotypes.matrix import GenotypeSource

# Features written to the result at a time.
_STAGED_BYTES = 2**22


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
        For each block its fitted arrays.
    """

    start: int
    stop: int
    n_training_samples: int
    pieces: list[dict[str, np.ndarray]]


class Featurizer(ABC):
    """Base of the featurizers: streaming, sharding, saving and loading.

    A subclass says what it learns from one block (:meth:`_fit_block`) and how it maps one block
    (:meth:`_transform_block`); blocks never see each other, so that a fit can be sharded over them.

    Attributes
    ----------
    variants_ : pandas.DataFrame
        The variants of all blocks: ``chromosome``, ``position``, ``id``, ``effect_allele``, ``other_allele``.
    blocks_ : Blocks
        Blocks as indices into ``variants_``.
    allele_frequency_ : numpy.ndarray
        Frequency of the effect allele in training people, float64 (variant,); 0 where no call was observed.
    is_padding_ : numpy.ndarray
        Channels without content, which are 0 (scores) or -1 (tokens) for everyone; bool (block, channel).
    n_training_samples_ : int
        Number of people it was fitted on.
    """

    kind: ClassVar[str]
    # Fitted arrays: dtype and axes, out of block, channel, variant, slot (one a variant of a block) or a
    # length.
    _state: ClassVar[dict[str, tuple[str, tuple[str | int, ...]]]]
    _kinds: ClassVar[dict[str, type["Featurizer"]]] = {}

    variants_: pd.DataFrame
    blocks_: Blocks
    allele_frequency_: np.ndarray
    is_padding_: np.ndarray
    n_training_samples_: int

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        Featurizer._kinds[cls.kind] = cls

    @abstractmethod
    def _fit_block(self, dosage: np.ndarray, with_torch: bool) -> dict[str, np.ndarray]:
        """Learn from int8 (variant, sample): the arrays of ``_state``, ``n_channels``,
        ``allele_frequency``."""

    @abstractmethod
    def _transform_block(self, block: int, dosage: np.ndarray, with_torch: bool) -> np.ndarray:
        """Map int8 (variant, sample) to (sample, channel) without the padding."""

    @abstractmethod
    def _channels(self, found: np.ndarray) -> int:
        """Length of the channel axis, given the number of channels found in each block."""

    @abstractmethod
    def _worth_torch(self, sizes: np.ndarray, n_samples: int, *, fit: bool) -> bool:
        """Whether torch's int8 product would save time on blocks of these sizes."""

    _feature_dtype: ClassVar[str]
    _padding_value: ClassVar[int]

    @property
    def n_blocks(self) -> int:
        return self.is_padding_.shape[0]

    @property
    def n_channels(self) -> int:
        return self.is_padding_.shape[1]

    def fit(
        self,
        source: GenotypeSource,
        blocks: Blocks,
        samples: np.ndarray | None = None,
        *,
        n_jobs: int = 1,
        max_memory: int = DEFAULT_MEMORY,
    ) -> Self:
        """Learn from training people, in one pass over the source.

        Parameters
        ----------
        source
            Genotypes, in memory or streamed from files.
        blocks
            Blocks of indices into ``source.variants``.
        samples
            Indices (or a boolean mask) of the training people; None if the source holds no others.
        n_jobs
            Number of threads; the result does not depend on it.
        max_memory
            Bound in bytes on the working space; the result does not depend on it.

        Returns
        -------
        Featurizer
            Itself.

        Raises
        ------
        UserError
            There are no blocks or no people, a block does not fit, or the source holds something else than
            dosages.
        """
        whole = self.fit_range(source, blocks, samples, n_jobs=n_jobs, max_memory=max_memory)
        return self.combine(source, blocks, [whole])

    def fit_range(
        self,
        source: GenotypeSource,
        blocks: Blocks,
        samples: np.ndarray | None = None,
        *,
        start: int = 0,
        stop: int | None = None,
        n_jobs: int = 1,
        max_memory: int = DEFAULT_MEMORY,
    ) -> BlockRange:
        """Fit some of the blocks, e.g. one process's share; :meth:`combine` puts the shares together.

        Parameters
        ----------
        source, blocks, samples, n_jobs, max_memory
            See :meth:`fit`.
        start, stop
            Range of the blocks to fit; all of them by default.
        """
        people = sample_indices(source, samples)
        if len(np.unique(people)) != len(people):
            raise UserError("a training person is listed twice: expected distinct indices of samples")
        if not len(people) or not len(blocks):
            raise UserError(f"nothing to fit: {len(people)} training people and {len(blocks)} blocks")
        which = range(start, len(blocks) if stop is None else stop)
        with_torch = self._worth_torch(np.asarray(blocks.sizes)[which], len(people), fit=True)
        found = dict(
            map_blocks(
                lambda i, dosage: self._fit_block(dosage, with_torch),
                source,
                blocks,
                people,
                which=which,
                n_jobs=n_jobs,
                max_memory=max_memory,
            )
        )
        return BlockRange(which.start, which.stop, len(people), [found[i] for i in which])

    def combine(self, source: GenotypeSource, blocks: Blocks, ranges: Sequence[BlockRange]) -> Self:
        """Become fitted from the ranges that together cover all blocks; same bytes as :meth:`fit`.

        Raises
        ------
        UserError
            A range is missing or overlaps another, or they were fitted on different numbers of people.
        """
        ranges = sorted(ranges, key=lambda part: part.start)
        edges = [0, *(part.stop for part in ranges)]
        if [part.start for part in ranges] != edges[:-1] or edges[-1] != len(blocks):
            parts = ", ".join(f"{part.start}-{part.stop}" for part in ranges)
            raise UserError(f"expected ranges that cover blocks 0-{len(blocks)} once, found {parts}")
        if len({part.n_training_samples for part in ranges}) != 1:
            raise UserError("the ranges were fitted on different numbers of people: fit them again")
        pieces = [piece for part in ranges for piece in part.pieces]
        used = np.unique(blocks.variant_index)
        self.n_training_samples_ = ranges[0].n_training_samples
        self.variants_ = source.variants.iloc[used].reset_index(drop=True)
        self.blocks_ = replace(blocks, variant_index=np.searchsorted(used, blocks.variant_index))
        self.allele_frequency_ = np.zeros(len(used))
        self.allele_frequency_[self.blocks_.variant_index] = np.concatenate(
            [piece["allele_frequency"] for piece in pieces]
        )
        channels = np.array([int(piece["n_channels"]) for piece in pieces])
        n_channels = self._channels(channels)
        self.is_padding_ = np.arange(n_channels) >= channels[:, None]
        for name, (dtype, axes) in self._state.items():
            arrays = []
            for piece in pieces:
                array = piece[name]
                if axes[-1] == "channel":
                    width = [(0, 0)] * (array.ndim - 1) + [(0, n_channels - array.shape[-1])]
                    array = np.pad(array, width)
                arrays.append(array)
            whole = np.concatenate(arrays) if axes[0] == "slot" else np.stack(arrays)
            setattr(self, f"{name}_", whole.astype(dtype))
        return self

    def transform(
        self,
        source: GenotypeSource,
        samples: np.ndarray | None = None,
        *,
        out: np.ndarray | None = None,
        n_jobs: int = 1,
        max_memory: int = DEFAULT_MEMORY,
    ) -> np.ndarray:
        """Features of people, of the fitted cohort or of another with the same variants.

        Parameters
        ----------
        source
            Genotypes; its variants may stand in another order and may be more.
        samples
            Indices (or a boolean mask) of people; None: all.
        out
            Where to write, e.g. a memory map, shape (sample, block, channel).
        n_jobs, max_memory
            See :meth:`fit`; the result depends on neither.

        Returns
        -------
        numpy.ndarray
            Shape (sample, block, channel).

        Raises
        ------
        UserError
            A fitted variant is absent from the source or has other alleles there.
        """
        self._check_fitted()
        people = sample_indices(source, samples)
        shape = (len(people), self.n_blocks, self.n_channels)
        if out is None:
            out = np.empty(shape, dtype=self._feature_dtype)
        elif out.shape != shape:
            raise ValueError(f"expected out of shape {shape}, found {out.shape}")
        with_torch = self._worth_torch(np.asarray(self.blocks_.sizes), len(people), fit=False)
        done = map_blocks(
            lambda i, dosage: self._transform_block(i, dosage, with_torch),
            source,
            self.blocks_,
            people,
            which=range(self.n_blocks),
            columns=match_variants(source.variants, self.variants_),
            n_jobs=n_jobs,
            max_memory=max_memory,
        )
        # A block is 16 or 32 bytes of each person's row: neighbours are written together.
        most = max(1, _STAGED_BYTES // max(out[:, :1].nbytes, 1))
        staged: list[tuple[int, np.ndarray]] = []
        for block, features in done:
            if staged and (len(staged) == most or block != staged[-1][0] + 1):
                self._write(out, staged)
                staged = []
            staged.append((block, features))
        self._write(out, staged)
        return out

    def _write(self, out: np.ndarray, staged: list[tuple[int, np.ndarray]]) -> None:
        """Features of consecutive blocks into ``out``, with padding."""
        if not staged:
            return
        by_channel = np.full((len(staged), out.shape[2], len(out)), self._padding_value, dtype=out.dtype)
        for row, (_, features) in zip(by_channel, staged, strict=True):
            row[: features.shape[1]] = features.T
        first = staged[0][0]
        out[:, first : first + len(staged)] = by_channel.transpose(2, 0, 1)

    @abstractmethod
    def inverse_transform(self, features: np.ndarray) -> np.ndarray:
        """Dosages (sample, variant) of features (sample, block, channel), in the order of ``variants_``."""

    def fingerprint(self) -> str:
        """SHA-256 of the fitted content: equal exactly if kind, parameters and every fitted byte are."""
        self._check_fitted()
        digest = hashlib.sha256(storage.canonical({"kind": self.kind, "parameters": self.parameters()}))
        for name, array in sorted(self._tensors().items()):
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def save_pretrained(self, directory: str | Path) -> None:
        """Write ``preprocessor_config.json`` and ``preprocessor.safetensors``; no individual's data is in
        them."""
        description = {
            "feature_extractor_type": "Featurizer",
            "kind": self.kind,
            "parameters": self.parameters(),
            "n_training_samples": self.n_training_samples_,
            "axes": {"block": self.n_blocks, "channel": self.n_channels, "variant": len(self.variants_)},
            "fingerprint": self.fingerprint(),
        }
        storage.save(directory, description, self._tensors())

    @classmethod
    def from_pretrained(cls, directory: str | Path) -> Self:
        """Load a saved featurizer; the class that was saved, whichever class this is called on.

        Raises
        ------
        UserError
            The files are missing, of another format version or damaged, or hold another kind than this class.
        """
        description, tensors = storage.load(directory)
        try:
            found = featurizer_class(description["kind"])
        except UserError as error:
            raise UserError(f"{directory}: {error}") from error
        if not issubclass(found, cls):
            raise UserError(f"{directory} holds a {found.__name__}, not a {cls.__name__}")
        expected = set(inspect.signature(found).parameters)
        if set(description["parameters"]) != expected:
            parameters = sorted(description["parameters"])
            raise UserError(f"{directory}: expected parameters {sorted(expected)}, found {parameters}")
        self = found(**description["parameters"])
        storage.check_tensors(directory, tensors, found._expected_tensors(description["axes"], tensors))
        self.n_training_samples_ = description["n_training_samples"]
        self.variants_ = storage.unpack_variants(directory, tensors, description["axes"]["variant"])
        self.blocks_ = storage.unpack_blocks(directory, tensors, description["axes"])
        for name in ("allele_frequency", "is_padding", *found._state):
            setattr(self, f"{name}_", tensors[name])
        if self.fingerprint() != description["fingerprint"]:
            raise UserError(
                f"{directory}: the content does not have the fingerprint that was saved: damaged?"
            )
        return self  # type: ignore[return-value]

    @classmethod
    def _expected_tensors(
        cls, axes: dict[str, int], tensors: dict[str, np.ndarray]
    ) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Names, dtypes and shapes of the tensors of this class."""
        slots = int(tensors["block_variant_index"].size) if "block_variant_index" in tensors else 0
        length = {**axes, "slot": slots}
        own = {
            "allele_frequency": ("float64", ("variant",)),
            "is_padding": ("bool", ("block", "channel")),
            **cls._state,
        }
        shapes = {
            name: (dtype, tuple(a if isinstance(a, int) else length[a] for a in names))
            for name, (dtype, names) in own.items()
        }
        return shapes | storage.table_tensors(length, tensors)

    def _tensors(self) -> dict[str, np.ndarray]:
        own = {name: getattr(self, f"{name}_") for name in ("allele_frequency", "is_padding", *self._state)}
        return own | storage.pack_variants(self.variants_) | storage.pack_blocks(self.blocks_)

    def parameters(self) -> dict[str, Any]:
        """What the constructor was given, by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def _check_fitted(self) -> None:
        if not hasattr(self, "variants_"):
            raise UserError(f"this {type(self).__name__} is not fitted: call fit, or from_pretrained")


def featurizer_class(kind: str) -> type[Featurizer]:
    """The registered class of a kind.

    Raises
    ------
    UserError
        There is none.
    """
    if kind not in Featurizer._kinds:
        raise UserError(f"unknown kind of featurizer {kind!r}; known: {sorted(Featurizer._kinds)}")
    return Featurizer._kinds[kind]


def sample_indices(source: GenotypeSource, samples: np.ndarray | None) -> np.ndarray:
    """Indices of the people meant by indices, a boolean mask, or None for all.

    Raises
    ------
    UserError
        There is no such sample.
    """
    n = len(source.samples)
    if samples is None:
        return np.arange(n)
    samples = np.asarray(samples)
    if samples.dtype == bool:
        if samples.shape != (n,):
            raise UserError(f"expected a mask of {n} samples, found shape {samples.shape}")
        return np.flatnonzero(samples)
    if samples.size and not np.issubdtype(samples.dtype, np.integer):
        raise UserError(f"expected indices of samples, found values of type {samples.dtype}")
    if samples.size and (samples.min() < 0 or samples.max() >= n):
        raise UserError(f"expected indices of samples in 0..{n - 1}, found {samples.min()}..{samples.max()}")
    return samples.astype(np.int64)
