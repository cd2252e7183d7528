import numpy as np
import pytest

from gds.errors import UserError
from gds.studies.synthetic.utility import recovery_rates


@pytest.fixture(scope="module")
def people():
    """Two populations whose frequencies differ."""
    rng = np.random.default_rng(0)
    frequency = rng.uniform(0.2, 0.8, (2, 60))

    def draw(n):
        labels = np.arange(n) % 2
        return rng.binomial(2, frequency[labels]).astype(np.int8), np.array(["a", "b"])[labels]

    return draw(80), draw(60), draw(120)


@pytest.mark.parametrize("method", ["logistic", "lda", "mlp", "cnn", "transformer"])
def test_good_synthetic_people_recover_the_accuracy(people, method):
    recovery, by_fraction = recovery_rates(*people, methods=[method], fractions=[0.1])
    row = recovery.iloc[0]
    assert row["real"] > 0.85
    assert row["recovery"] == row["synthetic"] / row["real"]
    assert row["recovery"] > 0.9
    assert (row["n"], row["chance"]) == (80, 0.5)
    assert row["synthetic_lower"] < row["synthetic"] <= row["synthetic_upper"] + 1e-9
    # Two real halves are as good as each other, but for chance.
    assert row["real_half_recovery"] == pytest.approx(1, abs=0.15)
    # Frequencies alone tell these two populations apart, so generators in closed form do as well.
    assert row["independent_sites"] > 0.8
    assert row["gaussian_threshold"] > 0.8
    assert by_fraction.loc[0, "n_real"] == 8
    assert by_fraction.loc[0, "real_and_synthetic"] >= by_fraction.loc[0, "real"] - 0.05


def test_people_with_shuffled_labels_recover_chance(people):
    train, test, (dosage, labels) = people
    shuffled = np.random.default_rng(1).permutation(labels)
    recovery, _ = recovery_rates(train, test, (dosage, shuffled), methods=["logistic"], fractions=[])
    assert recovery.loc[0, "synthetic"] < 0.75


def test_without_two_classes_in_each_half_nothing_is_said_of_halves(people):
    (dosage, labels), test, synthetic = people
    rows = [0, 2, 4, 1]  # one person of class b, who is in one half only
    recovery, _ = recovery_rates((dosage[rows], labels[rows]), test, synthetic, methods=["lda"], fractions=[])
    assert np.isnan(recovery.loc[0, "real_half_recovery"])


def test_mistakes_are_told(people):
    train, test, (dosage, labels) = people
    with pytest.raises(UserError, match="logistic"):
        recovery_rates(train, test, (dosage, labels), methods=["logistc"])
    with pytest.raises(UserError, match="two classes"):
        recovery_rates(train, test, (dosage, np.full(len(labels), "a")))
