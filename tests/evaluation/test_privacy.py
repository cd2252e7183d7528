import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

from gds.errors import UserError
from gds.evaluation.frequency_attack import frequency_attack, frequency_scores
from gds.evaluation.membership import calibrated_scores, membership_figures
from gds.evaluation.privacy import (
    copies,
    distance_to_closest_record,
    excess_share,
    membership_inference,
)


@pytest.fixture(scope="module")
def people():
    """Training people, held-out people and honest synthetic ones, all of one population."""
    rng = np.random.default_rng(0)
    p = rng.uniform(0.1, 0.9, 400)
    return [rng.binomial(2, p, (200, 400)).astype(np.int8) for _ in range(3)]


def test_copies_are_counted_and_honest_people_are_not(people):
    train, test, honest = people
    found = copies(train, test, np.concatenate([train[:100], honest[:100]]))
    assert found.loc["exact_copies", "value"] == 0.5
    assert 0.43 < found.loc["exact_copies", "lower"] < 0.5 < found.loc["exact_copies", "upper"] < 0.57
    assert found.loc["exact_copies", "held_out"] == 0
    changed = train.copy()
    changed[:, 0] = (changed[:, 0] + 1) % 3
    found = copies(train, test, changed)
    assert found["value"].tolist() == [0, 1]
    assert copies(train, test, honest).loc["near_copies", "value"] < 0.05
    assert copies(train, test, honest).loc["near_copies", "held_out"] <= 0.01


def test_distance_to_closest_record(people):
    train, test, honest = people
    found, quantiles = distance_to_closest_record(train, test, honest)
    assert found["closer_lower"] < 0.5 < found["closer_upper"]
    assert found["median_ratio"] == pytest.approx(1, abs=0.03)
    found, quantiles = distance_to_closest_record(train, test, train)
    assert found["closer_to_train"] == 1
    assert (quantiles["synthetic"] == 0).all()
    assert (quantiles["held_out"] > 0).all()
    # Unequal sizes: far more training people do not make an honest generator look close to them.
    found, _ = distance_to_closest_record(train, test[:40], honest)
    assert found["closer_to_train"] == pytest.approx(0.5, abs=0.15)


def test_ties_count_by_half():
    rows = np.array([[0, 0], [1, 1]])
    assert distance_to_closest_record(rows, rows, rows)[0]["closer_to_train"] == 0.5


def test_attacks_on_honest_people_are_chance_and_on_copies_are_not(people):
    train, test, honest = people
    table = membership_inference(train, test, honest)["lower"].unstack("figure")
    upper = membership_inference(train, test, honest)["upper"].unstack("figure")
    assert ((table["auc"] < 0.5) & (upper["auc"] > 0.5)).all()
    copied = membership_inference(train, test, np.concatenate([train[:100], honest[:100]]))
    assert copied.loc[("distance", "auc"), "value"] == pytest.approx(0.75, abs=0.03)
    # Exactly the copied half is called with certainty.
    assert copied.loc[("distance", "tpr_at_10%_fpr"), "value"] == pytest.approx(0.55, abs=0.03)
    assert copied.loc[("frequency", "auc"), "lower"] > 0.5


def test_frequency_scores_by_hand():
    people, synthetic = np.array([[2, 0]]), np.array([[1, 1], [2, 0]])
    reference = np.array([[0, 1], [1, 1], [1, 1]])
    # Frequencies of both sets together, with half an allele of either kind, and the means.
    p = np.array([5 + 0.5, 4 + 0.5]) / 11
    z = (people - [2 / 3, 1]) / np.sqrt(2 * p * (1 - p))
    a = (np.array([1.5, 0.5]) - [2 / 3, 1]) / np.sqrt(2 * p * (1 - p))
    assert frequency_scores(people, synthetic, reference, independence=1) == pytest.approx(z @ a)
    rows = (reference - np.array([2 / 3, 1])) / np.sqrt(2 * p * (1 - p))
    correlation = 0.7 * rows.T @ rows / 3 + 0.3 * np.eye(2)
    found = frequency_scores(people, synthetic, reference, independence=0.3)
    assert found == pytest.approx(z @ np.linalg.solve(correlation, a), rel=1e-5)


def test_exact_frequencies_give_away_what_the_closed_form_says():
    """In a structured population published frequencies reach the bound, and an outsider does not."""
    rng = np.random.default_rng(7)
    p = np.clip(0.5 + 0.2 * rng.normal(size=(3, 300)), 0.05, 0.95)
    values = []
    for _ in range(4):
        people = [rng.binomial(2, p[rng.integers(0, 3, n)]).astype(np.int8) for n in (300, 600, 300)]
        table = frequency_attack(people[0], people[1], people[0])
        values.append(table.loc["auc", "value"])
        outsider = frequency_attack(people[0], people[1], people[2]).loc["auc"]
        assert outsider["lower"] < 0.5 < outsider["upper"]
    expected = table.loc["auc", "exact_frequencies"]
    # d = sqrt(300 / 300 / (1 + 1)), AUC = Phi(d / sqrt 2) = Phi(1 / 2).
    assert expected == pytest.approx(0.6915, abs=1e-4)
    assert expected - 0.04 < np.mean(values) < expected + 0.02


