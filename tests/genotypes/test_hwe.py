"""The exact test against its definition in rational numbers."""

from fractions import Fraction
from math import factorial

import numpy as np
import pytest

from gds.genotypes.hwe import hardy_weinberg_p


def by_definition(hom1: int, het: int, hom2: int, midp: bool) -> float:
    n, rare = hom1 + het + hom2, 2 * min(hom1, hom2) + het
    weight = {}
    for h in range(rare % 2, rare + 1, 2):
        rarer_hom = (rare - h) // 2
        weight[h] = Fraction(
            2**h * factorial(n), factorial(rarer_hom) * factorial(h) * factorial(n - h - rarer_hom)
        )
    as_likely = sum(w for w in weight.values() if w == weight[het])
    tail = sum(w for w in weight.values() if w <= weight[het]) - (as_likely / 2 if midp else 0)
    return float(tail / sum(weight.values()))


TABLES = [(a, h, b) for a in range(7) for h in range(11) for b in range(9) if a + h + b]
TABLES += [(30, 80, 100), (0, 150, 3), (100, 2, 100), (57, 14, 50), (700, 300, 20), (0, 0, 500), (0, 1, 500)]


@pytest.mark.parametrize("midp", [False, True])
def test_every_small_table_and_some_large_ones(midp):
    expected = [by_definition(*table, midp) for table in TABLES]
    p = hardy_weinberg_p(*np.array(TABLES).T, midp=midp)
    np.testing.assert_allclose(p, expected, rtol=1e-11)


def test_alleles_are_interchangeable_and_biobank_counts_are_finite():
    a, h, b = np.array([[250_000, 100], [200_000, 400_000], [40_000, 99_900]]).reshape(3, 2)
    p = hardy_weinberg_p(a, h, b)
    np.testing.assert_array_equal(p, hardy_weinberg_p(b, h, a))
    assert ((p >= 0) & (p <= 1)).all()


def test_p_values_are_uniform_at_most_under_equilibrium():
    rng = np.random.default_rng(0)
    n = rng.multinomial(1000, [0.09, 0.42, 0.49], size=20_000)
    p = hardy_weinberg_p(*n.T, midp=True)
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.006)
