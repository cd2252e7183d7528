r"""Where training people lie, so that people who lie elsewhere are flagged before anything is said about them.

Coordinates of a person are K principal components of common, LD-pruned variants and q, the mean squared standardised
dosage that these components leave over. A population that training lacks may fall between the others in the
components, but its common variants are rare ones here, so that q is far too large, or too small.

* Components of people who were fitted on are larger than those of strangers (they shrink towards 0). So training people
  are projected like strangers, by components of the other four fifths, turned onto those of all (orthogonal
  Procrustes, Schoenemann 1966).
* Their coordinates are summed up by a few Gaussians, chosen by BIC, each of at least 20 people: nothing of a single
  person is kept.
* The distance is the smallest squared Mahalanobis distance to a Gaussian, times n (n - d) / ((n + 1) (n - 1)) for one
  learned from n people in d coordinates, as a newcomer's is larger the fewer they are (Hotelling 1931). People beyond
  what 99 % of training people keep, each held against Gaussians of the other four fifths, are out of distribution: by
  construction about 1 % of people like those of training are flagged.
* Where a cohort lacks variants, components are a regression on those it has, and the Gaussians are widened by the
  noise that this adds.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from scipy.linalg import eigh

from gds.errors import UserError
from gds.features.gaussian_groups import MAX_CLUSTERS, MIN_CLUSTER, N_FOLDS, mixtures, nearest
from gds.files import atomic_path
from gds.repository import TRAINING_DISTRIBUTION

N_COMPONENTS = 6
MIN_PEOPLE = 50  # fewer training people have no distribution worth the name
MAX_PEOPLE = 4000
MAX_VARIANTS = 50_000
MIN_FREQUENCY = 0.05  # of the rarer allele: what is kept of a variant is about many people
QUANTILE = 0.99


@dataclass(frozen=True)
class TrainingDistribution:
    """Aggregates over training people.

    Attributes
    ----------
    variant_index
        Places among the featurizer's variants, int64 (variant,).
    mean, scale
        Of their dosages: z = (x - mean) scale, float32 (variant,).
    loadings
        Unit columns, float32 (variant, component).
    weights, centres, covariances
        Of the Gaussians: (cluster,), (cluster, component + 1), (cluster, component + 1, component + 1).
    threshold
        Squared distance, (1,).
    n_people
        Training people, int64 (1,).
    """

    variant_index: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    loadings: np.ndarray
    weights: np.ndarray
    centres: np.ndarray
    covariances: np.ndarray
    threshold: np.ndarray
    n_people: np.ndarray

    @classmethod
    def fit(cls, dosage: np.ndarray, variant_index: np.ndarray, seed: int = 0) -> "TrainingDistribution":
        """Learn from training people, without labels.

        Parameters
        ----------
        dosage
            int8 (sample, variant), -1 missing, of LD-pruned variants; rare ones are left out here.
        variant_index
            Places of these variants among those of the featurizer, (variant,).
        seed
            Of the sample of people and variants, the folds and the mixture.

        Raises
        ------
        UserError
            Fewer than 50 people, or fewer than 20 common variants.
        """
        rng = np.random.default_rng(seed)
        if len(dosage) > MAX_PEOPLE:
            dosage = dosage[np.sort(rng.choice(len(dosage), MAX_PEOPLE, replace=False))]
        if len(dosage) < MIN_PEOPLE:
            raise UserError(f"{len(dosage)} training people, {MIN_PEOPLE} are needed to say where they lie")
        called = dosage >= 0
        frequency = np.where(called, dosage, 0).sum(axis=0) / (2 * np.maximum(called.sum(axis=0), 1))
        common = np.flatnonzero(np.minimum(frequency, 1 - frequency) >= MIN_FREQUENCY)
        if len(common) > MAX_VARIANTS:
            common = np.sort(rng.choice(common, MAX_VARIANTS, replace=False))
        if len(common) < MIN_CLUSTER:
            raise UserError(f"{len(common)} common variants: too few to say where training people lie")
        dosage, called, frequency = dosage[:, common], called[:, common], frequency[common]
        mean = 2 * frequency
        scale = 1 / np.sqrt(mean * (1 - frequency))
        z = np.where(called, (dosage - mean) * scale, 0)
        kernel = z @ z.T / len(common)
        n_components = min(N_COMPONENTS, len(dosage) // 10, len(common) // 4)
        values, vectors = _leading(kernel, n_components)
        loadings = z.T @ vectors / np.sqrt(len(common) * values)
        fold = rng.permutation(len(dosage)) % N_FOLDS
        points = _strangers_coordinates(kernel, vectors * np.sqrt(values), called.mean(axis=1), fold)
        mixture, others = mixtures(points, fold, seed)
        weights, centres, covariances = mixture
        distances = np.empty(len(points))
        for number, (shares, *shape) in enumerate(others):
            out = fold == number
            distances[out] = nearest(points[out], shares * (~out).sum(), *shape)
        return cls(
            variant_index=np.asarray(variant_index, dtype=np.int64)[common],
            mean=mean.astype(np.float32), scale=scale.astype(np.float32), loadings=loadings.astype(np.float32),
            weights=weights, centres=centres, covariances=covariances,
            threshold=np.array([np.quantile(distances, QUANTILE)]), n_people=np.array([len(dosage)]),
        )  # fmt: skip

    def distance(self, dosage: np.ndarray) -> np.ndarray:
        """Squared distance of people from the nearest Gaussian.

        Parameters
        ----------
        dosage
            int8 (sample, variant), -1 missing, of the variants of ``variant_index``.

        Returns
        -------
        numpy.ndarray
            float64 (sample,); NaN for someone without any of the variants, or where the cohort has too few.
        """
        present = (dosage >= 0).any(axis=0) & (self.loadings != 0).any(axis=1)
        share = float(present.mean())
        design = self.loadings[present].astype(np.float64)
        if present.sum() < 2 * self.loadings.shape[1]:
            return np.full(len(dosage), np.nan)
        x = dosage[:, present]
        n_called = (x >= 0).sum(axis=1)
        z = np.where(x >= 0, (x - self.mean[present]) * self.scale[present], 0)
        along = z @ design
        fitted = np.linalg.solve(design.T @ design, along.T).T
        with np.errstate(invalid="ignore", divide="ignore"):
            rest = (np.square(z).sum(axis=1) - (along * fitted).sum(axis=1)) / n_called
        points = np.column_stack([fitted / np.sqrt(len(self.mean)), rest])
        found = np.full(len(dosage), np.nan)
        whole = np.isfinite(rest)
        # Fewer variants make every coordinate noisier.
        noise = np.repeat(self.centres[:, -1:] / len(self.mean), points.shape[1], axis=1)
        noise[:, -1] = self.covariances[:, -1, -1]
        wider = self.covariances + np.apply_along_axis(np.diag, 1, noise) * (1 / share - 1)
        found[whole] = nearest(points[whole], self.weights * self.n_people[0], self.centres, wider)
        return found

    def without(self, variants: np.ndarray) -> "TrainingDistribution":
        """The same, to which some variants, bool (variant,), say nothing any more."""
        kept = (~variants).astype(np.float32)
        return replace(
            self, mean=self.mean * kept, scale=self.scale * kept, loadings=self.loadings * kept[:, None]
        )

    def is_outside(self, distance: np.ndarray) -> np.ndarray:
        """Whether a person is out of distribution; NaN, not assessable, counts as outside."""
        return ~(distance <= self.threshold[0])

    def save(self, folder: str | Path) -> None:
        """Write ``training_distribution.safetensors``."""
        from safetensors.numpy import save_file

        with atomic_path(Path(folder) / TRAINING_DISTRIBUTION) as temporary:
            save_file(
                {each.name: np.ascontiguousarray(getattr(self, each.name)) for each in fields(self)},
                temporary,
            )

    @classmethod
    def load(cls, folder: str | Path) -> "TrainingDistribution | None":
        """Of a saved model; None where it has none.

        Raises
        ------
        UserError
            The file is damaged, or holds something else.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = Path(folder) / TRAINING_DISTRIBUTION
        if not path.is_file():
            return None
        try:
            tensors = load_file(path)
        except SafetensorError as error:
            raise UserError(f"{path} is damaged: {error}") from error
        if set(tensors) != {each.name for each in fields(cls)}:
            raise UserError(f"{path}: expected {', '.join(each.name for each in fields(cls))}")
        found = cls(**tensors)
        found.check(path)
        return found

    def expected(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Type and shape of each array, as the numbers of variants, components and Gaussians have them."""
        m, k, c = len(self.variant_index), self.loadings.shape[-1], len(self.weights)
        return {
            "variant_index": ("int64", (m,)), "mean": ("float32", (m,)), "scale": ("float32", (m,)),
            "loadings": ("float32", (m, k)), "weights": ("float64", (c,)), "centres": ("float64", (c, k + 1)),
            "covariances": ("float64", (c, k + 1, k + 1)), "threshold": ("float64", (1,)), "n_people": ("int64", (1,)),
        }  # fmt: skip

    def check(self, path: Path) -> None:
        """Refuse what this class does not write, above all arrays that could hold single people.

        Raises
        ------
        UserError
            A type, a shape or a number that is not what it must be.
        """
        for name, (dtype, shape) in self.expected().items():
            array = getattr(self, name)
            if str(array.dtype) != dtype or array.shape != shape or not np.isfinite(array).all():
                raise UserError(f"{path}: expected {name} of type {dtype} and shape {shape}, without NaN")
        k, c = self.loadings.shape[1], len(self.weights)
        smallest = float(self.weights.min() * self.n_people[0]) if c else 0.0
        if k > N_COMPONENTS or not 0 < c <= MAX_CLUSTERS or smallest < MIN_CLUSTER - 0.5:
            raise UserError(
                f"{path}: {k} components and {c} groups, the smallest of {smallest:.0f} people: expected at most "
                f"{N_COMPONENTS} and {MAX_CLUSTERS}, and {MIN_CLUSTER} people"
            )


def _leading(kernel: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Leading eigenvalues and eigenvectors, largest first."""
    size = len(kernel)
    values, vectors = eigh(kernel, subset_by_index=[size - n, size - 1])
    return np.maximum(values[::-1], 1e-12), vectors[:, ::-1]


def _strangers_coordinates(
    kernel: np.ndarray, scores: np.ndarray, called: np.ndarray, fold: np.ndarray
) -> np.ndarray:
    """Components and rest of training people as if they had not been fitted on, (sample, component + 1)."""
    n, k = scores.shape
    points = np.empty((n, k + 1))
    for number in range(N_FOLDS):
        out, rest = fold == number, fold != number
        values, vectors = _leading(kernel[np.ix_(rest, rest)], k)
        projected = kernel[np.ix_(out, rest)] @ vectors / np.sqrt(values)
        left, _, right = np.linalg.svd((vectors * np.sqrt(values)).T @ scores[rest])
        points[out, :k] = projected @ (left @ right)
        remaining = np.diag(kernel)[out] - np.square(projected).sum(axis=1)
        points[out, k] = remaining / called[out]
    return points
