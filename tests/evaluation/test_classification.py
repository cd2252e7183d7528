"""Metrics against scikit-learn, weighted and not; intervals against what is known of them."""

import numpy as np
import pytest
from sklearn import metrics as oracle

from gds.errors import UserError
from gds.evaluation.classification import METRICS, classification_metrics, weighted_metrics
from gds.evaluation.resampling import bootstrap_counts


def binary(n=300, seed=0, ties=False):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    p = 1 / (1 + np.exp(-(labels - 0.5 + rng.normal(size=n))))
    return labels, np.round(p, 1) if ties else p


def several(n=400, k=5, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.append(np.arange(k), rng.integers(0, k, n - k))
    logits = rng.normal(size=(n, k)) + 1.5 * np.eye(k)[labels]
    p = np.exp(logits)
    return labels, p / p.sum(axis=1, keepdims=True)


def expected(labels, p, weight=None):
    k = p.shape[1]
    rank = (labels, p[:, 1]) if k == 2 else (np.eye(k)[labels], p)
    truth = np.eye(k)[labels]
    predicted = p.argmax(axis=1)
    squares = ((p[:, 1] - labels) ** 2) if k == 2 else ((p - truth) ** 2).sum(axis=1)
    return [
        oracle.roc_auc_score(*rank, average="macro", sample_weight=weight),
        oracle.average_precision_score(*rank, average="macro", sample_weight=weight),
        oracle.accuracy_score(labels, predicted, sample_weight=weight),
        oracle.balanced_accuracy_score(labels, predicted, sample_weight=weight),
        oracle.log_loss(labels, p, labels=np.arange(k), sample_weight=weight),
        np.average(squares, weights=weight),
    ]


@pytest.mark.parametrize("ties", [False, True])
def test_binary_values_are_those_of_scikit_learn(ties):
    labels, p = binary(ties=ties)
    found = classification_metrics(labels, p, n_bootstrap=0)
    assert list(found.index) == list(METRICS)
    np.testing.assert_allclose(found["value"], expected(labels, np.column_stack([1 - p, p])), rtol=1e-6)
    assert found[["lower", "upper"]].isna().all(axis=None)


def test_multi_class_values_are_those_of_scikit_learn():
    labels, p = several()
    found = classification_metrics(labels, p, n_bootstrap=0)["value"]
    np.testing.assert_allclose(found, expected(labels, p), rtol=1e-6)
    assert found["brier"] == pytest.approx(oracle.brier_score_loss(labels, p, labels=np.arange(5)))


@pytest.mark.parametrize("make", [lambda: binary(ties=True), several])
def test_every_resample_is_the_weighted_metric_of_scikit_learn(make):
    labels, p = make()
    p = np.column_stack([1 - p, p]) if p.ndim == 1 else p
    counts = bootstrap_counts(labels, 40, seed=3)
    found = weighted_metrics(labels, p)(counts)
    for resample in (0, 17, 39):
        np.testing.assert_allclose(found[:, resample], expected(labels, p, counts[resample]), rtol=1e-5)


def test_a_hand_worked_case():
    # Negatives .1 .4, positives .4 .8: pairs won 1, 1, 1, tie .5 of 4; precision 1 at .8, 2/3 at .4.
    found = classification_metrics(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.4, 0.8]), n_bootstrap=0)[
        "value"
    ]
    assert found["auroc"] == pytest.approx(3.5 / 4)
    assert found["auprc"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert found["accuracy"] == 0.75
    assert found["brier"] == pytest.approx((0.01 + 0.16 + 0.36 + 0.04) / 4)


def test_equal_scores_have_no_rank():
    found = classification_metrics(np.array([0, 1] * 20), np.full(40, 0.5))
    assert found.loc["auroc"].tolist() == [0.5, 0.5, 0.5]


def test_intervals_cover_the_population_value():
    # AUROC of N(1, 1) against N(0, 1) is Phi(1 / sqrt 2) = .7602; 120 samples, level .9.
    rng = np.random.default_rng(0)
    covered = {"auroc": 0, "accuracy": 0, "auprc": 0}
    labels = np.repeat([0, 1], [160, 40])
    big = np.repeat([0, 1], [160_000, 40_000])
    population = classification_metrics(
        big, 1 / (1 + np.exp(-(big + rng.normal(size=200_000) - 0.5))), n_bootstrap=0
    )["value"]
    assert population["auroc"] == pytest.approx(0.7602, abs=0.003)
    for seed in range(120):
        score = 1 / (1 + np.exp(-(labels + rng.normal(size=200) - 0.5)))
        found = classification_metrics(labels, score, n_bootstrap=200, seed=seed, level=0.9)
        for name in covered:
            covered[name] += found.loc[name, "lower"] <= population[name] <= found.loc[name, "upper"]
    # Binomial(120, .9): fewer than 98 or more than 117 have probability below .004.
    assert all(98 <= count <= 117 for count in covered.values()), covered


def test_average_precision_lies_inside_its_interval_for_rare_classes():
    rng = np.random.default_rng(0)
    labels = np.arange(520) % 26
    found = classification_metrics(labels, rng.dirichlet(np.ones(26), 520), n_bootstrap=200).loc["auprc"]
    assert found["lower"] < found["value"] < found["upper"]


def test_resamples_keep_class_sizes():
    labels = np.repeat([0, 1, 2], [50, 7, 2])
    counts = bootstrap_counts(labels, 100)
    for label in range(3):
        assert (counts[:, labels == label].sum(axis=1) == (labels == label).sum()).all()
    assert counts.std(axis=0).min() > 0


def test_families_are_resampled_whole_and_every_class_stays():
    rng = np.random.default_rng(0)
    labels, groups = rng.integers(0, 3, 120), rng.integers(0, 40, 120)
    counts = bootstrap_counts(labels, 200, groups=groups)
    for group in np.unique(groups):
        members = counts[:, groups == group]
        assert (members == members[:, :1]).all()
    for label in range(3):
        assert (counts[:, labels == label].sum(axis=1) > 0).all()


def test_copies_of_one_person_are_no_evidence_when_they_are_one_family():
    labels, p = binary(100)
    repeated = np.repeat(labels, 4), np.repeat(p, 4)
    once = classification_metrics(labels, p).loc["auroc"]
    alone = classification_metrics(*repeated).loc["auroc"]
    together = classification_metrics(*repeated, groups=np.repeat(np.arange(100), 4)).loc["auroc"]
    assert alone["upper"] - alone["lower"] < 0.6 * (once["upper"] - once["lower"])
    assert together["upper"] - together["lower"] == pytest.approx(once["upper"] - once["lower"], rel=0.15)


def test_same_seed_same_intervals():
    labels, p = binary()
    first = classification_metrics(labels, p, seed=5)
    assert first.equals(classification_metrics(labels, p, seed=5))
    assert not first.equals(classification_metrics(labels, p, seed=6))


def test_one_class_among_the_tested_is_said_by_nan():
    found = classification_metrics(np.zeros(10, dtype=int), np.linspace(0.1, 0.4, 10))
    assert found.loc[["auroc", "auprc"], "value"].isna().all()
    assert found.loc["accuracy", "value"] == 1
    assert found.loc["brier", "value"] == pytest.approx(np.mean(np.linspace(0.1, 0.4, 10) ** 2))


def test_classes_without_test_people_are_left_out_of_means():
    labels, p = several(k=4)
    with_empty = np.column_stack([p, np.zeros(len(p))])
    found = classification_metrics(labels, with_empty, n_bootstrap=0)["value"]
    np.testing.assert_allclose(found, classification_metrics(labels, p, n_bootstrap=0)["value"])


def test_a_class_of_one_person_has_no_interval():
    found = classification_metrics(np.array([0, 0, 0, 1]), np.array([0.1, 0.2, 0.3, 0.9]))
    assert found["value"].notna().all()
    assert found[["lower", "upper"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([0, 1], [0.2, np.nan], "probability nan in row"),
        ([0, 1], [[0.5, 0.5], [0.5, 0.7]], "row 1 sum to 1.2"),
        ([0, 2], [0.5, 0.5], "label 2 in row 1"),
        ([0, -100], [0.5, 0.5], "label -100"),
        ([0, 1], [0.5, 1.5], "found|expected 0 ... 1"),
        ([0, 1, 1], [0.5, 0.5], "one label and one row"),
        ([], [], "one label and one row"),
        ([0, 0], [[1.0], [1.0]], "at least two"),
    ],
)
def test_what_cannot_be_scored_is_refused(labels, probabilities, message):
    with pytest.raises(UserError, match=message):
        classification_metrics(np.array(labels, dtype=int), np.array(probabilities))
