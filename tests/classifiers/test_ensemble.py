"""An ensemble is the normalised geometric mean of its members, of dosages and haplotypes alike."""

import numpy as np

from gds.classifiers.base import Candidate
from gds.classifiers.baselines import METHODS
from gds.classifiers.ensemble import Ensemble, mean_log_posterior
from tests.classifiers.test_haplotype_methods import mosaics


def test_mean_of_log_posteriors_by_hand():
    first, second = np.array([[0.5, 0.5]]), np.array([[0.8, 0.2]])
    np.testing.assert_allclose(mean_log_posterior([first, second]), [[2 / 3, 1 / 3]])
    np.testing.assert_allclose(mean_log_posterior([first, second], product=True), second)


def test_members_read_dosages_or_haplotypes_of_the_same_people():
    X, y = mosaics(90)
    X[3, 5, 1] = -1
    dosage = np.where((X < 0).any(axis=2), -1, X.sum(axis=2)).astype(np.int8)
    columns = np.arange(0, 128, 2)
    make = {name: METHODS[name].make for name in ("HWE-EM", "haplotype directions")}
    model = Ensemble(
        {
            "HWE-EM": Candidate(make["HWE-EM"](0), columns),
            "haplotype directions": Candidate(make["haplotype directions"](0), reads="haplotypes"),
        }
    ).fit(X[:12], y[:12], unlabelled=X[12:60])
    first = make["HWE-EM"](0).fit(dosage[:12, columns], y[:12], unlabelled=dosage[12:60][:, columns])
    second = make["haplotype directions"](0).fit(X[:12], y[:12], unlabelled=X[12:60])
    expected = mean_log_posterior([first.predict_proba(dosage[60:, columns]), second.predict_proba(X[60:])])
    np.testing.assert_allclose(model.predict_proba(X[60:]), expected)
