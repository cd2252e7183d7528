"""Gene-wise PCA: a few principal component scores per block, from integer sums, and back to dosages."""

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from gds.errors import UserError
from gds.features.block_range import FEATURES
from gds.features.covariance import Covariance, covariance_of
from gds.features.engine import Engine, fastest_engine
from gds.features.featurizer import Featurizer, Piece
from gds.features.fixed_point import exact_scores, round_loadings
from gds.features.thresholds import apply_cut_points, quantile_cut_points, stand_for_all

if TYPE_CHECKING:
    import pandas as pd

# People are reconstructed in tiles of one shape, so that their dosages do not depend on who else is.
_PEOPLE = 256


class GenePCA(Featurizer):
    """Principal components of each block's mean-imputed dosages, scaled to unit variance.

    Parameters
    ----------
    n_components
        Components a block: a number; a share of the variance in (0, 1), e.g. 0.9, reached with as few
        components as it takes; or ``"reference"``: 8 for more than 20 variants, 4 for 5 to 20, otherwise 1.
    max_components
        Bound on the components of a block where ``n_components`` is a share of the variance.
    cut_points
        Fit the cut points of :meth:`inverse_transform`; without them dosages can only come back rounded to the
        nearest. They are quantiles of the reconstructions of all training people, or of 4,096 evenly spaced
        ones where there are more, at the ranks that the genotype counts of all ask for. Sorting those takes
        about as long as the components.

    Attributes
    ----------
    loadings_ : numpy.ndarray
        Unit eigenvectors, multiples of 2**-22, float32 (slot, channel): one row for each variant of each
        block, in the order of ``blocks_.variant_index``. The first variant with at least half of the largest
        magnitude loads positively.
    scale_ : numpy.ndarray
        Standard deviation of the raw scores over training people (divisor n), float64 (block, channel); 0
        for padding.
    explained_variance_ratio_ : numpy.ndarray
        Share of the block's variance, float64 (block, channel).
    expected_r2_ : numpy.ndarray
        Squared correlation of reconstructed and true dosage in training people, float32 (slot,); 0
        for a variant without variance.
    cut_points_ : numpy.ndarray
        Where a reconstructed dosage becomes 1 and 2, float32 (slot, 2); 0.5 and 1.5 if not fitted.

    Notes
    -----
    Components with an eigenvalue below 1e-10 of the block's largest are padding. Missing calls count as the
    training mean. See :mod:`gds.features.gram`, :mod:`gds.features.components` and
    :mod:`gds.features.fixed_point` for why every fitted byte and every score is independent of how blocks
    are read.

    Source: gene-wise PCA as in DiseaseCapsule (Luo, Kang and Schoenhuth 2023).
    """

    kind = "pca"
    feature_dtype = "float32"
    padding_value = 0
    _state: ClassVar[dict[str, tuple[str, tuple[str | int, ...]]]] = {
        "loadings": ("float32", ("slot", "channel")),
        "scale": ("float64", ("block", "channel")),
        "explained_variance_ratio": ("float64", ("block", "channel")),
        "expected_r2": ("float32", ("slot",)),
        "cut_points": ("float32", ("slot", 2)),
    }
    loadings_: np.ndarray
    scale_: np.ndarray
    explained_variance_ratio_: np.ndarray
    expected_r2_: np.ndarray
    cut_points_: np.ndarray

    def __init__(
        self,
        n_components: int | float | Literal["reference"] = 8,
        max_components: int = 64,
        cut_points: bool = True,
    ) -> None:
        self.n_components = n_components
        self.max_components = max_components
        self.cut_points = cut_points
        known = n_components == "reference" if isinstance(n_components, str) else (
            0 < n_components < 1 or (n_components >= 1 and n_components == int(n_components))
        )  # fmt: skip
        if not known:
            raise UserError(
                "expected n_components to be a whole number, a share of variance in (0, 1) or 'reference', "
                f"found {n_components!r}"
            )
        if max_components < 1:
            raise UserError(f"expected max_components of at least 1, found {max_components}")

    @property
    def report_(self) -> "pd.DataFrame":
        """Per block: ``variants``, ``components``, ``explained_variance``, ``reconstruction_r2``; DataFrame.

        ``explained_variance`` is the share kept; ``reconstruction_r2`` the mean of ``expected_r2_`` over the
        variants that vary.
        """
        import pandas as pd

        self._check_fitted()
        block = np.repeat(np.arange(self.n_blocks), self.blocks_.sizes)
        varies = self._slot_frequency() % 1 != 0
        r2 = np.bincount(block, self.expected_r2_.astype(np.float64), self.n_blocks)
        return pd.DataFrame(
            {
                "block": self.blocks_.name,
                "variants": self.blocks_.sizes,
                "components": (~self.is_padding_).sum(axis=1),
                "explained_variance": self.explained_variance_ratio_.sum(axis=1),
                "reconstruction_r2": r2 / np.maximum(np.bincount(block, varies, self.n_blocks), 1),
            }
        )

    def inverse_transform(
        self, features: np.ndarray, rounding: Literal["threshold", "nearest", "none"] = "threshold"
    ) -> np.ndarray:
        """Dosages of scores.

        Parameters
        ----------
        features
            Scores (sample, block, component).
        rounding
            ``"threshold"``: at ``cut_points_``, which keep the training people's genotype frequencies;
            ``"nearest"``: to the nearest of 0, 1, 2; ``"none"``: continuous.

        Returns
        -------
        numpy.ndarray
            (sample, variant) in the order of ``variants_``; int8, or float32 without rounding. A variant of
            several blocks comes from the one that reconstructs it best in training people.
        """
        self._check_fitted()
        if rounding not in ("threshold", "nearest", "none"):
            raise UserError(f"expected rounding 'threshold', 'nearest' or 'none', found {rounding!r}")
        if rounding == "threshold" and not self.cut_points:
            raise UserError(
                "this GenePCA was fitted without cut points: choose rounding='nearest', or fit it with them"
            )
        expected = (self.n_blocks, self.n_channels)
        if features.ndim != 3 or features.shape[1:] != expected:
            raise UserError(
                f"expected features of shape (sample, {expected[0]}, {expected[1]}), found {features.shape}"
            )
        dtype = np.float32 if rounding == "none" else np.int8
        dosage = np.empty((len(features), len(self.variants_)), dtype=dtype)
        chosen = self._best_slot()
        mean = (2 * self._slot_frequency()).astype(np.float32)
        for block in range(self.n_blocks):
            slots = np.arange(self.blocks_.offset[block], self.blocks_.offset[block + 1])
            slots = slots[chosen[slots]]
            weights = self._weights(self.loadings_[slots], self.scale_[block])
            reconstruction = _reconstruct(features[:, block], weights) + mean[slots]
            if rounding == "threshold":
                reconstruction = apply_cut_points(reconstruction, self.cut_points_[slots])
            elif rounding == "nearest":
                reconstruction = np.clip(np.rint(reconstruction), 0, 2)
            dosage[:, self.blocks_.variant_index[slots]] = reconstruction
        return dosage

    def _fit_block(self, dosage: np.ndarray, others: np.ndarray | None, engine: Engine) -> Piece:
        covariance, piece = self._fit_components(dosage, engine)
        scores = None
        if others is not None:
            scores = self._raw_scores(piece, dosage, engine)
            groups = [scores, self._raw_scores(piece, others, engine)] if others.size else [scores]
            piece[FEATURES] = np.concatenate([_scaled(group, piece["scale"]) for group in groups], axis=1)
        if not self.cut_points:
            return piece | {"cut_points": np.tile(np.array([0.5, 1.5], dtype=np.float32), (len(dosage), 1))}
        some = stand_for_all(dosage.shape[1])
        dosage = dosage[:, some]
        scores = self._raw_scores(piece, dosage, engine) if scores is None else scores[:, some]
        units = _scaled(scores, piece["scale"])
        weights = self._weights(piece["loadings"], piece["scale"])
        cuts = quantile_cut_points(units, weights, covariance.mean, dosage, covariance.genotype_counts)
        return piece | {"cut_points": cuts}

    def _map_block(self, piece: Piece, dosage: np.ndarray, engine: Engine) -> np.ndarray:
        return _scaled(self._raw_scores(piece, dosage, engine), piece["scale"])

    @staticmethod
    def _raw_scores(piece: Piece, dosage: np.ndarray, engine: Engine) -> np.ndarray:
        """Exact projections on the loadings, float64 (channel, sample)."""
        return exact_scores(dosage, piece["loadings"], 2 * piece["allele_frequency"], engine=engine)

    def _fit_components(self, dosage: np.ndarray, engine: Engine) -> tuple[Covariance, dict[str, np.ndarray]]:
        """All but the cut points: what a principal component analysis without a way back would be."""
        n_variants, n_samples = dosage.shape
        covariance = covariance_of(dosage, engine=engine)
        variance = covariance.variance
        total = variance.sum()
        eigenvalues, eigenvectors = covariance.leading(self._most_components(n_variants))
        if isinstance(self.n_components, float) and self.n_components < 1:
            reached = np.cumsum(eigenvalues) >= self.n_components * total
            kept = int(np.argmax(reached)) + 1 if reached.any() else len(eigenvalues)
            eigenvalues, eigenvectors = eigenvalues[:kept], eigenvectors[:, :kept]
        loadings = round_loadings(eigenvectors)
        exact = loadings.astype(np.float64)
        # The variance of the scores that rounded loadings give, not the eigenvalue: their sd is 1 to the last
        # digits.
        scale = np.sqrt(covariance.spread(exact) / n_samples)
        explained = eigenvectors**2 @ eigenvalues
        return covariance, {
            "n_channels": np.array(len(eigenvalues)),
            "allele_frequency": covariance.mean / 2,
            "loadings": loadings,
            "scale": scale,
            "explained_variance_ratio": eigenvalues / total if total else eigenvalues,
            "expected_r2": np.clip(
                np.divide(explained, variance, out=np.zeros(n_variants), where=variance > 0), 0, 1
            ),
        }

    @property
    def fixed_channels(self) -> int | None:
        if self.n_components == "reference":
            return 8
        return None if self.n_components < 1 else int(self.n_components)

    def _engine(self, sizes: np.ndarray, n_samples: int, *, fit: bool) -> Engine:
        sizes = sizes.astype(np.float64)
        return fastest_engine(n_samples * float((sizes**2 if fit else sizes * 3 * self.n_channels).sum()))

    def _most_components(self, n_variants: int) -> int:
        if self.n_components == "reference":
            return 8 if n_variants > 20 else 4 if n_variants >= 5 else 1
        if isinstance(self.n_components, float) and self.n_components < 1:
            return self.max_components
        return int(self.n_components)

    @staticmethod
    def _weights(loadings: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """What a unit of score adds to each dosage; float32 (variant, channel)."""
        return (loadings * scale).astype(np.float32)

    def _slot_frequency(self) -> np.ndarray:
        return self.allele_frequency_[self.blocks_.variant_index]

    def _best_slot(self) -> np.ndarray:
        """Whether each slot is the one its variant is reconstructed from; bool (slot,)."""
        order = np.lexsort(
            (np.arange(len(self.expected_r2_)), -self.expected_r2_, self.blocks_.variant_index)
        )
        _, first = np.unique(self.blocks_.variant_index[order], return_index=True)
        chosen = np.zeros(len(order), dtype=bool)
        chosen[order[first]] = True
        return chosen


def _scaled(scores: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Scores of unit variance, float32 (channel, sample)."""
    return np.divide(scores, scale[:, None]).astype(np.float32)


def _reconstruct(scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``scores @ weights.T`` in tiles of one shape; float32 (sample, variant)."""
    n_samples, n_components = scores.shape
    padded = np.zeros((-(-n_samples // _PEOPLE) * _PEOPLE, n_components), dtype=np.float32)
    padded[:n_samples] = scores
    out = np.empty((len(padded), len(weights)), dtype=np.float32)
    for start in range(0, len(padded), _PEOPLE):
        np.matmul(padded[start : start + _PEOPLE], weights.T, out=out[start : start + _PEOPLE])
    return out[:n_samples]
