"""Integer sums against brute force, exact scores against any way to compute them, and the two solvers."""

import numpy as np
import pytest
from small_cohorts import imputed, linked_dosages

from gds.features.components import NEGLIGIBLE, _dense, fix_signs, krylov_components, leading_components
from gds.features.covariance import ImplicitCovariance, MatrixCovariance
from gds.features.engine import Engine
from gds.features.fixed_point import exact_scores, people_product, round_loadings, variants_product
from gds.features.gram import block_moments, integer_product


@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_moments_are_the_integer_sums(engine, missing):
    dosage = linked_dosages(203, 17, missing=missing).T.copy()
    x, m = np.maximum(dosage, 0).astype(np.int64), (dosage < 0).astype(np.int64)
    moments = block_moments(dosage, engine=engine)
    np.testing.assert_array_equal(moments.gram, x @ x.T)
    np.testing.assert_array_equal(moments.sums, x.sum(axis=1))
    np.testing.assert_array_equal(moments.missing, m.sum(axis=1))
    np.testing.assert_array_equal(moments.cross, x @ m[moments.incomplete].T)
    np.testing.assert_array_equal(moments.both_missing, m[moments.incomplete] @ m[moments.incomplete].T)
    counts = np.stack([(dosage == value).sum(axis=1) for value in range(3)], axis=1)
    np.testing.assert_array_equal(moments.genotype_counts, counts)


@pytest.mark.parametrize("missing", [0.0, 0.02, 0.4])
def test_centred_is_the_covariance_of_mean_imputed_dosages(missing):
    dosage = linked_dosages(151, 23, missing=missing, seed=1)
    values = imputed(dosage)
    values -= values.mean(axis=0)
    found = block_moments(dosage.T.copy()).centred()
    np.testing.assert_allclose(found, values.T @ values, atol=1e-11 * len(values))
    np.testing.assert_array_equal(found, found.T)


def test_a_variant_that_nobody_has_a_call_of_is_constant():
    dosage = linked_dosages(50, 4)
    dosage[:, 2] = -1
    moments = block_moments(dosage.T.copy())
    assert moments.mean[2] == 0
    assert not moments.centred()[2].any()


def test_large_products_made_of_tiles_are_whole():
    rows = np.random.default_rng(0).integers(0, 3, (2100, 40), dtype=np.int8)
    expected = rows.astype(np.int64) @ rows.T.astype(np.int64)
    for engine in Engine:
        np.testing.assert_array_equal(integer_product(rows, engine=engine), expected)


@pytest.mark.parametrize("n_samples", [1, 63, 64, 65, 64 * 64 + 3])
def test_bits_of_the_last_word_and_of_every_cached_run_count(n_samples, monkeypatch):
    monkeypatch.setattr("gds.features.popcount._CACHED_WORDS", 1)
    rows = np.random.default_rng(0).integers(0, 3, (9, n_samples), dtype=np.int8)
    rows[0], rows[1] = 2, 1
    expected = rows.astype(np.int64) @ rows.T.astype(np.int64)
    np.testing.assert_array_equal(integer_product(rows, engine=Engine.POPCOUNT), expected)


@pytest.mark.parametrize("missing", [0.0, 0.05])
def test_scores_do_not_depend_on_engine_tiles_or_order(missing, monkeypatch):
    dosage = linked_dosages(300, 40, missing=missing, seed=2).T.copy()
    loadings = round_loadings(np.linalg.qr(np.random.default_rng(0).normal(size=(40, 5)))[0])
    mean = block_moments(dosage).mean
    scores = exact_scores(dosage, loadings, mean)
    monkeypatch.setattr("gds.features.fixed_point._TILE_BYTES", 40 * 8 * 7)
    np.testing.assert_array_equal(exact_scores(dosage, loadings, mean), scores)
    for engine in Engine:
        np.testing.assert_array_equal(exact_scores(dosage, loadings, mean, engine=engine), scores)
    variants = np.random.default_rng(1).permutation(40)
    shuffled = exact_scores(dosage[variants], loadings[variants], mean[variants])
    np.testing.assert_array_equal(shuffled, scores)
    centred = imputed(dosage.T) - mean
    np.testing.assert_allclose(scores, (centred @ loadings.astype(np.float64)).T, atol=1e-6)


@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize("largest", [2**22, 2**25, 2**30])
@pytest.mark.parametrize(("n_variants", "n_samples"), [(2100, 30), (20, 4200)])
def test_products_with_integers_are_exact_whatever_their_size(engine, largest, n_variants, n_samples):
    """The largest dosages and weights, and more terms than one float32 sum may have."""
    rng = np.random.default_rng(0)
    dosage = rng.choice(np.array([0, 2, 2, 2], dtype=np.int8), (n_variants, n_samples))
    people = rng.choice([-1, 1], (n_variants, 3)) * rng.integers(0, largest, (n_variants, 3), endpoint=True)
    people[:, 0] = largest
    product = people_product(dosage, people.astype(np.float64), engine=engine)
    np.testing.assert_array_equal(product, people.T @ dosage.astype(np.int64))
    variants = rng.choice([-1, 1], (3, n_samples)) * rng.integers(0, largest, (3, n_samples), endpoint=True)
    variants[0] = -largest
    product = variants_product(dosage, variants.astype(np.float64), engine=engine)
    np.testing.assert_array_equal(product, dosage.astype(np.int64) @ variants.T)


