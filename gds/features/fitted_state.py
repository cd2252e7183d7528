"""What a featurizer has learned: arrays that are declared once, hashed, saved and loaded strictly."""

import hashlib
import inspect
from abc import ABC
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from gds.errors import UserError
from gds.features import storage
from gds.genotypes.blocks import Blocks
from gds.repository import local_folder

_OF_AUTO_CLASSES = {
    "_commit_hash", "_from_auto", "_from_pipeline", "code_revision", "trust_remote_code", "dtype", "torch_dtype",
    "device_map", "attn_implementation", "proxies",
}  # fmt: skip


class FittedState(ABC):
    """Base of the featurizers: their fitted arrays and how those are kept.

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
    _kinds: ClassVar[dict[str, type["FittedState"]]] = {}

    variants_: pd.DataFrame
    blocks_: Blocks
    allele_frequency_: np.ndarray
    is_padding_: np.ndarray
    n_training_samples_: int

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "kind" in cls.__dict__:
            FittedState._kinds[cls.kind] = cls

    @property
    def n_blocks(self) -> int:
        return self.is_padding_.shape[0]

    @property
    def n_channels(self) -> int:
        return self.is_padding_.shape[1]

    def parameters(self) -> dict[str, Any]:
        """What the constructor was given, by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

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
    def from_pretrained(
        cls,
        directory: str | Path,
        *,
        revision: str | None = None,
        subfolder: str = "",
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        **for_others: Any,
    ) -> Self:
        """Load a saved featurizer; the class that was saved, whichever class this is called on.

        Parameters
        ----------
        directory
            A folder, or a repository on the hub.
        revision, subfolder, token, cache_dir, local_files_only, force_download
            See :func:`gds.repository.local_folder`.
        **for_others
            What the Auto classes and ``pipeline`` tell each class that they load, and concerns only models.

        Raises
        ------
        UserError
            The files are missing, of another format version or damaged, or hold another kind than this class.
        """
        if unknown := sorted(set(for_others) - _OF_AUTO_CLASSES):
            raise TypeError(f"Featurizer.from_pretrained has no argument {', '.join(unknown)}")
        if Path(directory).is_dir():
            directory = Path(directory) / subfolder
        else:
            directory = local_folder(
                directory,
                revision=revision,
                subfolder=subfolder,
                token=token,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
                force_download=force_download,
            )
        description, tensors = storage.load(directory)
        try:
            found = class_of_kind(description["kind"])
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
        return self

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

    def _check_fitted(self) -> None:
        if not hasattr(self, "variants_"):
            raise UserError(f"this {type(self).__name__} is not fitted: call fit, or from_pretrained")


def class_of_kind(kind: str) -> type[Any]:
    """The registered class of a kind.

    Raises
    ------
    UserError
        There is none.
    """
    if kind not in FittedState._kinds:
        raise UserError(f"unknown kind of featurizer {kind!r}; known: {sorted(FittedState._kinds)}")
    return FittedState._kinds[kind]
