"""Dosages themselves as features: one slot for each variant of a block."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gds.errors import UserError
from gds.features.block_range import FEATURES
from gds.features.engine import Engine
from gds.features.featurizer import Featurizer, Piece

if TYPE_CHECKING:
    import pandas as pd


class GeneTokens(Featurizer):
    """Dosages in the slots of their block: 0, 1, 2, or -1 for a missing call and for padding.

    Parameters
    ----------
    max_slots
        Slots of every block; larger blocks are an error: split them with ``assign_blocks(...,
        max_variants=64)``.
    """

    kind = "tokens"
    feature_dtype = "int8"
    padding_value = -1
    _state: ClassVar[dict[str, tuple[str, tuple[str | int, ...]]]] = {}

    def __init__(self, max_slots: int = 64) -> None:
        if max_slots < 1:
            raise UserError(f"expected max_slots of at least 1, found {max_slots}")
        self.max_slots = max_slots

    @property
    def report_(self) -> "pd.DataFrame":
        """Per block: its name and ``variants``."""
        import pandas as pd

        self._check_fitted()
        return pd.DataFrame({"block": self.blocks_.name, "variants": self.blocks_.sizes})

    def inverse_transform(self, features: np.ndarray) -> np.ndarray:
        """Dosages of tokens.

        Parameters
        ----------
        features
            0, 1, 2 or -1; (sample, block, slot).

        Returns
        -------
        numpy.ndarray
            int8 (sample, variant) in the order of ``variants_``, -1 where the token is -1. A variant of
            several blocks comes from the first of them.

        Raises
        ------
        UserError
            Wrong shape, or other values.
        """
        self._check_fitted()
        expected = (self.n_blocks, self.n_channels)
        if features.ndim != 3 or features.shape[1:] != expected:
            raise UserError(
                f"expected tokens of shape (sample, {expected[0]}, {expected[1]}), found {features.shape}"
            )
        if features.size and (features.min() < -1 or features.max() > 2):
            raise UserError(f"expected tokens in -1..2, found {features.min()}..{features.max()}")
        slots = features[:, ~self.is_padding_]
        _, first = np.unique(self.blocks_.variant_index, return_index=True)
        return slots[:, first].astype(np.int8)

    def _fit_block(self, dosage: np.ndarray, others: np.ndarray | None, engine: Engine) -> Piece:
        if len(dosage) > self.max_slots:
            raise UserError(
                f"a block of {len(dosage)} variants does not fit {self.max_slots} slots: split it with "
                f"assign_blocks(..., max_variants={self.max_slots})"
            )
        observed = (dosage >= 0).sum(axis=1)
        alleles = np.maximum(dosage, 0).sum(axis=1, dtype=np.int64)
        piece = {
            "n_channels": np.array(len(dosage)),
            "allele_frequency": alleles / np.maximum(2 * observed, 1),
        }
        return piece if others is None else piece | {FEATURES: np.concatenate([dosage, others], axis=1)}

    def _map_block(self, piece: Piece, dosage: np.ndarray, engine: Engine) -> np.ndarray:
        return dosage

    @property
    def fixed_channels(self) -> int:
        return self.max_slots

    def _engine(self, sizes: np.ndarray, n_samples: int, *, fit: bool) -> Engine:
        return Engine.FLOAT32
