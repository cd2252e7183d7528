"""Saving and loading: the same bits, or an error that says what is wrong."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from small_cohorts import cohort, consecutive_blocks, linked_dosages

from gds.errors import UserError
from gds.features import Featurizer, GenePCA, GeneTokens


@pytest.fixture(scope="module")
def people():
    return cohort(linked_dosages(80, 30, missing=0.02))


@pytest.fixture(
    params=[GenePCA(3), GenePCA(0.8), GenePCA("reference"), GeneTokens(16)],
    ids=["k", "share", "reference", "tokens"],
)
def featurizer(request, people):
    return request.param.fit(people, consecutive_blocks(10, 1, 15, 4), np.arange(50))


def test_a_loaded_featurizer_is_the_saved_one(featurizer, people, tmp_path):
    featurizer.save_pretrained(tmp_path)
    loaded = Featurizer.from_pretrained(tmp_path)
    assert type(loaded) is type(featurizer)
    assert loaded.fingerprint() == featurizer.fingerprint()
    assert loaded.variants_.equals(featurizer.variants_)
    features = featurizer.transform(people)
    np.testing.assert_array_equal(loaded.transform(people), features)
    np.testing.assert_array_equal(loaded.inverse_transform(features), featurizer.inverse_transform(features))
    loaded.save_pretrained(tmp_path / "again")
    for name in ("preprocessor_config.json", "preprocessor.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_nobody_has_no_features(featurizer, people):
    assert featurizer.transform(people, np.array([], dtype=np.int64)).shape == (
        0,
        *featurizer.is_padding_.shape,
    )


def test_nobodys_id_is_saved(featurizer, people, tmp_path):
    featurizer.save_pretrained(tmp_path)
    for path in tmp_path.iterdir():
        assert people.samples["id"][0].encode() not in path.read_bytes()


def test_another_kind_is_refused(people, tmp_path):
    GeneTokens().fit(people, consecutive_blocks(30)).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="holds a GeneTokens, not a GenePCA"):
        GenePCA.from_pretrained(tmp_path)


def _edit_config(change: Callable[[dict], object]) -> Callable:
    def edit(folder) -> None:
        path = folder / "preprocessor_config.json"
        config = json.loads(path.read_text())
        change(config)
        path.write_text(json.dumps(config))

    return edit


def _edit_tensors(change: Callable[[dict], object]) -> Callable:
    def edit(folder) -> None:
        path = folder / "preprocessor.safetensors"
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path)

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_edit_tensors(lambda t: t.pop("loadings")), "missing tensors.*loadings"),
        (_edit_tensors(lambda t: t.update(extra=np.zeros(2))), "unexpected tensors.*extra"),
        (_edit_tensors(lambda t: t.update(loadings=t["loadings"][:-1].copy())), "expected loadings"),
        (
            _edit_tensors(lambda t: t.update(scale=t["scale"].astype(np.float32))),
            "expected scale of type float64",
        ),
        (_edit_tensors(lambda t: t["loadings"].__setitem__((0, 0), np.nan)), "loadings holds NaN"),
        (_edit_tensors(lambda t: t["loadings"].__setitem__((0, 0), 0.5)), "fingerprint"),
        (_edit_tensors(lambda t: t["block_variant_index"].__setitem__(0, 99)), "outside the variants"),
        (_edit_tensors(lambda t: t["variant_id"].__setitem__(0, 10)), "entries in variant_id"),
        (_edit_config(lambda c: c.update(kind="nmf")), "unknown kind of featurizer 'nmf'"),
        (_edit_config(lambda c: c.update(format_version=99)), "format version 1, found 99"),
        (_edit_config(lambda c: c["parameters"].pop("n_components")), "expected parameters"),
        (_edit_config(lambda c: c.pop("axes")), "missing or unexpected entries"),
        (_edit_config(lambda c: c.update(feature_extractor_type="Other")), "does not describe"),
        (lambda folder: (folder / "preprocessor.safetensors").write_bytes(b"not it"), "is damaged"),
        (lambda folder: (folder / "preprocessor.safetensors").unlink(), "does not exist"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), "does not exist"),
    ],
)
def test_whatever_is_wrong_with_the_files_is_said(people, tmp_path, edit, message):
    GenePCA(3).fit(people, consecutive_blocks(20, 10)).save_pretrained(tmp_path)
    edit(tmp_path)
    with pytest.raises(UserError, match=message):
        Featurizer.from_pretrained(tmp_path)


def test_an_unfitted_featurizer_says_so(people):
    with pytest.raises(UserError, match="not fitted"):
        GenePCA().transform(people)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.array([0, 80]), "in 0..79"),
        (np.array([], dtype=np.int64), "0 training people"),
        (np.ones(3, dtype=bool), "mask of 80"),
        (np.array([0.5]), "indices of samples"),
    ],
)
def test_samples_that_do_not_exist_are_refused(people, samples, message):
    with pytest.raises(UserError, match=message):
        GeneTokens().fit(people, consecutive_blocks(30), samples)
