import datasets
import numpy as np
import pytest
import torch

from gds.errors import UserError
from gds.training import FeatureDataset


@pytest.mark.parametrize("kind", ["float32", "float16", "int8"])
def test_batches_are_the_rows(kind, arrow_dataset):
    values = np.arange(-1, 2, dtype=kind)[np.random.default_rng(0).integers(0, 3, (20, 6))]
    labels = np.arange(20)
    data = FeatureDataset(arrow_dataset(values, labels), 3, 2)
    batch = data.__getitems__([7, 3, 3])
    expected = torch.from_numpy(values[[7, 3, 3]].reshape(3, 3, 2))
    assert batch["features"].dtype == expected.dtype
    assert torch.equal(batch["features"], expected)
    assert batch["labels"].tolist() == [7, 3, 3]
    assert batch["sample"].tolist() == [7, 3, 3]
    assert data[4]["labels"] == 4


def test_selections_shuffles_and_chunks_are_followed(tmp_path, arrow_dataset):
    values = np.random.default_rng(0).normal(size=(30, 6)).astype(np.float32)
    parts = [arrow_dataset(values[a:b], np.arange(a, b)) for a, b in ((0, 7), (7, 8), (8, 30))]
    whole = datasets.concatenate_datasets(parts)
    whole.save_to_disk(tmp_path / "data")
    for stored in (whole, datasets.load_from_disk(tmp_path / "data"), whole.select(range(5, 29))):
        chosen = stored.shuffle(seed=1)
        data = FeatureDataset(chosen, 3, 2)
        batch = data.__getitems__(list(range(len(data))))
        assert np.array_equal(batch["features"].numpy().reshape(-1, 6), np.asarray(chosen["features"]))
        assert batch["labels"].tolist() == list(chosen["labels"])


def test_nothing_is_copied_until_asked_for(arrow_dataset):
    values = np.zeros((10, 6), dtype=np.float32)
    data = FeatureDataset(arrow_dataset(values, np.zeros(10, dtype=np.int64)), 3, 2)
    assert not any(chunk.flags.owndata for chunk in data._chunks)


def test_most_frequent_dosage(arrow_dataset):
    values = np.array([[0, 2, -1], [0, 2, -1], [1, -1, -1], [1, 1, -1], [1, -1, -1]], dtype=np.int8)
    data = FeatureDataset(arrow_dataset(values, np.zeros(5, dtype=np.int64)), 1, 3)
    assert data.most_frequent_dosage().tolist() == [[1, 2, 0]]


def test_bad_data_is_explained(arrow_dataset):
    bad = np.zeros((5, 6), dtype=np.float32)
    bad[3, 4] = np.nan
    zeros = np.zeros(5, dtype=np.int64)
    with pytest.raises(UserError, match=r"row 3, block 2, channel 0.*nan"):
        FeatureDataset(arrow_dataset(bad, zeros), 3, 2)
    with pytest.raises(UserError, match="found 5"):
        FeatureDataset(arrow_dataset(np.full((5, 6), 5, dtype=np.int8), zeros), 3, 2)
    with pytest.raises(UserError, match="another model"):
        FeatureDataset(arrow_dataset(np.zeros((5, 6), dtype=np.float32), zeros), 3, 3)
    with pytest.raises(UserError, match="'features'"):
        FeatureDataset(datasets.Dataset.from_dict({"x": [1]}), 1, 1)


def test_labels_default_to_unlabelled(arrow_dataset):
    dataset = arrow_dataset(np.zeros((5, 6), dtype=np.float32), np.zeros(5, dtype=np.int64))
    assert (FeatureDataset(dataset.remove_columns("labels"), 3, 2).labels == -100).all()
