"""People summed up by a few Gaussians, none of them about few people, and the distance of a newcomer from them."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

MIN_CLUSTER = 20
MAX_CLUSTERS = 8
N_FOLDS = 5

Gaussians = tuple[np.ndarray, np.ndarray, np.ndarray]  # weights, centres, covariances


def nearest(
    points: np.ndarray, n_people: np.ndarray, centres: np.ndarray, covariances: np.ndarray
) -> np.ndarray:
    """Corrected squared distance of each point to the nearest Gaussian, (sample,).

    Parameters
    ----------
    points
        (sample, coordinate).
    n_people, centres, covariances
        How many people each Gaussian is learned from, (cluster,), its centre and covariance.
    """
    d, found = points.shape[1], []
    for n, centre, covariance in zip(n_people, centres, covariances, strict=True):
        if n <= d + 1:  # no covariance is learned from so few; happens in folds only
            continue
        away = points - centre
        squared = (away * np.linalg.solve(covariance, away.T).T).sum(axis=1)
        found.append(squared * n * (n - d) / ((n + 1) * (n - 1)))
    return np.min(found, axis=0)


def mixtures(points: np.ndarray, fold: np.ndarray, seed: int) -> tuple[Gaussians, list[Gaussians]]:
    """The mixture of lowest BIC whose Gaussians have 20 people each, or more; and as many without each fold.

    Parameters
    ----------
    points
        (sample, coordinate).
    fold
        0 to 4, (sample,).
    seed
        Of the starts of EM.
    """
    from sklearn.mixture import GaussianMixture

    centre, spread = points.mean(axis=0), points.std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    scaled = (points - centre) / spread

    def fitted(n: int, rows: np.ndarray) -> "GaussianMixture":
        return GaussianMixture(n, reg_covar=1e-4, n_init=2 if n > 1 else 1, random_state=seed).fit(
            scaled[rows]
        )

    def unscaled(model: "GaussianMixture") -> Gaussians:
        return (
            model.weights_.astype(np.float64),
            model.means_ * spread + centre,
            model.covariances_ * np.outer(spread, spread),
        )

    # A covariance of d coordinates needs more than d people.
    least = max(MIN_CLUSTER, 2 * points.shape[1])
    everyone = np.full(len(points), True)
    best, lowest = fitted(1, everyone), np.inf
    for n in range(1, MAX_CLUSTERS + 1):
        model = fitted(n, everyone)
        if n > 1 and (model.weights_ * len(points)).min() < least:
            continue
        if (found := model.bic(scaled)) < lowest:
            best, lowest = model, found
    others = [unscaled(fitted(best.n_components, fold != number)) for number in range(N_FOLDS)]
    return unscaled(best), others
