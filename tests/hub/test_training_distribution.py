"""Where training people lie travels with a model: aggregates of common variants, checked, and nothing else."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from gds.errors import UserError
from gds.features.training_distribution import TrainingDistribution
from gds.hub.push import push_folder
from gds.repository import TRAINING_DISTRIBUTION, local_folder
from tests.cohorts import tiny_genotypes

TOKEN = "alice-token"


@pytest.fixture
def folder(classifier, tmp_path):
    return shutil.copytree(classifier, tmp_path / "model")


@pytest.fixture
def distribution(folder):
    pruned = np.arange(0, 96, 4)  # of linked runs of four
    found = TrainingDistribution.fit(tiny_genotypes(n_samples=200).dosage[:, pruned], pruned)
    found.save(folder)
    return found


def test_it_is_pushed_and_loaded(hub, folder, distribution):
    push_folder(folder, "alice/flags", token=TOKEN, min_allele_count=0)
    loaded = TrainingDistribution.load(local_folder("alice/flags", token=TOKEN))
    for name in distribution.expected():
        np.testing.assert_array_equal(getattr(loaded, name), getattr(distribution, name), err_msg=name)


def test_rare_variants_say_nothing(hub, folder, featurizer, distribution):
    push_folder(folder, "alice/rareflags", token=TOKEN, min_allele_count=20)
    loaded = TrainingDistribution.load(local_folder("alice/rareflags", token=TOKEN))
    frequency = featurizer.allele_frequency_[distribution.variant_index]
    is_rare = np.rint(2 * 40 * np.minimum(frequency, 1 - frequency)) < 20
    assert 0 < is_rare.sum() < len(is_rare)
    assert not loaded.loadings[is_rare].any()
    assert not loaded.mean[is_rare].any()
    np.testing.assert_array_equal(loaded.loadings[~is_rare], distribution.loadings[~is_rare])


def test_rows_of_people_and_other_variants_are_refused(hub, folder, distribution):
    tensors = {name: getattr(distribution, name) for name in distribution.expected()}
    save_file(tensors | {"scores": np.zeros((200, 6))}, folder / TRAINING_DISTRIBUTION)
    with pytest.raises(UserError, match="expected variant_index, mean"):
        push_folder(folder, "alice/x", token=TOKEN)
    replace(distribution, variant_index=distribution.variant_index + 90).save(folder)
    with pytest.raises(UserError, match="variants that the featurizer does not have"):
        push_folder(folder, "alice/x", token=TOKEN)
    save_file(tensors, folder / TRAINING_DISTRIBUTION, metadata={"people": "P0001"})
    push_folder(folder, "alice/clean", token=TOKEN)
    assert b"P0001" not in hub.state.model("alice/clean").files[TRAINING_DISTRIBUTION].content
    assert distribution.n_people[0] == 200
