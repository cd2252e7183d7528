import numpy as np
import pytest

from gds.errors import UserError
from gds.evaluation.linkage import ld_correlation
from gds.evaluation.reference_generators import (
    copies_with_changes,
    gaussian_threshold,
    haplotype_mosaic,
    independent_sites,
)


@pytest.fixture(scope="module")
def haplotypes():
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=(600, 30)), axis=1) / np.sqrt(np.arange(1, 31))
    alleles = (walk > rng.normal(size=30)).astype(np.int8)
    alleles[:, 7] = 1
    return alleles


@pytest.mark.parametrize("people", [False, True], ids=["alleles", "dosages"])
def test_frequencies_are_kept_and_only_the_gaussian_keeps_ld(haplotypes, people):
    train = haplotypes[::2] + haplotypes[1::2] if people else haplotypes
    gaussian, independent = (make(train, 4000, seed=1) for make in (gaussian_threshold, independent_sites))
    for drawn in (gaussian, independent):
        assert drawn.shape == (4000, 30)
        assert drawn.dtype == np.int8
        assert drawn.mean(axis=0) == pytest.approx(train.mean(axis=0), abs=0.06)
        assert (drawn[:, 7] == train[0, 7]).all()
    assert ld_correlation(train, gaussian)[0]["r"] > 0.97
    assert ld_correlation(train, independent)[0]["mean_synthetic"] < 0.002


def test_more_variants_than_the_correction_takes(haplotypes, monkeypatch):
    from gds.evaluation import reference_generators

    monkeypatch.setattr(reference_generators, "_CORRECTED_VARIANTS", 10)
    drawn = gaussian_threshold(haplotypes, 4000, seed=1)
    assert drawn.mean(axis=0) == pytest.approx(haplotypes.mean(axis=0), abs=0.06)
    assert ld_correlation(haplotypes, drawn)[0]["r"] > 0.95


def test_a_mosaic_copies_between_its_switches(haplotypes):
    whole = haplotype_mosaic(haplotypes, 50, switch_rate=0, copying_error=0)
    assert {row.tobytes() for row in whole} <= {row.tobytes() for row in haplotypes}
    mixed = haplotype_mosaic(haplotypes, 5000, switch_rate=1, copying_error=0)
    assert ld_correlation(haplotypes, mixed)[0]["mean_synthetic"] < 0.002
    with pytest.raises(UserError, match="haplotypes"):
        haplotype_mosaic(haplotypes * 2, 5, switch_rate=0.1)


def test_copies_differ_at_so_many_variants(haplotypes):
    exact = copies_with_changes(haplotypes, 600, n_changes=0)
    assert sorted(map(bytes, exact)) == sorted(map(bytes, haplotypes))
    changed = copies_with_changes(haplotypes, 700, n_changes=2)
    distance = np.abs(changed[:, None] - haplotypes[None]).sum(axis=2).min(axis=1)
    assert changed.shape == (700, 30)
    assert (distance <= 2).all()
    assert (changed[:, 7] == 1).all()
