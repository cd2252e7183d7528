"""Every metric module is loaded from its folder without a network and gives what its function gives."""

import numpy as np
import pytest

from gds.errors import UserError
from gds.evaluation.neighbours import adversarial_accuracy, nearest_neighbour_privacy_loss
from gds.metrics import METRICS, metric_path

evaluate = pytest.importorskip("evaluate", reason="the extra 'metrics' is not installed")
HELD_OUT = {"copies", "distance_to_closest_record", "membership_inference", "nearest_neighbour_privacy_loss"}


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 3, (20, 30)) for _ in range(3)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("evaluate.config.HF_METRICS_CACHE", tmp_path)


def compute(name, people):
    train, test, synthetic = people
    more = {"held_out": test} if name in HELD_OUT else {}
    return evaluate.load(metric_path(name)).compute(predictions=synthetic, references=train, **more)


@pytest.mark.parametrize("name", METRICS)
def test_each_metric_gives_numbers(name, people):
    found = compute(name, people)
    assert found
    assert all(isinstance(value, float) for value in found.values())


def test_they_are_the_functions(people):
    train, test, synthetic = people
    assert compute("adversarial_accuracy", people) == adversarial_accuracy(train, synthetic)
    expected = nearest_neighbour_privacy_loss(train, test, synthetic)
    assert compute("nearest_neighbour_privacy_loss", people) == expected


def test_an_unknown_name_is_refused():
    with pytest.raises(UserError, match="adversarial_accuracy"):
        metric_path("adversarial_acuracy")
