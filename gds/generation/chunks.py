"""Synthetic people drawn chunk by chunk, each a file: what is finished stays, and memory holds a few chunks only.

::

    FOLDER/chunk-00003-of-00391.safetensors    features (sample, block, channel) and dosage (variant, sample)

A chunk is one batch of the sampler, so its bytes do not depend on how many processes or threads share the chunks.
"""

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from gds.errors import UserError
from gds.files import atomic_path
from gds.generation.generator import GenotypeGenerator, synthetic_samples

# Dosages that a reading source holds: every chunk is opened once for so many.
_BAND_BYTES = 2**27
_MOST_BYTES = 2**32
# Arrays of the size of the features that a sampler and a network hold at a time, about.
_COPIES = 8


@dataclass(frozen=True)
class Draw:
    """What is drawn; every chunk is a part of it.

    Attributes
    ----------
    n
        Number of people.
    batch_size
        People a chunk.
    seed, labels, guidance_scale, num_inference_steps, temperature, corrector_sweeps
        See :meth:`GenotypeGenerator.generate`; ``labels`` int (n,) or None.
    """

    n: int
    batch_size: int
    seed: int = 0
    labels: np.ndarray | None = None
    guidance_scale: float = 1.0
    num_inference_steps: int | None = None
    temperature: float = 1.0
    corrector_sweeps: int = 0


class Chunks:
    """The chunk files of a draw.

    Parameters
    ----------
    folder
        Where they lie.
    draw
        What is drawn.
    request
        Hash of all that decides the bytes: a file of another request counts as absent.
    """

    def __init__(self, folder: Path, draw: Draw, request: str) -> None:
        self._folder = folder
        self._draw = draw
        self._request = request

    def __len__(self) -> int:
        return -(-self._draw.n // self._draw.batch_size)

    def path(self, chunk: int) -> Path:
        """Where a chunk lies."""
        return self._folder / f"chunk-{chunk:05d}-of-{len(self):05d}.safetensors"

    def people(self, chunk: int) -> slice:
        """Which people a chunk holds."""
        start = chunk * self._draw.batch_size
        return slice(start, min(start + self._draw.batch_size, self._draw.n))

    def missing(self, which: Iterable[int] | None = None) -> list[int]:
        """The chunks, of those given or of all, that have no whole file."""
        return [
            chunk for chunk in (range(len(self)) if which is None else which) if not self._is_finished(chunk)
        ]

    def make(self, generator: GenotypeGenerator, which: Iterable[int], *, n_threads: int = 1) -> int:
        """Draw those of some chunks that are missing.

        Parameters
        ----------
        generator
            Draws and decodes.
        which
            Numbers of chunks.
        n_threads
            Chunks drawn at the same time; torch should then use one thread for each.

        Returns
        -------
        int
            How many were missing.
        """
        missing = self.missing(which)
        draw = self._draw
        passes = generator.n_passes(draw.num_inference_steps, draw.temperature, draw.corrector_sweeps)
        people = [self.people(chunk) for chunk in missing]
        total = sum(each.stop - each.start for each in people) * passes
        with (
            tqdm(total=total, desc="generate", unit="step", delay=2, disable=None) as progress,
            ThreadPoolExecutor(n_threads) as pool,
        ):
            jobs = [pool.submit(self._make_one, generator, chunk, progress) for chunk in missing]
            try:
                for job in jobs:
                    job.result()
            finally:
                # After an error, or an interrupt, no further chunk is begun.
                pool.shutdown(cancel_futures=True)
        return len(missing)

    def bytes_to_draw_one(self, generator: GenotypeGenerator) -> int:
        """Memory that drawing and decoding a chunk takes, about."""
        assert generator.featurizer is not None
        config = generator.model.config
        person = _COPIES * 4 * config.n_blocks * config.n_channels + len(generator.featurizer.variants_)
        return self._draw.batch_size * person

    def source(self, generator: GenotypeGenerator) -> "ChunkedGenotypes":
        """All people of the finished chunks."""
        assert generator.featurizer is not None
        paths = [self.path(chunk) for chunk in range(len(self))]
        return ChunkedGenotypes(paths, synthetic_samples(self._draw.n), generator.featurizer.variants_)

    def write_features(self, path: Path) -> None:
        """Write the features of all people as one .npy, a chunk in memory at a time."""
        from safetensors import safe_open

        rows: np.ndarray | None = None
        for chunk in range(len(self)):
            with safe_open(self.path(chunk), framework="numpy") as file:
                features = file.get_tensor("features")
            if rows is None:
                shape = (self._draw.n, *features.shape[1:])
                rows = np.lib.format.open_memmap(path, mode="w+", dtype=features.dtype, shape=shape)
            rows[self.people(chunk)] = features
        assert isinstance(rows, np.memmap)
        rows.flush()

    def _make_one(self, generator: GenotypeGenerator, chunk: int, progress: tqdm) -> None:
        from safetensors.numpy import save_file

        draw, people = self._draw, self.people(chunk)
        features = generator.generate(
            people.stop - people.start,
            labels=None if draw.labels is None else draw.labels[people],
            seed=draw.seed,
            guidance_scale=draw.guidance_scale,
            num_inference_steps=draw.num_inference_steps,
            temperature=draw.temperature,
            corrector_sweeps=draw.corrector_sweeps,
            batch_size=draw.batch_size,
            first_index=people.start,
            progress=progress,
        )
        # Variants first: a reader wants everybody at a few of them.
        dosage = np.ascontiguousarray(generator.decode(features, first_index=people.start).dosage.T)
        about = json.dumps({"request": self._request, "chunk": chunk})
        with atomic_path(self.path(chunk)) as temporary:
            save_file({"features": features, "dosage": dosage}, temporary, metadata={"chunk": about})

    def _is_finished(self, chunk: int) -> bool:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path(chunk), framework="numpy") as file:
                about = json.loads((file.metadata() or {}).get("chunk", "null"))
        except (FileNotFoundError, SafetensorError):
            return False
        return about == {"request": self._request, "chunk": chunk}


