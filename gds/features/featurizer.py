"""What turns genotypes into features: fitted on training people, saved beside the weights, invertible."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from gds.errors import UserError
from gds.features.block_range import FEATURES, BlockRange, in_order, joined
from gds.features.engine import Engine
from gds.features.feature_rows import FeatureRows, room_for
from gds.features.fitted_state import FittedState
from gds.features.sample_indices import sample_indices
from gds.features.streaming import DEFAULT_MEMORY, map_blocks
from gds.genotypes.align import match_variants
from gds.genotypes.blocks import Blocks
from gds.genotypes.matrix import GenotypeSource

if TYPE_CHECKING:
    import pandas as pd

Piece = dict[str, np.ndarray]


class Featurizer(FittedState):
    """Base of the featurizers: fitting and transforming, block by block.

    A subclass says what it learns from one block (:meth:`_fit_block`) and how that maps one block
    (:meth:`_map_block`); blocks never see each other, so that a fit can be sharded over them.
    """

    feature_dtype: ClassVar[str]
    padding_value: ClassVar[int]

    @abstractmethod
    def _fit_block(self, dosage: np.ndarray, others: np.ndarray | None, engine: Engine) -> Piece:
        """Learn from training people's int8 (variant, sample).

        The arrays of ``_state``, ``n_channels`` and ``allele_frequency``; if there are ``others``, int8 (variant,
        sample), also ``features`` (channel, sample) of the training people and then of those.
        """

    @abstractmethod
    def _map_block(self, piece: Piece, dosage: np.ndarray, engine: Engine) -> np.ndarray:
        """Features (channel, sample), without the padding, of int8 (variant, sample)."""

    @property
    @abstractmethod
    def fixed_channels(self) -> int | None:
        """Length of the channel axis; None if it depends on what is found in the blocks."""

    @abstractmethod
    def _engine(self, sizes: np.ndarray, n_samples: int, *, fit: bool) -> Engine:
        """The engine that takes least time on blocks of these sizes."""

    @abstractmethod
    def inverse_transform(self, features: np.ndarray) -> np.ndarray:
        """Dosages (sample, variant) of features (sample, block, channel), in the order of ``variants_``."""

    @property
    @abstractmethod
    def report_(self) -> "pd.DataFrame":
        """One row a block: ``block``, ``variants`` and what can be told of its fit."""

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

    def fit_transform(
        self,
        source: GenotypeSource,
        blocks: Blocks,
        samples: np.ndarray,
        others: np.ndarray,
        *,
        out: np.ndarray | None = None,
        n_jobs: int = 1,
        max_memory: int = DEFAULT_MEMORY,
    ) -> np.ndarray:
        """Learn from training people, and map them and others, in one pass over the source.

        The same bytes as :meth:`fit` and :meth:`transform`, without reading twice.

        Parameters
        ----------
        source, blocks, n_jobs, max_memory
            See :meth:`fit`.
        samples
            Indices (or a boolean mask) of the training people.
        others
            Indices (or a boolean mask) of people to map whom nothing is learned from; there may be none.
        out
            See :meth:`transform`; only where the number of channels is known before the fit.

        Returns
        -------
        numpy.ndarray
            Features (sample, block, channel) of the training people, then of the others.
        """
        n_training = len(sample_indices(source, samples))
        n_samples = n_training + len(sample_indices(source, others))
        rows = None
        if self.fixed_channels is not None:
            out = room_for((n_samples, len(blocks), self.fixed_channels), self.feature_dtype, out)
            rows = FeatureRows(out, self.padding_value)
        elif out is not None:
            raise ValueError("out cannot be given: the number of channels depends on the fit")
        pieces: list[Piece] = [{} for _ in range(len(blocks))]
        for i, piece in self._fitted(source, blocks, samples, others, range(len(blocks)), n_jobs, max_memory):
            if rows is not None:
                rows.write(i, piece.pop(FEATURES))
            pieces[i] = piece
        self.combine(source, blocks, [BlockRange(0, len(blocks), n_training, pieces)])
        if rows is None:
            out = room_for((n_samples, len(blocks), self.n_channels), self.feature_dtype, None)
            rows = FeatureRows(out, self.padding_value)
            for block, piece in enumerate(pieces):
                rows.write(block, piece.pop(FEATURES))
        rows.flush()
        assert out is not None
        return out

    def fit_range(
        self,
        source: GenotypeSource,
        blocks: Blocks,
        samples: np.ndarray | None = None,
        *,
        others: np.ndarray | None = None,
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
        others
            If given, the pieces hold the features of the training people and of these.
        start, stop
            Range of the blocks to fit; all of them by default.
        """
        which = range(start, len(blocks) if stop is None else stop)
        found = dict(self._fitted(source, blocks, samples, others, which, n_jobs, max_memory))
        n_training = len(sample_indices(source, samples))
        return BlockRange(which.start, which.stop, n_training, [found[i] for i in which])

    def combine(self, source: GenotypeSource, blocks: Blocks, ranges: Sequence[BlockRange]) -> Self:
        """Become fitted from the ranges that together cover all blocks; same bytes as :meth:`fit`.

        Raises
        ------
        UserError
            A range is missing or overlaps another, or they were fitted on different numbers of people.
        """
        ordered = in_order(ranges, len(blocks))
        pieces = [piece for part in ordered for piece in part.pieces]
        used = np.unique(blocks.variant_index)
        self.n_training_samples_ = ordered[0].n_training_samples
        self.variants_ = source.variants.iloc[used].reset_index(drop=True)
        self.blocks_ = replace(blocks, variant_index=np.searchsorted(used, blocks.variant_index))
        self.allele_frequency_ = np.zeros(len(used))
        frequency = np.concatenate([piece["allele_frequency"] for piece in pieces])
        self.allele_frequency_[self.blocks_.variant_index] = frequency
        channels = np.array([int(piece["n_channels"]) for piece in pieces])
        n_channels = self.fixed_channels or max(1, int(channels.max()))
        self.is_padding_ = np.arange(n_channels) >= channels[:, None]
        for name, (dtype, axes) in self._state.items():
            whole = joined([piece[name] for piece in pieces], axes, n_channels)
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
        out = room_for((len(people), self.n_blocks, self.n_channels), self.feature_dtype, out)
        engine = self._engine(self.blocks_.sizes, len(people), fit=False)
        done = map_blocks(
            lambda i, dosage: self._map_block(self._piece(i), dosage, engine),
            source,
            self.blocks_,
            [people],
            which=range(self.n_blocks),
            columns=match_variants(source.variants, self.variants_),
            n_jobs=n_jobs,
            max_memory=max_memory,
        )
        rows = FeatureRows(out, self.padding_value)
        for block, features in done:
            rows.write(block, features)
        rows.flush()
        return out

    def _fitted(
        self,
        source: GenotypeSource,
        blocks: Blocks,
        samples: np.ndarray | None,
        others: np.ndarray | None,
        which: range,
        n_jobs: int,
        max_memory: int,
    ) -> Iterator[tuple[int, Piece]]:
        """Each block's index and piece, in file order; see :meth:`fit_range`."""
        people = [sample_indices(source, samples)]
        if len(np.unique(people[0])) != len(people[0]):
            raise UserError("a training person is listed twice: expected distinct indices of samples")
        if not len(people[0]) or not len(blocks):
            raise UserError(f"nothing to fit: {len(people[0])} training people and {len(blocks)} blocks")
        if others is not None:
            people.append(sample_indices(source, others))
        engine = self._engine(blocks.sizes[which.start : which.stop], len(people[0]), fit=True)
        return map_blocks(
            lambda i, dosage, further=None: self._fit_block(dosage, further, engine),
            source,
            blocks,
            people,
            which=which,
            n_jobs=n_jobs,
            max_memory=max_memory,
        )

    def _piece(self, block: int) -> Piece:
        """What was learned of one block, as :meth:`_fit_block` gave it, as far as :meth:`_map_block` asks."""
        slots = slice(self.blocks_.offset[block], self.blocks_.offset[block + 1])
        valid = ~self.is_padding_[block]
        piece = {"allele_frequency": self.allele_frequency_[self.blocks_[block]]}
        for name, (_, axes) in self._state.items():
            array = getattr(self, f"{name}_")[slots if axes[0] == "slot" else block]
            piece[name] = array[..., valid] if axes[-1] == "channel" else array
        return piece
