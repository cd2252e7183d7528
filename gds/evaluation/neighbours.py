"""Figures from nearest neighbours: adversarial accuracy, privacy loss, precision, recall, density, coverage."""

import numpy as np

from gds.errors import UserError
from gds.evaluation.distances import (
    check_alleles,
    distance_blocks,
    equal_sizes,
    kth_neighbour_distance,
    nearest_both_ways,
    nearest_neighbours,
)


def adversarial_accuracy(real: np.ndarray, synthetic: np.ndarray, *, seed: int = 0) -> dict[str, float]:
    """Nearest-neighbour adversarial accuracy (AATS), always with both of its parts.

    aa_truth = mean[ d(real_i, nearest synthetic) > d(real_i, nearest other real) ],
    aa_syn = mean[ d(synthetic_i, nearest real) > d(synthetic_i, nearest other synthetic) ],
    aats = (aa_truth + aa_syn) / 2, with city-block distances, a strict > and exact copies counted.

    All three are about .5 for two samples of one population (ties make it a little less). A generator that has
    collapsed on a few kinds of people has a low aa_truth and a high aa_syn, and possibly an aats of .5; one that
    copies has both near 0.

    Parameters
    ----------
    real, synthetic
        Alleles or dosages, shape (row, variant), at least two rows each; the larger set is subsampled at random
        to the size of the smaller.
    seed
        Seed of the subsampling.

    Returns
    -------
    dict
        ``aa_truth``, ``aa_syn``, ``aats`` and ``n``, the rows of each set that were compared.

    Notes
    -----
    Yale et al. 2020, Neurocomputing 416:244; Yelmen et al. 2021, PLoS Genetics 17:e1009303.
    """
    real, synthetic = check_alleles(*equal_sizes(real, synthetic, seed=seed))
    if len(real) < 2:
        raise UserError("adversarial accuracy needs at least two real and two synthetic rows")
    real_to_synthetic, synthetic_to_real = nearest_both_ways(real, synthetic)
    aa_truth = float((real_to_synthetic > nearest_neighbours(real)[0]).mean())
    aa_syn = float((synthetic_to_real > nearest_neighbours(synthetic)[0]).mean())
    return {"aa_truth": aa_truth, "aa_syn": aa_syn, "aats": (aa_truth + aa_syn) / 2, "n": float(len(real))}


def nearest_neighbour_privacy_loss(
    train: np.ndarray, test: np.ndarray, synthetic: np.ndarray, *, seed: int = 0
) -> dict[str, float]:
    """Nearest-neighbour privacy loss: AATS of held-out people minus that of the people trained on.

    About 0 when synthetic people are no nearer to those trained on than to others; up to .5 for copies. The three
    sets are subsampled to the size of the smallest.

    Parameters
    ----------
    train, test, synthetic
        Alleles or dosages, shape (row, variant), of training people, held-out people and synthetic ones.
    seed
        Seed of the subsampling.

    Returns
    -------
    dict
        ``privacy_loss``; its standard error ``se`` (rows taken as independent); ``aa_truth_train``, ``aa_syn_train``,
        ``aats_train`` and the same for ``test``; ``n`` rows of each set.
    """
    train, test, synthetic = equal_sizes(train, test, synthetic, seed=seed)
    figures: dict[str, float] = {}
    variance = 0.0
    for name, people in (("train", train), ("test", test)):
        found = adversarial_accuracy(people, synthetic)
        parts = found["aa_truth"], found["aa_syn"]
        variance += sum(part * (1 - part) for part in parts) / (4 * found["n"])
        figures |= {f"{key}_{name}": found[key] for key in ("aa_truth", "aa_syn", "aats")}
    return {
        "privacy_loss": figures["aats_test"] - figures["aats_train"],
        "se": float(np.sqrt(variance)),
        **figures,
        "n": float(len(train)),
    }


def precision_recall_density_coverage(
    real: np.ndarray, synthetic: np.ndarray, *, k: int = 5, seed: int = 0
) -> dict[str, float]:
    """PRDC: are synthetic people plausible (precision, density) and various (recall, coverage)?

    With balls round each row that reach to its k-th neighbour in its own set: ``precision`` is the share of
    synthetic rows within a real ball, ``density`` their mean number of real balls divided by k, ``recall`` the
    share of real rows within a synthetic ball, ``coverage`` the share of real balls that hold a synthetic row.
    Euclidean distances, itself excluded, strictly inside.

    Parameters
    ----------
    real, synthetic
        Alleles or dosages, shape (row, variant); the larger set is subsampled to the size of the smaller.
    k
        Neighbours that a ball reaches to.
    seed
        Seed of the subsampling.

    Returns
    -------
    dict
        ``precision``, ``recall``, ``density``, ``coverage``, and ``n`` rows of each set.

    Notes
    -----
    Naeem et al. 2020, ICML, "Reliable fidelity and diversity metrics for generative models".
    """
    real, synthetic = check_alleles(*equal_sizes(real, synthetic, seed=seed))
    # Squares order as distances do, and stay integers.
    real_radius = kth_neighbour_distance(real, k, "squared_euclidean")
    synthetic_radius = kth_neighbour_distance(synthetic, k, "squared_euclidean")
    n_balls = np.zeros(len(synthetic), dtype=np.int64)
    recalled, covered = np.zeros(len(real), dtype=bool), np.zeros(len(real), dtype=bool)
    for rows, columns, squares in distance_blocks(real, synthetic, "squared_euclidean"):
        in_real_ball = squares < real_radius[rows, None]
        n_balls[columns] += in_real_ball.sum(axis=0)
        covered[rows] |= in_real_ball.any(axis=1)
        recalled[rows] |= (squares < synthetic_radius[columns]).any(axis=1)
    return {
        "precision": float((n_balls > 0).mean()),
        "recall": float(recalled.mean()),
        "density": float(n_balls.mean() / k),
        "coverage": float(covered.mean()),
        "n": float(len(real)),
    }