def test_loadings_of_one_fit_their_digits():
    """An eigenvector of a one-variant block is 1, the largest weight there is."""
    dosage = np.array([[0, 1, 2, -1]], dtype=np.int8)
    for engine in Engine:
        for sign in (1, -1):
            loading = round_loadings(np.array([[float(sign)]]))
            scores = exact_scores(dosage, loading, np.array([1.0]), engine=engine)
            np.testing.assert_array_equal(scores[0], sign * np.array([-1.0, 0.0, 1.0, 0.0]))


@pytest.mark.parametrize("factors", [40, 150])
def test_both_solvers_agree(factors):
    covariance = block_moments(linked_dosages(500, 600, seed=3, factors=factors).T.copy()).centred()
    krylov = krylov_components(lambda vectors: covariance @ vectors, 600, 8)
    assert krylov is not None
    values, vectors = _dense(covariance, 8)
    np.testing.assert_allclose(krylov[0], values, rtol=1e-12)
    np.testing.assert_allclose(np.abs((krylov[1] * vectors).sum(axis=0)), 1, atol=1e-9)


@pytest.mark.parametrize("missing", [0.0, 0.05])
def test_the_implicit_covariance_is_the_matrix(missing):
    dosage = linked_dosages(300, 400, seed=12, missing=missing, factors=60).T.copy()
    matrix = MatrixCovariance(block_moments(dosage))
    implicit = ImplicitCovariance(dosage)
    np.testing.assert_array_equal(implicit.mean, matrix.mean)
    np.testing.assert_array_equal(implicit.genotype_counts, matrix.genotype_counts)
    np.testing.assert_allclose(implicit.variance, matrix.variance, rtol=1e-9)
    vectors = np.random.default_rng(0).normal(size=(400, 3))
    product = implicit.times(vectors)
    np.testing.assert_allclose(product, matrix.matrix @ vectors, atol=1e-7 * np.abs(product).max())
    by_octets = ImplicitCovariance(dosage, engine=Engine.INT8)
    np.testing.assert_array_equal(by_octets.times(vectors), product)
    values, vectors = implicit.leading(8)
    expected_values, expected = matrix.leading(8)
    np.testing.assert_allclose(values, expected_values, rtol=1e-9)
    np.testing.assert_allclose((vectors * expected).sum(axis=0), 1, atol=1e-9)


@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize("varying", [0, 1, 40])
def test_the_variants_that_start_the_search_may_say_little(engine, varying):
    """Those that are looked at first are constant, all but a few."""
    dosage = linked_dosages(120, 400, seed=15, missing=0.02, factors=60).T.copy()
    looked_at = np.arange(0, 400, 400 // 150)
    dosage[looked_at[varying:]] = 1
    values, vectors = ImplicitCovariance(dosage, engine=engine).leading(4)
    expected_values, expected = MatrixCovariance(block_moments(dosage)).leading(4)
    np.testing.assert_allclose(values, expected_values, rtol=1e-8)
    np.testing.assert_allclose(np.abs((vectors * expected).sum(axis=0)), 1, atol=1e-9)


def test_the_implicit_covariance_asks_for_the_matrix_when_products_do_not_suffice():
    dosage = linked_dosages(60, 30, seed=13, missing=0.05).T.copy()
    values, vectors = ImplicitCovariance(dosage).leading(30)
    expected_values, expected = MatrixCovariance(block_moments(dosage)).leading(30)
    np.testing.assert_array_equal(values, expected_values)
    np.testing.assert_array_equal(vectors, expected)
    assert ImplicitCovariance(np.ones((30, 60), dtype=np.int8)).leading(4)[1].shape == (30, 0)


def test_large_block_of_low_rank_leaves_padding():
    """300 copies of each of two variants: two eigenvalues, whichever solver gets there."""
    pair = linked_dosages(400, 2, seed=4)
    covariance = block_moments(np.repeat(pair, 300, axis=1).T.copy()).centred()
    assert krylov_components(lambda vectors: covariance @ vectors, 600, 8) is not None
    values, vectors = leading_components(covariance, 8)
    assert len(values) == 2
    np.testing.assert_allclose(values, np.linalg.eigvalsh(covariance)[::-1][:2], rtol=1e-10)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(2), atol=1e-9)


def test_negligible_eigenvalues_are_left_out():
    covariance = np.diag([1.0, 0.5, NEGLIGIBLE / 10])
    assert len(leading_components(covariance, 3)[0]) == 2
    assert len(leading_components(np.zeros((3, 3)), 3)[0]) == 0


def test_signs_do_not_depend_on_which_of_equal_magnitudes_rounds_up():
    vectors = np.array([[0.1], [-0.7], [0.7]])
    tilted = vectors * np.array([[1], [1], [1 + 1e-15]])
    assert fix_signs(vectors)[1, 0] == 0.7
    assert fix_signs(tilted)[1, 0] == 0.7
    np.testing.assert_array_equal(fix_signs(-vectors), fix_signs(vectors))


@pytest.mark.parametrize("size", [1, 2, 3, 9, 60])
def test_few_eigenpairs_are_those_of_all(size):
    covariance = block_moments(linked_dosages(100, size, seed=14).T.copy()).centred()
    expected, directions = np.linalg.eigh(covariance)
    for n_components in {1, min(8, size), size}:
        values, vectors = _dense(covariance, n_components)
        np.testing.assert_allclose(values, expected[::-1][:n_components], rtol=1e-10)
        np.testing.assert_allclose(
            np.abs((vectors * directions[:, ::-1][:, :n_components]).sum(axis=0)), 1, atol=1e-9
        )
