"""Principal components of people against plink2, numpy, and each other."""

import shutil
import subprocess

import numpy as np
import pytest

from gds.errors import UserError
from gds.genotypes.counts import allele_frequencies, count_genotypes
from gds.genotypes.matrix import Genotypes
from gds.genotypes.pca import fit_pca, prune_for_pca

AUTOSOMAL = np.arange(240)


def complete(cohort: Genotypes) -> np.ndarray:
    """Variants without missing genotypes and with MAF >= 5 %, as the table of eigenvalues has them."""
    dosage = cohort.dosage[:, :240]
    p = allele_frequencies(count_genotypes(dosage))
    return np.flatnonzero((dosage >= 0).all(axis=0) & (np.minimum(p, 1 - p) >= 0.05))


def test_eigenvalues_equal_plink2(plink_cohort, plink_table):
    pca = fit_pca(plink_cohort, variants=complete(plink_cohort), n_components=6)
    np.testing.assert_allclose(pca.eigenvalues, plink_table("x.eigenval", header=None)[0], rtol=6e-6)


@pytest.mark.parametrize("n_people", [80, 25])
def test_scores_are_those_of_a_singular_value_decomposition(plink_cohort, n_people):
    """With more variants than people, and with fewer."""
    variants = complete(plink_cohort)[:: 1 if n_people == 80 else 2][:60]
    people = np.arange(n_people)
    pca = fit_pca(plink_cohort, people, variants, n_components=4)
    x = plink_cohort.dosage[:n_people][:, pca.variants.index]
    p = x.mean(axis=0) / 2
    z = (x - 2 * p) / np.sqrt(2 * p * (1 - p)) / np.sqrt(len(p))
    u, s, _ = np.linalg.svd(z, full_matrices=False)
    np.testing.assert_allclose(pca.eigenvalues, s[:4] ** 2)
    np.testing.assert_allclose(pca.total_variance, (s**2).sum())
    np.testing.assert_allclose(np.abs(pca.project(plink_cohort, people)), np.abs(u[:, :4] * s[:4]), atol=1e-8)


def test_populations_separate_and_others_are_projected_among_them(plink_cohort):
    population = np.arange(80) >= 30
    pruned = prune_for_pca(plink_cohort, window="20kb")
    fitted, others = np.arange(0, 60, 2), np.arange(1, 60, 2)
    pca = fit_pca(plink_cohort, fitted, pruned, n_components=2)
    side = pca.project(plink_cohort, others)[:, 0] > 0
    assert max((side == population[others]).mean(), (side != population[others]).mean()) == 1


def test_people_outside_the_fit_change_nothing(plink_cohort):
    people = np.arange(0, 80, 2)
    first = fit_pca(plink_cohort, people, n_components=3)
    other = Genotypes(plink_cohort.dosage.copy(), plink_cohort.samples, plink_cohort.variants, None)
    other.dosage[1::2] = 0
    second = fit_pca(other, people, n_components=3)
    np.testing.assert_array_equal(first.loadings, second.loadings)
    np.testing.assert_array_equal(first.project(plink_cohort, people), second.project(other, people))


def test_only_common_autosomal_variants_are_pruned_from(plink_cohort):
    pruned = prune_for_pca(plink_cohort, window="20kb", min_frequency=0.1)
    assert pruned.max() < 240
    p = allele_frequencies(count_genotypes(plink_cohort.dosage[:, pruned]))
    assert np.minimum(p, 1 - p).min() >= 0.1


def test_mistakes_are_explained(plink_cohort):
    with pytest.raises(UserError, match=r"20 principal components need more people .*10 people"):
        fit_pca(plink_cohort, np.arange(10), AUTOSOMAL, n_components=20)
    pca = fit_pca(plink_cohort, n_components=2)
    swapped = plink_cohort.variants.rename(
        columns={"effect_allele": "other_allele", "other_allele": "effect_allele"}
    )
    with pytest.raises(UserError, match="other alleles"):
        pca.project(Genotypes(plink_cohort.dosage, plink_cohort.samples, swapped, None))


@pytest.mark.shared_data
@pytest.mark.skipif(shutil.which("plink2") is None, reason="plink2 is not installed")
def test_real_eigenvalues_against_the_program(shared_data, tmp_path):
    from gds.genotypes import open_genotypes

    path = shared_data / "kg_phase1" / "kg_phase1"
    g = open_genotypes(f"{path}.bed")
    people = np.arange(300)
    keep = "\n".join(f"{person}\t{person}" for person in g.samples["id"].iloc[people])
    (tmp_path / "keep").write_text(keep + "\n")
    subprocess.run(
        [
            "plink2", "--bfile", path, "--keep", tmp_path / "keep", "--maf", "0.05", "--pca", "5",
            "--out", tmp_path / "p",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    pca = fit_pca(g, people, np.arange(len(g.variants)), n_components=5, min_frequency=0.05)
    np.testing.assert_allclose(pca.eigenvalues, np.loadtxt(tmp_path / "p.eigenval"), rtol=1e-5)
