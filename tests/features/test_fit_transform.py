"""One pass over the genotypes gives the bytes of two."""

import numpy as np
import pytest
from small_cohorts import cohort, consecutive_blocks, linked_dosages

from gds.features import GenePCA, GeneTokens

SIZES = (1, 3, 30, 7, 40, 12)
TRAINING = np.arange(0, 150, 2)
OTHERS = np.arange(1, 150, 2)


@pytest.fixture(scope="module")
def people():
    return cohort(linked_dosages(150, sum(SIZES), missing=0.03, seed=5))


KINDS = [GenePCA(4), GenePCA(4, cut_points=False), GenePCA(0.8), GenePCA("reference"), GeneTokens(40)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("others", [OTHERS, OTHERS[:0], np.array([5, 3])])
def test_one_pass_is_fit_and_transform(people, kind, others):
    blocks = consecutive_blocks(*SIZES)
    once, twice = (type(kind)(**kind.parameters()) for _ in range(2))
    features = once.fit_transform(people, blocks, TRAINING, others, n_jobs=2)
    expected = twice.fit(people, blocks, TRAINING).transform(people, np.concatenate([TRAINING, others]))
    np.testing.assert_array_equal(features, expected)
    assert features.dtype == expected.dtype
    assert once.fingerprint() == twice.fingerprint()


def test_one_pass_reads_each_block_of_each_group_once(people, monkeypatch):
    asked = []
    read = people.read
    monkeypatch.setattr(
        people, "read", lambda variants, samples: (asked.append(len(samples)), read(variants, samples))[1]
    )
    GenePCA(4).fit_transform(people, consecutive_blocks(*SIZES), TRAINING, OTHERS)
    assert asked == [75, 75]


def test_one_pass_writes_into_a_memory_map(people, tmp_path, monkeypatch):
    monkeypatch.setattr("gds.features.feature_rows._MAPPED_BYTES", 0)  # let go of the pages at every write
    monkeypatch.setattr("gds.features.feature_rows._STAGED_BYTES", 1)
    blocks = consecutive_blocks(*SIZES)
    out = np.lib.format.open_memmap(tmp_path / "features.npy", "w+", np.float32, (150, len(SIZES), 4))
    pca = GenePCA(4)
    assert pca.fit_transform(people, blocks, TRAINING, OTHERS, out=out) is out
    np.testing.assert_array_equal(out, pca.transform(people, np.concatenate([TRAINING, OTHERS])))


def test_an_array_to_fill_needs_a_known_number_of_channels(people):
    with pytest.raises(ValueError, match="depends on the fit"):
        GenePCA(0.8).fit_transform(
            people, consecutive_blocks(*SIZES), TRAINING, OTHERS, out=np.empty((150, len(SIZES), 4))
        )
