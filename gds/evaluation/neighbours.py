"""Figures from nearest neighbours: adversarial accuracy, privacy loss, precision, recall, density, coverage."""

import numpy as np
from scipy.special import ndtri

from gds.errors import UserError
from gds.evaluation.distances import check_alleles, equal_sizes
from gds.evaluation.neighbourhoods import K, Neighbourhoods


def adversarial_accuracy(
    real: np.ndarray,
    synthetic: np.ndarray,
    *,
    seed: int = 0,
    neighbourhoods: Neighbourhoods | None = None,
) -> dict[str, float]:
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
    neighbourhoods
        Comparisons made so far.

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
    compared = neighbourhoods or Neighbourhoods()
    misses_synthetic = compared.between(real, synthetic).nearest > compared.within(real).nearest
    misses_real = compared.between(synthetic, real).nearest > compared.within(synthetic).nearest
    aa_truth, aa_syn = float(misses_synthetic.mean()), float(misses_real.mean())
    return {"aa_truth": aa_truth, "aa_syn": aa_syn, "aats": (aa_truth + aa_syn) / 2, "n": float(len(real))}


def nearest_neighbour_privacy_loss(
    train: np.ndarray,
    test: np.ndarray,
    synthetic: np.ndarray,
    *,
    rows_a_person: int = 1,
    level: float = 0.95,
    seed: int = 0,
    neighbourhoods: Neighbourhoods | None = None,
) -> dict[str, float]:
    """Nearest-neighbour privacy loss: AATS of held-out people minus that of the people trained on.

    About 0 when synthetic people are no nearer to those trained on than to others; up to .5 for copies. The three
    sets are subsampled to the size of the smallest.

    Parameters
    ----------
    train, test, synthetic
        Alleles or dosages, shape (row, variant), of training people, held-out people and synthetic ones.
    rows_a_person
        Consecutive real rows of one person, kept together in the subsampling: 2 for haplotypes.
    level
        Coverage of the interval.
    seed
        Seed of the subsampling.
    neighbourhoods
        Comparisons made so far.

    Returns
    -------
    dict
        ``privacy_loss``, ``lower`` and ``upper``, its standard error ``se``; ``aa_truth_train``, ``aa_syn_train``,
        ``aats_train`` and the same for ``test``; ``n`` rows of each set.

    Notes
    -----
    The loss is a difference of two means over real people of what each contributes: whether its own row misses the
    synthetic ones, and how many synthetic rows find it, the nearest of all real rows, nearer than other synthetic ones.
    People are independent, so ``se`` is that of a difference of means, given the synthetic rows; a person who is the
    nearest of many counts once.
    """
    train, test, synthetic = check_alleles(
        *equal_sizes(train, test, synthetic, seed=seed, rows_a_unit=(rows_a_person, rows_a_person, 1))
    )
    compared = neighbourhoods or Neighbourhoods()
    n = len(synthetic)
    figures: dict[str, float] = {}
    to_synthetic = compared.within(synthetic).nearest
    found = [compared.between(synthetic, people) for people in (train, test)]
    misses = [each.nearest > to_synthetic for each in found]
    influence = []
    for side, (name, people) in enumerate((("train", train), ("test", test))):
        truth = compared.between(people, synthetic).nearest > compared.within(people).nearest
        figures |= {
            f"aa_truth_{name}": float(truth.mean()),
            f"aa_syn_{name}": float(misses[side].mean()),
            f"aats_{name}": float((truth.mean() + misses[side].mean()) / 2),
        }
        # Synthetic rows that this set's people come near to and the other set's people do not.
        is_found = ~misses[side] & misses[1 - side]
        visits = np.bincount(found[side].index[is_found], minlength=len(people)) * (len(people) / n)
        influence.append(by_person((visits - truth) / 2, rows_a_person))
    se = float(np.sqrt(sum(each.var(ddof=1) / len(each) for each in influence)))
    loss = figures["aats_test"] - figures["aats_train"]
    half = ndtri((1 + level) / 2) * se
    return {
        "privacy_loss": loss, "lower": loss - half, "upper": loss + half, "se": se, **figures, "n": float(n)
    }  # fmt: skip


def by_person(values: np.ndarray, rows_a_person: int) -> np.ndarray:
    """Mean of each person's consecutive rows."""
    return np.asarray(values, dtype=np.float64).reshape(-1, rows_a_person).mean(axis=1)


def precision_recall_density_coverage(
    real: np.ndarray,
    synthetic: np.ndarray,
    *,
    k: int = K,
    seed: int = 0,
    neighbourhoods: Neighbourhoods | None = None,
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
    neighbourhoods
        Comparisons made so far, with the same k.

    Returns
    -------
    dict
        ``precision``, ``recall``, ``density``, ``coverage``, and ``n`` rows of each set.

    Notes
    -----
    Naeem et al. 2020, ICML, "Reliable fidelity and diversity metrics for generative models".
    """
    real, synthetic = check_alleles(*equal_sizes(real, synthetic, seed=seed))
    if not 1 <= k < len(real):
        raise UserError(
            f"expected a number of neighbours from 1 to {len(real) - 1} among {len(real)} rows, found {k}"
        )
    # Squares order as distances do, and stay integers.
    compared = neighbourhoods or Neighbourhoods(k)
    if compared.k != k:
        raise UserError(f"the comparisons were made with {compared.k} neighbours, not {k}")
    forth, back = compared.between(real, synthetic), compared.between(synthetic, real)
    assert forth.n_balls is not None
    assert forth.is_covered is not None
    assert back.n_balls is not None
    return {
        "precision": float((back.n_balls > 0).mean()),
        "recall": float((forth.n_balls > 0).mean()),
        "density": float(back.n_balls.mean() / k),
        "coverage": float(forth.is_covered.mean()),
        "n": float(len(real)),
    }
