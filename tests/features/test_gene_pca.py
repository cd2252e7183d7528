"""GenePCA against scikit-learn in float64, and the promises it makes to the last bit."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA
from small_cohorts import blocks_of, cohort, consecutive_blocks, imputed, linked_dosages

from gds.errors import UserError
from gds.features import GenePCA
from gds.features.engine import Engine
from gds.features.thresholds import apply_cut_points, fit_cut_points

SIZES = (1, 3, 30, 7, 64, 12)


@pytest.fixture(scope="module")
def people():
    return cohort(linked_dosages(260, sum(SIZES), missing=0.03, seed=5))


@pytest.fixture(scope="module")
def blocks():
    return consecutive_blocks(*SIZES)


@pytest.fixture(scope="module")
def training():
    return np.sort(np.random.default_rng(0).permutation(260)[:180])


@pytest.fixture(scope="module")
def pca(people, blocks, training):
    return GenePCA(8).fit(people, blocks, training)


def assert_same_components(scores: np.ndarray, oracle: PCA, oracle_scores: np.ndarray) -> None:
    """|corr| = 1 for separated eigenvalues; otherwise the leading subspaces are the same."""
    values = oracle.explained_variance_
    k = scores.shape[1]
    gaps = np.minimum(
        np.append(np.inf, values[:-1] - values[1:])[:k], (values - np.append(values[1:], 0))[:k]
    )
    separated = gaps > 1e-3 * values[0]
    for c in np.flatnonzero(separated):
        assert abs(np.corrcoef(scores[:, c], oracle_scores[:, c])[0, 1]) > 1 - 1e-6
    if k < len(values) and values[k - 1] - values[k] > 1e-3 * values[0]:
        assert subspace_angles(scores, oracle_scores[:, :k]).max() < 1e-4
    assert separated.any()


@pytest.mark.parametrize("missing", [0.0, 0.05])
@pytest.mark.parametrize("size", [9, 70, 250, 800, 1300])
def test_scores_and_variances_are_those_of_scikit_learn(size, missing):
    dosage = linked_dosages(500, size, missing=missing, seed=size)
    training = np.arange(400)
    values = imputed(dosage, training)
    oracle = PCA(svd_solver="full").fit(values[training])
    pca = GenePCA(8).fit(cohort(dosage), consecutive_blocks(size), training)
    scores = pca.transform(cohort(dosage))[:, 0].astype(np.float64)
    assert_same_components(scores, oracle, oracle.transform(values))
    np.testing.assert_allclose(
        pca.explained_variance_ratio_[0], oracle.explained_variance_ratio_[:8], rtol=1e-9
    )
    deviation = np.sqrt(oracle.explained_variance_[:8] * 399 / 400)
    np.testing.assert_allclose(pca.scale_[0], deviation, rtol=1e-6)


def test_unit_variance_over_training_people_and_padding_zero(people, training, pca):
    scores = pca.transform(people)
    assert scores.dtype == np.float32
    assert scores.shape == (260, len(SIZES), 8)
    valid = ~pca.is_padding_
    np.testing.assert_array_equal(valid.sum(axis=1), np.minimum(SIZES, 8))
    assert not scores[:, ~valid].any()
    np.testing.assert_allclose(scores[training].astype(np.float64).std(axis=0)[valid], 1, atol=1e-6)
    np.testing.assert_allclose(scores[training].mean(axis=0), 0, atol=1e-6)


def test_test_people_leave_every_fitted_byte_as_it_is(people, blocks, training, pca, tmp_path):
    dosage = people.dosage.copy()
    others = np.setdiff1d(np.arange(260), training)
    dosage[others] = np.random.default_rng(1).integers(-1, 3, dosage[others].shape)
    GenePCA(8).fit(cohort(dosage), blocks, training).save_pretrained(tmp_path / "changed")
    pca.save_pretrained(tmp_path / "first")
    for name in ("preprocessor_config.json", "preprocessor.safetensors"):
        assert (tmp_path / "changed" / name).read_bytes() == (tmp_path / "first" / name).read_bytes()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edges=st.sets(st.integers(1, len(SIZES) - 1)),
    read_bytes=st.integers(1, 40_000),
    n_jobs=st.integers(1, 3),
    engine=st.sampled_from(Engine),
)
def test_any_sharding_block_size_and_thread_count_give_the_same_bytes(
    people, blocks, training, pca, monkeypatch, edges, read_bytes, n_jobs, engine
):
    monkeypatch.setattr("gds.features.streaming._READ_BYTES", read_bytes)
    monkeypatch.setattr("gds.features.gene_pca.fastest_engine", lambda work: engine)
    limits = [0, *sorted(edges), len(SIZES)]
    again = GenePCA(8)
    shards = [
        again.fit_range(people, blocks, training, start=start, stop=stop, n_jobs=n_jobs)
        for start, stop in pairwise(limits)
    ]
    again.combine(people, blocks, shards[::-1])
    assert again.fingerprint() == pca.fingerprint()
    np.testing.assert_array_equal(
        again.transform(people, n_jobs=n_jobs).view(np.int32), pca.transform(people).view(np.int32)
    )


def test_scores_of_a_person_do_not_depend_on_the_company(people, pca):
    whole = pca.transform(people)
    some = np.array([200, 3, 77])
    np.testing.assert_array_equal(pca.transform(people, some), whole[some])
    mask = np.zeros(260, dtype=bool)
    mask[some] = True
    np.testing.assert_array_equal(pca.transform(people, mask), whole[np.sort(some)])


def test_another_cohort_may_have_more_variants_in_another_order(people, pca):
    order = np.random.default_rng(2).permutation(people.dosage.shape[1])
    shuffled = cohort(people.dosage[:, order])
    shuffled.variants = people.variants.iloc[order].reset_index(drop=True)
    np.testing.assert_array_equal(pca.transform(shuffled), pca.transform(people))


def test_a_variant_that_is_not_there_is_the_users_error(people, pca):
    other = cohort(people.dosage)
    other.variants = people.variants.assign(effect_allele="T")
    with pytest.raises(UserError):
        pca.transform(other)


def test_scores_may_be_written_where_the_caller_wants_them(people, pca, tmp_path):
    out = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float16, (260, len(SIZES), 8))
    assert pca.transform(people, out=out) is out
    np.testing.assert_array_equal(out, pca.transform(people).astype(np.float16))


def test_variants_outside_blocks_are_not_kept(people, training):
    blocks = blocks_of([np.arange(5, 15), np.arange(10, 30)])
    pca = GenePCA(4).fit(people, blocks, training)
    assert list(pca.variants_["id"]) == [f"rs{j}" for j in range(5, 30)]
    calls = np.where(people.dosage < 0, np.nan, people.dosage)[training, 5:30]
    np.testing.assert_allclose(pca.allele_frequency_, np.nanmean(calls, axis=0) / 2, rtol=1e-12)


def test_all_components_give_the_dosages_back_for_anyone():
    dosage = linked_dosages(300, 40, seed=6, factors=20)
    training = np.arange(200)
    pca = GenePCA(25).fit(cohort(dosage), consecutive_blocks(25, 15), training)
    scores = pca.transform(cohort(dosage))
    for rounding in ("threshold", "nearest"):
        np.testing.assert_array_equal(pca.inverse_transform(scores, rounding=rounding), dosage)
    np.testing.assert_allclose(pca.inverse_transform(scores, rounding="none"), dosage, atol=1e-4)
    np.testing.assert_allclose(pca.expected_r2_, 1, atol=1e-6)


def test_expected_r2_is_the_squared_correlation_in_training_people():
    dosage = linked_dosages(300, 40, seed=7)
    people = cohort(dosage)
    pca = GenePCA(3).fit(people, consecutive_blocks(40))
    continuous = pca.inverse_transform(pca.transform(people), rounding="none")
    found = [np.corrcoef(dosage[:, j], continuous[:, j])[0, 1] ** 2 for j in range(40)]
    np.testing.assert_allclose(pca.expected_r2_, found, atol=1e-4)
    np.testing.assert_allclose(pca.report_["reconstruction_r2"], np.mean(found), atol=1e-4)


def test_cut_points_keep_genotype_frequencies_where_rounding_loses_carriers():
    dosage = linked_dosages(600, 64, seed=8, missing=0.02)
    dosage[:, 30] = np.random.default_rng(0).random(600) < 0.03
    people = cohort(dosage)
    pca = GenePCA(4).fit(people, consecutive_blocks(64))
    scores = pca.transform(people)
    assert not (pca.inverse_transform(scores, rounding="nearest")[:, 30] > 0).any()
    back = pca.inverse_transform(scores)
    for genotype in range(3):
        expected = ((dosage == genotype) & (dosage >= 0)).sum(axis=0)
        found = ((back == genotype) & (dosage >= 0)).sum(axis=0)
        np.testing.assert_allclose(found, expected, atol=3)


def test_without_cut_points_everything_else_is_the_same(people, blocks, training, pca):
    plain = GenePCA(8, cut_points=False).fit(people, blocks, training)
    np.testing.assert_array_equal(plain.loadings_, pca.loadings_)
    scores = plain.transform(people)
    np.testing.assert_array_equal(scores, pca.transform(people))
    nearest = pca.inverse_transform(scores, rounding="nearest")
    np.testing.assert_array_equal(plain.inverse_transform(scores, rounding="nearest"), nearest)
    with pytest.raises(UserError, match="without cut points"):
        plain.inverse_transform(scores)


def test_a_variant_of_two_blocks_comes_back_from_the_better_one():
    dosage = linked_dosages(300, 30, seed=9)
    people = cohort(dosage)
    overlapping = blocks_of([np.arange(0, 20), np.arange(18, 30), np.array([19])])
    pca = GenePCA(2).fit(people, overlapping)
    back = pca.inverse_transform(pca.transform(people))
    np.testing.assert_array_equal(back[:, 19], dosage[:, 19])  # alone in its block: exact
    better = 18 if pca.expected_r2_[18] >= pca.expected_r2_[20] else 20
    continuous = pca.inverse_transform(pca.transform(people), rounding="none")[:, 18]
    assert np.corrcoef(continuous, dosage[:, 18])[0, 1] ** 2 == pytest.approx(
        pca.expected_r2_[better], abs=1e-4
    )


def test_constant_rank_deficient_one_variant_and_uncalled_blocks():
    dosage = linked_dosages(100, 20, seed=10)
    dosage[:, 0:4] = 1  # constant
    dosage[:, 4:8] = dosage[:, 4:5]  # rank one
    dosage[:, 9:12] = -1  # nobody called
    people = cohort(dosage)
    pca = GenePCA(3).fit(people, consecutive_blocks(4, 4, 1, 3, 8))
    np.testing.assert_array_equal((~pca.is_padding_).sum(axis=1), [0, 1, 1, 0, 3])
    scores = pca.transform(people)
    assert np.isfinite(scores).all()
    back = pca.inverse_transform(scores)
    np.testing.assert_array_equal(back[:, :9], dosage[:, :9])
    assert not back[:, 9:12].any()
    assert np.isfinite(pca.report_.select_dtypes("number").to_numpy()).all()


def test_more_variants_than_people():
    dosage = linked_dosages(12, 60, seed=11, factors=50)
    pca = GenePCA(20).fit(cohort(dosage), consecutive_blocks(60))
    assert (~pca.is_padding_).sum() <= 11
    np.testing.assert_array_equal(pca.inverse_transform(pca.transform(cohort(dosage))), dosage)


def test_components_by_need(people, blocks, training):
    reference = GenePCA("reference").fit(people, blocks, training)
    np.testing.assert_array_equal(reference.report_["components"], [1, 1, 8, 4, 8, 4])
    assert reference.n_channels == 8
    share = GenePCA(0.9).fit(people, blocks, training)
    fewer = GenePCA(int(share.report_["components"].max())).fit(people, blocks, training)
    assert (share.report_["explained_variance"] >= 0.9).all()
    # One component less would not have been enough.
    last = share.explained_variance_ratio_[np.arange(len(SIZES)), share.report_["components"] - 1]
    assert (share.report_["explained_variance"] - last < 0.9).all()
    kept = ~share.is_padding_
    np.testing.assert_array_equal(share.scale_[kept], fewer.scale_[kept])
    assert GenePCA(0.99, max_components=2).fit(people, blocks, training).n_channels == 2


@pytest.mark.parametrize("bad", [0, -1, 1.5, "all"])
def test_impossible_numbers_of_components(bad):
    with pytest.raises(UserError, match="n_components"):
        GenePCA(bad)


def test_a_block_beyond_the_memory_bound_is_named(people, blocks):
    with pytest.raises(UserError, match=r"'GENE4' of 64 variants .* max_variants"):
        GenePCA(2).fit(people, blocks, max_memory=150_000)


def test_what_is_no_dosage_is_named(blocks):
    dosage = linked_dosages(30, sum(SIZES))
    dosage[7, 20] = 3
    with pytest.raises(UserError, match="found 3 at sample P0007, variant rs20"):
        GenePCA(2).fit(cohort(dosage), blocks)


def test_incomplete_or_repeated_ranges_are_refused(people, blocks, training):
    pca = GenePCA(2)
    first = pca.fit_range(people, blocks, training, start=0, stop=3)
    with pytest.raises(UserError, match="cover blocks 0-6"):
        pca.combine(people, blocks, [first])
    with pytest.raises(UserError, match="listed twice"):
        pca.fit(people, blocks, np.array([1, 1, 2]))


def test_cut_points_part_no_group_of_equal_reconstructions():
    reconstruction = np.array([[0.0, 0.2, 0.2, 0.2, 0.9], [0.1, 0.2, 0.3, 0.4, np.inf]], dtype=np.float32)
    cuts = fit_cut_points(reconstruction.copy(), np.array([[2, 3, 0], [1, 2, 1]]))
    dosage = apply_cut_points(reconstruction.T, cuts).T
    np.testing.assert_array_equal(dosage[0], [0, 1, 1, 1, 1])
    np.testing.assert_array_equal(dosage[1][:4], [0, 1, 1, 2])


def test_some_training_people_stand_for_all_in_the_cut_points(monkeypatch):
    dosage = linked_dosages(6000, 40, seed=12, missing=0.02)
    people = cohort(dosage)
    pca = GenePCA(4).fit(people, consecutive_blocks(40))
    monkeypatch.setattr("gds.features.thresholds._CUT_POINT_PEOPLE", 10_000)
    everyone = GenePCA(4).fit(people, consecutive_blocks(40))
    np.testing.assert_allclose(pca.cut_points_, everyone.cut_points_, atol=0.1)
    back = pca.inverse_transform(pca.transform(people))
    called = dosage >= 0
    for genotype in range(3):
        expected = ((dosage == genotype) & called).sum(axis=0)
        found = ((back == genotype) & called).sum(axis=0)
        # Of the 4,096 people as many as among all 6,000, and of the others as many as chance has it.
        assert (abs(found - expected) <= 4 * np.sqrt(expected + 1) + 3).all()
        assert found.sum() == pytest.approx(expected.sum(), rel=0.02)


def test_real_genotypes_of_held_out_people_come_back(shared_data):
    from gds.genotypes import assign_blocks, read_genotypes

    people = read_genotypes(shared_data / "kg_chr22" / "kg_chr22.bed")
    order = np.random.default_rng(0).permutation(len(people.samples))
    training, held_out = np.sort(order[:2003]), np.sort(order[2003:])
    pca = GenePCA(8).fit(people, assign_blocks(people.variants, "window:64"), training)
    truth = people.dosage[held_out]
    back = pca.inverse_transform(pca.transform(people, held_out))
    major = np.where(pca.allele_frequency_ > 0.5, 2, 0)
    rare = np.minimum(pca.allele_frequency_, 1 - pca.allele_frequency_) < 0.05
    carriers = [(dosage != major)[:, rare].sum() for dosage in (back, truth)]
    assert (back == truth).mean() >= 0.975
    assert (back == truth)[truth != major].mean() >= 0.90
    assert 0.95 <= carriers[0] / carriers[1] <= 1.05
