"""Joint effects from marginal ones: LDpred-inf is ridge regression and lassosum the lasso on the people behind them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Lasso, Ridge

from gds.classifiers.polygenic.effect_shrinkage import (
    heritability_from_z,
    implied_sample_size,
    lassosum,
    ldpred_inf,
    marginal_effects,
)
from gds.errors import UserError
from gds.genotypes.ld import squared_correlation
from gds.genotypes.ld_reference import LDBlock, ld_reference
from gds.genotypes.matrix import Genotypes
from tests.cohorts import tiny_genotypes


def study(n: int = 300, m: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardised linked variables (sample, variant), a standardised trait, and marginal effects."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, m)) + np.repeat(rng.normal(size=(n, m // 4)), 4, axis=1)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    y = x[:, :3] @ [0.4, -0.3, 0.2] + rng.normal(size=n)
    y = (y - y.mean()) / y.std()
    return x, y, x.T @ y / n


def one_block(x: np.ndarray) -> list[LDBlock]:
    return [LDBlock(np.arange(x.shape[1]), x.T @ x / len(x), len(x))]


def test_ldpred_inf_is_ridge_regression_on_the_people_of_the_study():
    x, y, r = study()
    n, m = x.shape
    found = ldpred_inf(r, np.full(m, n), one_block(x), heritability=0.3)
    np.testing.assert_allclose(found, Ridge(alpha=m / 0.3, fit_intercept=False).fit(x, y).coef_, atol=1e-10)
    closed = np.linalg.solve(x.T @ x / n + np.eye(m) * m / (n * 0.3), r)
    np.testing.assert_allclose(found, closed, atol=1e-12)


def test_lassosum_is_the_lasso_on_the_people_of_the_study():
    """(1 - s) R + s I is the correlation of the people and of m more who each carry one variable."""
    x, y, r = study()
    n, m = x.shape
    penalties, s = (0.02, 0.3, 0.1), 0.4
    found = lassosum(r, one_block(x), penalties, s)
    rows = np.concatenate([np.sqrt((1 - s) / n) * x, np.sqrt(s) * np.eye(m)])
    target = np.concatenate([y / np.sqrt((1 - s) * n), np.zeros(m)])
    for column, penalty in enumerate(penalties):
        lasso = Lasso(alpha=penalty / len(rows), fit_intercept=False, tol=1e-10, max_iter=100_000).fit(
            rows, target
        )
        np.testing.assert_allclose(found[:, column], lasso.coef_, atol=1e-5)
    assert (found[:, 1] != 0).sum() < (found[:, 0] != 0).sum()


def test_without_ld_both_have_closed_forms():
    r = np.array([0.3, -0.05, 0.01, -0.2])
    identity = [LDBlock(np.array([0, 2]), np.eye(2), 100), LDBlock(np.array([1, 3]), np.eye(2), 100)]
    soft = np.sign(r) * np.maximum(np.abs(r) - 0.04, 0)
    np.testing.assert_allclose(lassosum(r, identity, (0.04,), 1.0)[:, 0], soft, atol=1e-6)
    n = np.array([100.0, 200, 100, 400])
    np.testing.assert_allclose(ldpred_inf(r, n, identity, 0.5), r / (1 + 4 / (n * 0.5)))


def test_blocks_are_solved_apart():
    x, _, r = study()
    R = x.T @ x / len(x)
    halves = [LDBlock(np.arange(k, k + 12), R[k : k + 12, k : k + 12], len(x)) for k in (0, 12)]
    apart = np.zeros_like(R)
    apart[:12, :12], apart[12:, 12:] = R[:12, :12], R[12:, 12:]
    whole = [LDBlock(np.arange(24), apart, len(x))]
    n = np.full(24, 300.0)
    np.testing.assert_allclose(ldpred_inf(r, n, halves, 0.2), ldpred_inf(r, n, whole, 0.2), atol=1e-12)
    np.testing.assert_allclose(lassosum(r, halves, (0.05,)), lassosum(r, whole, (0.05,)), atol=1e-5)


def test_marginal_effects_are_correlations():
    x, _, r = study()
    n = len(x)
    error = np.sqrt((1 - r**2) / n)  # of the slope of a standardised variable, without n - 2
    np.testing.assert_allclose(marginal_effects(r / error, np.full(len(r), n)), r)


def test_heritability_is_read_off_the_z_scores():
    """Without LD, E[z^2] = 1 + n h2 / m; with two copies of every variant scores of LD are 2."""
    rng = np.random.default_rng(1)
    m, n, h2 = 4000, 5000, 0.4
    z = rng.normal(size=m) * np.sqrt(1 + n * h2 / m)
    alone = [LDBlock(np.arange(k, k + 100), np.eye(100), 10**9) for k in range(0, m, 100)]
    assert heritability_from_z(z, np.full(m, n), alone) == pytest.approx(h2, rel=0.1)
    copies = [LDBlock(np.arange(k, k + 2), np.ones((2, 2)), 10**9) for k in range(0, 2 * m, 2)]
    doubled = np.repeat(z, 2)
    assert heritability_from_z(doubled, np.full(2 * m, n), copies) == pytest.approx(
        heritability_from_z(z, np.full(m, n), alone)
    )
    assert heritability_from_z(np.zeros(m), np.full(m, n), alone) == 1e-4


def test_standard_errors_imply_the_sample_size():
    """The ALS loci: frequencies were once derived from errors and effective people, and lead back to them."""
    from gds.genotypes.simulate.als_loci import read_als_loci

    loci = read_als_loci()
    implied = implied_sample_size(
        loci["standard_error"].to_numpy(), loci["minor_allele_frequency"].to_numpy()
    )
    np.testing.assert_allclose(implied, loci["n_effective"], rtol=1e-9)


def test_the_reference_covers_every_variant_once_and_keeps_linked_runs_together():
    people = tiny_genotypes(n_samples=150, n_populations=1)
    blocks = ld_reference(people, max_variants=16)
    np.testing.assert_array_equal(np.concatenate([block.variants for block in blocks]), np.arange(96))
    # Linked runs of four variants: no cut falls inside one.
    assert all(block.variants[0] % 4 == 0 for block in blocks)
    assert all(4 <= len(block.variants) <= 16 for block in blocks)
    complete = (people.dosage[:, blocks[0].variants] >= 0).all(axis=1)
    whole = Genotypes(people.dosage[complete], people.samples[complete], people.variants)
    block = ld_reference(whole, max_variants=16)[0]
    if (whole.dosage[:, block.variants] >= 0).all():
        np.testing.assert_allclose(block.correlation**2, squared_correlation(whole.dosage[:, block.variants]))


def test_every_chromosome_has_blocks_of_its_own():
    people = tiny_genotypes(n_populations=1)
    people.variants["chromosome"] = np.repeat(["1", "2"], 48)
    people.variants["position"] = np.tile(np.arange(48), 2) * 1000 + 1
    assert pd.Series([b.variants[0] // 48 == b.variants[-1] // 48 for b in ld_reference(people, 20)]).all()


def test_bad_options_are_refused():
    _, _, r = study()
    with pytest.raises(UserError, match="heritability above 0"):
        ldpred_inf(r, np.full(24, 9.0), [], 0.0)
    with pytest.raises(UserError, match="shrinkage s above 0"):
        lassosum(r, [], shrinkage=0.0)