def test_a_person_counts_once_however_many_rows_are_theirs():
    rng = np.random.default_rng(3)
    members, others = rng.normal(0.3, 1, 80), rng.normal(0, 1, 60)
    once = membership_figures(members, others, n_bootstrap=20).loc["auc"]
    twice = membership_figures(members.repeat(2), others.repeat(2), rows_a_person=2, n_bootstrap=20).loc[
        "auc"
    ]
    assert twice["value"] == pytest.approx(once["value"])
    assert twice["lower"] == pytest.approx(once["lower"], abs=1e-3)
    careless = membership_figures(members.repeat(2), others.repeat(2), n_bootstrap=20).loc["auc"]
    assert careless["lower"] > once["lower"] + 0.02


def test_excess_share_is_newcombes():
    # Newcombe 1998, table II (a): 56/70 against 48/80, method 10: .0524 to .3339.
    found, baseline = np.arange(70) < 56, np.arange(80) < 48
    share, lower, upper, other, excess = excess_share(found, baseline)
    assert (share, other) == (0.8, 0.6)
    assert lower < 0.8 < upper
    assert excess == pytest.approx(0.0524, abs=5e-5)


def test_closer_to_train_counts_the_nearest_of_many_once():
    """One held-out person in the middle of all synthetic ones is one person, not a hundred."""
    rng = np.random.default_rng(1)
    far = rng.integers(0, 2, (40, 50)).astype(np.int8)
    synthetic = np.zeros((100, 50), dtype=np.int8)
    train, test = far[:20].copy(), far[20:].copy()
    test[0] = 0
    found, _ = distance_to_closest_record(train, test, synthetic)
    assert found["closer_to_train"] == 0
    assert found["closer_upper"] > 0.5


def test_membership_figures_are_those_of_scikit_learn():
    rng = np.random.default_rng(4)
    members, others = rng.integers(0, 30, 300) + 3, rng.integers(0, 30, 150)
    table = membership_figures(members, others, n_bootstrap=50)
    labels, scores = np.repeat([1, 0], [300, 150]), np.concatenate([members, others])
    assert table.loc["auc", "value"] == pytest.approx(roc_auc_score(labels, scores))
    # 150 others: 15 false positives at 10 %, 1.5 at 1 %, which is not given.
    assert table.index.tolist() == ["auc", "tpr_at_10%_fpr"]
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    assert table.loc["tpr_at_10%_fpr", "value"] == pytest.approx(np.interp(0.1, false, true))
    assert (table["lower"] <= table["value"]).all()
    assert (table["upper"] >= table["value"]).all()


def test_delong_intervals_cover():
    rng = np.random.default_rng(5)
    truth, inside = 0.5 + 0.5 * 0.2763, 0  # Phi(.5 / sqrt 2)
    for _ in range(200):
        found = membership_figures(rng.normal(0.5, 1, 80), rng.normal(0, 1, 60)).loc["auc"]
        inside += found["lower"] <= truth <= found["upper"]
    assert 180 <= inside <= 200


def test_tied_scores_say_nothing():
    table = membership_figures(np.zeros(200), np.zeros(200), n_bootstrap=20)
    assert table["value"].tolist() == [0.5, pytest.approx(0.1)]


def test_calibrated_scores_by_hand():
    losses, shadows = np.array([1.0, 2.0]), np.array([[3.0, 5.0], [4.0, 7.0]])
    out = np.array([[True, False], [True, True]])
    assert calibrated_scores(losses, shadows, out).tolist() == [3.5 - 1, 7 - 2]
    with pytest.raises(UserError, match="row 1 was seen by every shadow"):
        calibrated_scores(losses, shadows, np.array([[True, False], [True, False]]))


def test_calibration_takes_off_what_is_easy_for_every_model():
    """Losses that differ between people by far more than a model remembers: only calibrated scores find members."""
    rng = np.random.default_rng(0)
    member = np.arange(400) < 200
    difficulty = rng.normal(scale=10, size=400)
    losses = difficulty + np.where(member, -1, 0) + rng.normal(scale=0.5, size=400)
    shadows = difficulty + rng.normal(scale=0.5, size=(4, 400))
    out = np.ones((4, 400), dtype=bool)
    calibrated = calibrated_scores(losses, shadows, out)
    raw = membership_figures(-losses[member], -losses[~member], n_bootstrap=10).loc["auc", "value"]
    found = membership_figures(calibrated[member], calibrated[~member], n_bootstrap=10).loc["auc", "value"]
    assert raw < 0.6
    # The difference of means is 1, that of noise .5 of one loss and of a mean of four.
    assert found == pytest.approx(norm.cdf(1 / np.sqrt(2 * 0.25 * (1 + 1 / 4))), abs=0.04)
