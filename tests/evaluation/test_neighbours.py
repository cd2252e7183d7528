import numpy as np
import pytest
from scipy.spatial.distance import cdist

from gds.evaluation.neighbours import (
    adversarial_accuracy,
    nearest_neighbour_privacy_loss,
    precision_recall_density_coverage,
)


@pytest.fixture
def three_sets():
    rng = np.random.default_rng(3)
    return [rng.integers(0, 3, (60, 200)).astype(np.int8) for _ in range(3)]


def test_adversarial_accuracy_by_hand():
    # Real people at 0, 1, 5 and synthetic ones at 0, 2, 9 on a line of ten alleles.
    line = np.tri(11, 10, -1, dtype=np.int8)
    real, synthetic = line[[0, 1, 5]], line[[0, 2, 9]]
    # To the nearest synthetic 0, 1, 3; to the nearest other real 1, 1, 4: never strictly farther.
    # To the nearest real 0, 1, 4; to the nearest other synthetic 2, 2, 7.
    found = adversarial_accuracy(real, synthetic)
    assert found == {"aa_truth": 0, "aa_syn": 0, "aats": 0, "n": 3}
    # Synthetic people at 8, 9, 10: to real ones 3, 4, 5 against 1; real ones 8, 7, 3 against 1, 1, 4.
    found = adversarial_accuracy(real, line[[8, 9, 10]])
    assert found["aa_truth"] == pytest.approx(2 / 3)
    assert found["aa_syn"] == 1


def test_identical_sets_and_half_copies(three_sets):
    train, other, _ = three_sets
    assert adversarial_accuracy(train, train)["aats"] == 0
    honest = adversarial_accuracy(train, other)
    half = np.concatenate([train[:30], other[:30]])
    copied = adversarial_accuracy(train, half)
    # A copied person has an exact copy at distance 0, never strictly farther than the nearest other.
    assert copied["aa_truth"] <= 0.5
    assert copied["aa_syn"] <= 0.5
    assert honest["aats"] - copied["aats"] > 0.15


def test_collapse_has_two_bad_components_and_a_fine_average():
    rng = np.random.default_rng(1)
    people = rng.integers(0, 2, (200, 60))
    # The most average person, and copies of it with two alleles changed.
    synthetic = np.tile((people.mean(axis=0) > 0.5).astype(np.int8), (200, 1))
    for row in synthetic:
        row[rng.choice(60, 2, replace=False)] ^= 1
    found = adversarial_accuracy(people, synthetic)
    assert found["aa_truth"] > 0.5 or found["aa_syn"] < 0.05
    assert found["aats"] == (found["aa_truth"] + found["aa_syn"]) / 2


def test_unequal_sizes_are_subsampled_by_seed(three_sets):
    real, synthetic, _ = three_sets
    found = adversarial_accuracy(real, synthetic[:25], seed=4)
    assert found["n"] == 25
    assert found == adversarial_accuracy(real, synthetic[:25], seed=4)
    chosen = np.sort(np.random.default_rng(4).choice(60, 25, replace=False))
    assert found == adversarial_accuracy(real[chosen], synthetic[:25])


def test_privacy_loss_sees_copies(three_sets):
    train, test, other = three_sets
    honest = nearest_neighbour_privacy_loss(train, test, other)
    assert abs(honest["privacy_loss"]) < 3 * honest["se"]
    half = nearest_neighbour_privacy_loss(train, test, np.concatenate([train[:30], other[:30]]))
    assert half["privacy_loss"] > 3 * half["se"]
    all_copied = nearest_neighbour_privacy_loss(train, test, train)
    assert all_copied["aats_train"] == 0
    assert all_copied["privacy_loss"] == all_copied["aats_test"]


def test_prdc_is_the_reference_definition(three_sets):
    real, synthetic, _ = three_sets
    synthetic = np.concatenate([synthetic[:40], real[:20]])
    found = precision_recall_density_coverage(real, synthetic, k=3)
    distance = cdist(real, synthetic)
    radius, other_radius = (np.sort(cdist(x, x), axis=1)[:, 3] for x in (real, synthetic))
    inside = distance < radius[:, None]
    assert found["precision"] == inside.any(axis=0).mean()
    assert found["recall"] == (distance < other_radius).any(axis=1).mean()
    assert found["density"] == pytest.approx(inside.sum(axis=0).mean() / 3)
    assert found["coverage"] == (distance.min(axis=1) < radius).mean()
    identical = precision_recall_density_coverage(real, real, k=3)
    assert (identical["precision"], identical["recall"], identical["coverage"]) == (1, 1, 1)


def test_prdc_by_hand():
    line = np.tri(11, 10, -1, dtype=np.int8)
    # Squared distances on this line are its distances. k = 1: real balls 0 +- 1, 1 +- 1, 5 +- 4.
    found = precision_recall_density_coverage(line[[0, 1, 5]], line[[2, 4, 10]], k=1)
    # 2 and 4 lie in the ball of 5 only (1 - 2 is not strictly inside), 10 in none.
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["density"] == pytest.approx(2 / 3)
    assert found["coverage"] == pytest.approx(1 / 3)
    # Synthetic balls 2 +- 2, 4 +- 2, 10 +- 6 hold 1 and 5.
    assert found["recall"] == pytest.approx(2 / 3)
