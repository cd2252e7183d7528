"""The power of membership inference by frequencies: closed form against an attack that is carried out."""

import numpy as np
import pytest

from gds.features import GenePCA, GeneTokens
from gds.genotypes import Genotypes, assign_blocks
from gds.hub.membership import detection_power, effective_variants, membership_power
from gds.hub.record import public_record, refuse_ids
from tests.cohorts import tiny_genotypes


@pytest.mark.parametrize("n_variants", [100, 400, 900])
def test_power_is_that_of_the_attack(n_variants):
    """People in and out of a pool of 100, the likelihood-ratio statistic, a threshold at 5 % of those outside."""
    rng = np.random.default_rng(0)
    n, rate, powers = 100, 0.05, []
    for _ in range(20):
        frequency = rng.uniform(0.2, 0.8, n_variants)
        inside, outside = (rng.binomial(2, frequency, (people, n_variants)) for people in (n, 1000))
        pool = inside.mean(axis=0) / 2
        ratio = np.log(pool / frequency), np.log((1 - pool) / (1 - frequency))
        scores = [people @ ratio[0] + (2 - people) @ ratio[1] for people in (inside, outside)]
        powers.append((scores[0] > np.quantile(scores[1], 1 - rate)).mean())
    assert np.mean(powers) == pytest.approx(detection_power(n, n_variants, rate), abs=0.03)


def test_extremes():
    assert detection_power(1000, 0, 0.01) == pytest.approx(0.01)
    assert detection_power(10, 10**6) == pytest.approx(1)
    with pytest.raises(ValueError, match="positive number"):
        detection_power(0, 10)


def test_copies_of_a_variant_count_once():
    """Four identical variants a block are worth one to the test that ignores linkage."""
    rng = np.random.default_rng(1)
    once = rng.binomial(2, 0.4, (200, 20)).astype(np.int8)
    variants = tiny_genotypes(4, 80).variants
    genotypes = Genotypes(np.repeat(once, 4, axis=1), tiny_genotypes(200, 4).samples, variants)
    pca = GenePCA(n_components=2).fit(genotypes, assign_blocks(variants, "window:4"))
    assert effective_variants(pca, np.ones(80, dtype=bool)) == pytest.approx(20, rel=1e-3)
    power = membership_power(pca)
    assert power.simple is not None
    assert power.simple < power.most == detection_power(200, 80)
    tokens = GeneTokens(max_slots=4).fit(genotypes, assign_blocks(variants, "window:4"))
    assert membership_power(tokens).simple is None


def test_a_record_keeps_settings_and_loses_paths():
    record = public_record(
        {"command": "gds finetune", "config": {"features": {"blocks": "/home/alice/genes.bed"}},
         "details": {"losses": list(range(100)), "C": 0.1}, "started": "2026-01-02T03:04:05+00:00"}
    )  # fmt: skip
    assert record == {
        "started": "2026-01-02",
        "config": {"features": {"blocks": "genes.bed"}},
        "details": {"losses": "(100 values, not published)", "C": 0.1},
    }
    refuse_ids(["12", "P1"], {"README.md": "12 people of group P1"})
