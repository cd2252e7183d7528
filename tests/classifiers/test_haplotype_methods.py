"""Copying, directions and mixtures: against enumeration, closed forms, and people whose answer is known."""

from itertools import product

import numpy as np
import pytest
from scipy import sparse

from gds.classifiers.baselines import METHODS
from gds.classifiers.haplotypes.copying_panel import joined_windows
from gds.classifiers.haplotypes.haplotype_copying import HaplotypeCopying
from gds.classifiers.haplotypes.haplotype_directions import HaplotypeDirections
from gds.classifiers.haplotypes.windowed_propagation import WindowedPropagation
from gds.classifiers.mixtures.gaussian_mixture import GaussianMixture
from gds.errors import UserError


def mosaics(n=90, n_variants=128, n_classes=3, seed=0):
    """Haplotypes that are mosaics of a few founders of their own population, and the populations."""
    rng = np.random.default_rng(seed)
    founders = (rng.random((n_classes, 6, n_variants)) < 0.4).astype(np.int8)
    label = np.arange(n) % n_classes
    choice = np.repeat(rng.integers(0, 6, (n, n_variants // 16, 2)), 16, axis=1)
    haplotypes = founders[label[:, None, None], choice, np.arange(n_variants)[None, :, None]]
    flipped = rng.random(haplotypes.shape) < 0.01
    return np.where(flipped, 1 - haplotypes, haplotypes).astype(np.int8), label


def test_shares_are_the_posterior_of_all_paths():
    panel, _ = mosaics(4, 48)
    target = mosaics(1, 48, seed=5)[0]
    model = HaplotypeCopying(run_length=16, n_windows=3, switch=0.2, mismatch=0.05).fit([panel])
    found = model.shares(target).toarray().reshape(2, 3, 4)
    rows = panel.transpose(0, 2, 1).reshape(8, 48)
    for side in (0, 1):
        expected, total = np.zeros((3, 4)), 0.0
        for path in product(range(8), repeat=3):
            likelihood = 1.0
            for run, row in enumerate(path):
                sites = slice(16 * run, 16 * run + 16)
                wrong = int((target[0, sites, side] != rows[row, sites]).sum())
                likelihood *= (0.05 / 0.95) ** wrong
                if run:
                    likelihood *= 0.2 / 8 + 0.8 * (row == path[run - 1])
            total += likelihood
            for run, row in enumerate(path):
                expected[run, row // 2] += likelihood
        np.testing.assert_allclose(found[side], expected / total, atol=3e-3)


def test_nobody_copies_from_itself_and_missing_alleles_are_neither():
    haplotypes, _ = mosaics(12)
    haplotypes[0, :16] = -1
    model = HaplotypeCopying(n_windows=4).fit([haplotypes[:6], haplotypes[6:]])
    shares = model.shares(haplotypes).toarray().reshape(12, 8, 12)
    assert (shares[np.arange(12), :, np.arange(12)] == 0).all()
    np.testing.assert_allclose(shares.sum(axis=2), 1, atol=1e-5)
    np.testing.assert_array_equal(model.panel_rows(haplotypes[:, :, ::-1]), np.arange(12))


def test_no_window_crosses_chromosomes_and_shares_are_remembered():
    haplotypes, _ = mosaics(12)
    chromosome = np.repeat(["1", "2"], [40, 88])
    model = HaplotypeCopying(n_windows=2, chromosome=chromosome, remember=True).fit([haplotypes])
    apart = HaplotypeCopying(n_windows=1).fit([haplotypes[:, :40]])
    both = model.shares(haplotypes).toarray().reshape(24, 2, 12)
    alone = apart.shares(haplotypes[:, :40]).toarray()
    np.testing.assert_allclose(both[:, 0], alone, atol=1e-5)
    np.testing.assert_array_equal(
        model.shares(haplotypes[3:5]).toarray(), both.reshape(12, 4, 12)[3:5].reshape(8, 12)
    )


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.reads == "haplotypes"])
def test_few_labels_suffice_for_mosaics_of_own_founders(name):
    X, y = mosaics()
    model = METHODS[name].make(0).fit(X[:9], y[:9], unlabelled=X[9:60])
    probabilities = model.predict_proba(X[60:])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (model.predict(X[60:]) == y[60:]).mean() > 0.8


def test_directions_are_scaled_and_agree_between_haplotypes():
    X, y = mosaics(200)
    model = HaplotypeDirections(2, 40)
    scores = model.fit([X]).transform(X)
    assert (model.correlation_ > 0.5).all()
    between = np.var([scores[y == c].mean(axis=0) for c in range(3)], axis=0)
    assert (between > 3 * np.mean([scores[y == c].var(axis=0) for c in range(3)], axis=0)).all()


def test_unlabelled_people_move_the_means_of_a_gaussian_mixture():
    rng = np.random.default_rng(0)
    y = np.arange(600) % 3
    X = np.array([[0, 0], [4, 0], [0, 4]])[y] + rng.normal(size=(600, 2))
    few = GaussianMixture(n_iterations=0).fit(X[:6], y[:6])
    many = GaussianMixture(fall_back=False).fit(X[:6], y[:6], unlabelled=X[6:])
    truth = np.array([[0, 0], [4, 0], [0, 4]])
    assert np.abs(many.means_ - truth).max() < 0.3 < np.abs(few.means_ - truth).max()
    assert (many.predict(X) == y).mean() > 0.95


def test_joined_windows_are_means_of_neighbours():
    shares = np.random.default_rng(0).random((2 * 3 * 5, 7)).astype(np.float32)  # 3 people, 5 windows
    found = joined_windows(sparse.csr_matrix(shares), 5, 2).toarray().reshape(6, 3, 7)
    by_window = shares.reshape(6, 5, 7)
    expected = [by_window[:, :2].mean(axis=1), by_window[:, 2:4].mean(axis=1), by_window[:, 4]]
    np.testing.assert_allclose(found, np.stack(expected, axis=1), rtol=1e-6)


def test_unphased_people_are_refused():
    dosages = np.zeros((10, 20), dtype=np.int8)
    with pytest.raises(UserError, match="read phased"):
        WindowedPropagation().fit(dosages, np.arange(10) % 2)
    with pytest.raises(UserError, match="too few for a reference panel"):
        HaplotypeCopying().fit([mosaics(2)[0]])
