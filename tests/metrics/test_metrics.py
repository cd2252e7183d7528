"""Every metric module is loaded from its folder without a network and gives what can be worked out by hand."""

import numpy as np
import pytest

from gds.errors import UserError
from gds.evaluation.neighbours import adversarial_accuracy, nearest_neighbour_privacy_loss
from gds.metrics import METRICS, metric_path

evaluate = pytest.importorskip("evaluate", reason="the extra 'metrics' is not installed")
HELD_OUT = {
    "copies", "distance_to_closest_record", "kinship", "membership_inference", "nearest_neighbour_privacy_loss",
}  # fmt: skip


@pytest.fixture(scope="module")
def people():
    """Training, held-out and honest synthetic people, dosages of one population, more than 8 heterozygotes each."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 3, (20, 30)) for _ in range(3)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("evaluate.config.HF_METRICS_CACHE", tmp_path)


def compute(name, train, synthetic, test=None, **more):
    if name in HELD_OUT:
        more["held_out"] = test
    return evaluate.load(metric_path(name)).compute(predictions=synthetic, references=train, **more)


# What each metric says of a set compared with itself, and of one half of which are copies of training people.
IDENTICAL = {
    "adversarial_accuracy": {"aa_truth": 0, "aa_syn": 0, "aats": 0},
    "allele_frequency_agreement": {"r": 1, "rmse": 0, "lost": 0, "fixed": 0},
    "copies": {"exact_copies_value": 1, "near_copies_value": 1},
    "distance_to_closest_record": {"median_ratio": 0, "closer_to_train": 1},
    "heterozygosity_agreement": {"r": 1, "rmse": 0},
    "kinship": {"to_train": 1},
    "ld_correlation": {"r": 1, "rmse": 0},
    "ld_decay": {"decay_rmse": 0},
    "membership_inference": {"distance_auc": 1},
    "nearest_neighbour_privacy_loss": {"aats_train": 0},
    "prdc": {"precision": 1, "recall": 1, "coverage": 1},
    "principal_component_distance": {"wasserstein": 0},
    "three_point_correlation": {"r": 1, "slope": 1},
}
HALF_COPIES = {
    "adversarial_accuracy": lambda found: found["aa_truth"] <= 0.5 and found["aa_syn"] <= 0.5,
    "copies": lambda found: found["exact_copies_value"] == 0.5,
    "distance_to_closest_record": lambda found: found["closer_to_train"] >= 0.5,
    "kinship": lambda found: found["to_train"] >= 0.5 > found["held_out_to_train"],
    "membership_inference": lambda found: found["distance_auc"] >= 0.65,
    "nearest_neighbour_privacy_loss": lambda found: found["privacy_loss"] > 0.15,
    "prdc": lambda found: found["recall"] >= 0.5 and found["coverage"] >= 0.5,
}


@pytest.mark.parametrize("name", IDENTICAL)
def test_a_set_against_itself(name, people):
    train, test, _ = people
    found = compute(name, train, train, test)
    for figure, value in IDENTICAL[name].items():
        assert found[figure] == pytest.approx(value, abs=1e-6), figure


@pytest.mark.parametrize("name", HALF_COPIES)
def test_half_copies_are_seen(name, people):
    train, test, honest = people
    assert HALF_COPIES[name](compute(name, train, np.concatenate([train[:10], honest[:10]]), test))


@pytest.mark.parametrize("name", IDENTICAL)
def test_unequal_sizes_give_figures(name, people):
    train, test, honest = people
    found = compute(name, train, honest[:13], test[:16])
    assert found
    for value in found.values():
        assert isinstance(value, list | float)


def test_rows_added_one_after_another(people):
    train, _, synthetic = people
    metric = evaluate.load(metric_path("allele_frequency_agreement"))
    for real, made in zip(train, synthetic, strict=True):
        metric.add(prediction=made, reference=real)
    assert metric.compute() == compute("allele_frequency_agreement", train, synthetic)


def test_every_metric_is_worked_out():
    assert set(IDENTICAL) | {"hardy_weinberg", "recovery_rate"} == set(METRICS)


def test_they_are_the_functions(people):
    train, test, synthetic = people
    assert compute("adversarial_accuracy", train, synthetic) == adversarial_accuracy(train, synthetic)
    expected = nearest_neighbour_privacy_loss(train, test, synthetic)
    assert compute("nearest_neighbour_privacy_loss", train, synthetic, test) == expected


def test_hardy_weinberg_by_hand():
    # 40 people: in proportions 10, 20, 10; all heterozygous, p far below 1e-4; half of either homozygote likewise.
    proportions, heterozygous = np.repeat([0, 1, 2], [10, 20, 10]), np.ones(40, int)
    homozygous = np.repeat([0, 2], 20)
    real = np.stack([proportions, proportions], axis=1)
    found = compute("hardy_weinberg", real, np.stack([heterozygous, homozygous], axis=1))
    assert found == {"real": 0, "synthetic": 1}
    assert compute("hardy_weinberg", real, np.stack([proportions, homozygous], axis=1))["synthetic"] == 0.5


def test_ld_decay_by_hand():
    # Variants at 0, 10 and 1,000 of one chromosome: the first two are the same, the third is independent of them.
    pair, other = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    real = np.stack([pair, pair, other], axis=1)
    found = compute("ld_decay", real, np.stack([pair, other, pair], axis=1), position=[0, 10, 1000])
    assert found["distance"] == [10, 995]
    assert found["real"] == pytest.approx([1, 0])
    # Among synthetic rows the first and the third are the same, one of the two distant pairs.
    assert found["synthetic"] == pytest.approx([0, 0.5])
    assert found["n_pairs"] == [1, 2]
    assert found["decay_rmse"] == pytest.approx(np.sqrt((1 + 0.25) / 2))


def test_recovery_rate_by_hand():
    metric = evaluate.load(metric_path("recovery_rate"))
    # Of five people the one classifier is right about three, the other about four; three are of class 0.
    found = metric.compute(
        references=[0, 0, 0, 1, 1], predictions=[0, 0, 1, 1, 0], real_predictions=[0, 0, 0, 1, 0]
    )
    assert (found["synthetic"], found["real"], found["chance"]) == (0.6, 0.8, 0.6)
    assert found["recovery"] == pytest.approx(0.75)
    assert found["synthetic_lower"] < 0.6 < found["synthetic_upper"]
    same = metric.compute(references=[0, 1], predictions=[0, 1], real_predictions=[0, 1])
    assert same["recovery"] == 1


def test_an_unknown_name_is_refused():
    with pytest.raises(UserError, match="adversarial_accuracy"):
        metric_path("adversarial_acuracy")