class ChunkedGenotypes:
    """The people of all chunks as one :class:`gds.genotypes.matrix.GenotypeSource`, read forwards in bands.

    Parameters
    ----------
    paths
        Chunk files, in the order of their people.
    samples, variants
        Of all.
    band_bytes
        Dosages held at a time.
    """

    def __init__(
        self,
        paths: list[Path],
        samples: pd.DataFrame,
        variants: pd.DataFrame,
        band_bytes: int = _BAND_BYTES,
    ) -> None:
        self.samples = samples
        self.variants = variants
        self._paths = paths
        self._width = max(1, band_bytes // len(samples))
        self._band = slice(0, 0)
        self._dosage = np.empty((0, len(samples)), dtype=np.int8)

    def read(self, variants: slice | np.ndarray, samples: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`gds.genotypes.matrix.GenotypeSource.read`, of consecutive variants."""
        if not isinstance(variants, slice):
            raise UserError("chunks are read by slices of variants")
        start, stop, _ = variants.indices(len(self.variants))
        if not (self._band.start <= start and stop <= self._band.stop):
            self._load(slice(start, min(max(stop, start + self._width), len(self.variants))))
        dosage = self._dosage[start - self._band.start : stop - self._band.start].T
        return dosage if samples is None else dosage[samples]

    def _load(self, band: slice) -> None:
        from safetensors import safe_open

        self._dosage = np.empty((band.stop - band.start, len(self.samples)), dtype=np.int8)
        first = 0
        for path in self._paths:
            with safe_open(path, framework="numpy") as file:
                part = file.get_slice("dosage")[band.start : band.stop]
            self._dosage[:, first : first + part.shape[1]] = part
            first += part.shape[1]
        self._band = band


@contextmanager
def threads_for_chunks(chunk_bytes: int) -> Iterator[int]:
    """Set torch to one thread for a while, and say how many chunks a CPU should draw at a time.

    Products of small batches round differently with several threads; several chunks of one thread each use a machine
    as well and give the same bytes whatever their number.

    Parameters
    ----------
    chunk_bytes
        What drawing a chunk takes, about; together they take at most 4 GB.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield max(1, min(n_threads, _MOST_BYTES // chunk_bytes))
    finally:
        torch.set_num_threads(n_threads)
