import numpy as np
import pytest
from sklearn.decomposition import PCA

from gds.errors import UserError
from gds.evaluation.fidelity import (
    allele_frequency_agreement,
    heterozygosity_agreement,
    nearest_kinship,
    principal_component_distance,
)


def test_allele_frequencies_by_hand():
    real = np.array([[0, 1, 2, 0], [2, 1, 2, 1]])
    synthetic = np.array([[0, 2, 2, 1], [0, 2, 1, 1], [0, 2, 2, 1]])
    found = allele_frequency_agreement(real, synthetic)
    p, q = np.array([1 / 2, 1 / 2, 1, 1 / 4]), np.array([0, 1, 5 / 6, 1 / 2])
    assert found["r"] == pytest.approx(np.corrcoef(p, q)[0, 1])
    assert found["rmse"] == pytest.approx(np.sqrt(((p - q) ** 2).mean()))
    assert (found["lost"], found["fixed"], found["n_polymorphic"]) == (1, 1, 3)
    with pytest.raises(UserError, match="ploidy"):
        allele_frequency_agreement(real, synthetic, ploidy=1)


def test_heterozygosity():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.1, 0.9, 300)
    random_mating = rng.binomial(2, p, (400, 300))
    inbred = 2 * rng.binomial(1, p, (400, 300))
    found = heterozygosity_agreement(random_mating, inbred)
    assert found["inbreeding_real"] == pytest.approx(0, abs=0.01)
    assert found["inbreeding_synthetic"] == pytest.approx(1)
    same = heterozygosity_agreement(random_mating, random_mating)
    assert (same["rmse"], same["r"]) == (0, pytest.approx(1))


@pytest.mark.parametrize("n_variants", [12, 90])
def test_components_are_those_of_scikit_learn(n_variants):
    rng = np.random.default_rng(1)
    real, synthetic = (rng.binomial(2, 0.3 + 0.4 * rng.random((40, 1)), (40, n_variants)) for _ in range(2))
    figures, scores, others = principal_component_distance(real, synthetic, n_components=3)
    pca = PCA(3, svd_solver="full").fit(real)
    scale = pca.transform(real).std(axis=0)
    assert np.abs(scores) == pytest.approx(np.abs(pca.transform(real) / scale), abs=1e-3)
    assert np.abs(others) == pytest.approx(np.abs(pca.transform(synthetic) / scale), abs=1e-3)
    assert figures["wasserstein"] == pytest.approx(np.mean([figures[f"wasserstein_{i}"] for i in (1, 2, 3)]))
    assert principal_component_distance(real, real)[0]["wasserstein"] == 0


def test_a_shift_moves_the_wasserstein_distance_by_itself():
    real = np.array([[0], [1], [0], [1]])
    figures, _, _ = principal_component_distance(real, np.ones((3, 1), dtype=int))
    # Scores -1, 1 of equal weight against 1: half of the mass moves by 2 standard deviations.
    assert figures["wasserstein_1"] == pytest.approx(1)


def test_kinship_of_copies_children_and_strangers():
    rng = np.random.default_rng(2)
    haplotypes = rng.binomial(1, rng.uniform(0.2, 0.8, 20_000), (8, 20_000))
    mother, father = haplotypes[0] + haplotypes[1], haplotypes[2] + haplotypes[3]
    child = haplotypes[0] + haplotypes[2]
    stranger = haplotypes[4] + haplotypes[5]
    found = nearest_kinship(np.stack([mother, child, stranger]), np.stack([mother, father]))
    assert found == pytest.approx([0.5, 0.25, 0], abs=0.03)
    assert nearest_kinship(np.stack([mother, father, child, child])) == pytest.approx(
        [0.25, 0.25, 0.5, 0.5], abs=0.03
    )
