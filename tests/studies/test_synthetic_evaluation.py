import numpy as np
import pandas as pd
import pytest

from gds.genotypes import Genotypes
from gds.studies.synthetic.evaluation import evaluate_synthetic, halves_by_person
from gds.studies.synthetic.genotypes import ThreeSets
from gds.studies.synthetic.rules import RULES, verdict


def three_populations(n=60, n_variants=80):
    """Training, held-out and synthetic people of one simulated population with LD."""
    rng = np.random.default_rng(0)
    variants = pd.DataFrame(
        {"chromosome": "1", "position": 1000 * np.arange(1, n_variants + 1), "effect_allele": "A",
         "other_allele": "G", "id": [f"rs{i}" for i in range(n_variants)]}
    )  # fmt: skip
    cut = rng.normal(scale=0.5, size=n_variants)
    people = []
    for name in ("TRAIN", "TEST", "SYN"):
        walk = np.cumsum(rng.normal(size=(2 * n, n_variants)), axis=1) / np.sqrt(np.arange(1, n_variants + 1))
        alleles = (walk > cut).astype(np.int8)
        samples = pd.DataFrame({"id": [f"{name}{i}" for i in range(n)], "family": "", "sex": np.int8(0)})
        people.append(Genotypes(alleles[::2] + alleles[1::2], samples, variants))
    return people


@pytest.fixture(scope="module")
def sets():
    train, test, synthetic = three_populations()
    return ThreeSets(train.dosage, test.dosage, synthetic.dosage, train.variants, "people", {})


def test_every_figure_has_references_and_rules_are_printed(sets):
    rows = {row.name: row for row in evaluate_synthetic(sets).figures}
    assert set(rows["ld_r"].references) == {
        "real_half",
        "held_out",
        "independent_sites",
        "gaussian_threshold",
    }
    assert {"independent_sites", "gaussian_threshold", "one_variant_changed", "unseen_people"} <= set(
        rows["privacy_loss"].references
    )
    assert all(row.rule in RULES.values() for row in rows.values() if row.verdict)
    assert rows["aats"].verdict is None
    assert rows["near_copies"].references["one_variant_changed"] == 1


def test_halves_keep_people_together():
    rows = np.arange(12).reshape(12, 1)
    first, second = halves_by_person(rows, 2)
    assert sorted(np.concatenate([first, second]).ravel()) == list(range(12))
    assert {value // 2 for value in first.ravel()}.isdisjoint({value // 2 for value in second.ravel()})


def test_verdicts():
    nan = float("nan")
    halves = {"real_half": 0.9, "independent_sites": 0.0, "held_out": 0.01}
    assert verdict("ld_r", (0.8, nan, nan), halves) == "good"
    assert verdict("ld_r", (0.1, nan, nan), halves) == "bad"
    assert verdict("three_point_r", (0.5, nan, nan), halves) == "caution"
    assert verdict("near_copies", (0.03, 0.02, 0.04), halves, 0.001) == "bad"
    assert verdict("near_copies", (0.03, 0.02, 0.04), halves, -0.001) == "good"
    assert verdict("distance_attack_auc", (0.53, 0.51, 0.55), {}) == "caution"
    assert verdict("distance_attack_tpr_at_1%_fpr", (0.5, 0.4, 0.6), {}) == "bad"
    assert verdict("exact_copies", (0.0, 1e-19, 0.002), {}, 1e-19) == "good"
    assert verdict("exact_copies", (0.0, 1e-19, 0.002), {}) is None
    assert verdict("aats", (0.5, nan, nan), halves) is None
