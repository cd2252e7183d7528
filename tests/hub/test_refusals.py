"""What must not leave does not, what breaks leaves nothing behind, and what is not trusted is not loaded."""

import json
import pickle
import shutil

import numpy as np
import pytest
import yaml
from huggingface_hub import ModelCard
from safetensors.numpy import load_file, save_file

from gds.cli import run_command
from gds.errors import UserError
from gds.features import Featurizer
from gds.files import read_json, sha256, write_json
from gds.hub.push import push_folder
from gds.models import GdsForClassification, GdsModel
from gds.repository import local_folder
from gds.studies.pretraining.privacy_record import PrivacyRecord
from gds.training.arguments import training_arguments

TOKEN = "alice-token"


@pytest.fixture
def folder(classifier, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(classifier, tmp_path / "model")


def change_json(path, **changes):
    write_json(path, read_json(path) | changes)


def published(hub, name):
    return {path: file.content for path, file in hub.state.model(name).files.items()}


# -- who may -----------------------------------------------------------------------------------------------


def test_a_private_model_is_hidden_from_others(hub, classifier, tmp_path):
    push_folder(classifier, "alice/private", token=TOKEN)
    for token in (False, "bob-token", "not-a-token"):
        with pytest.raises(UserError, match="no such repository on the hub that you may read"):
            GdsModel.from_pretrained("alice/private", token=token, cache_dir=tmp_path)


@pytest.mark.parametrize(
    ("token", "name"), [("not-a-token", "alice/x"), ("bob-token", "alice/x"), (False, "alice/x")]
)
def test_pushing_needs_the_right_token(hub, classifier, token, name):
    with pytest.raises(UserError, match="that you may write"):
        push_folder(classifier, name, token=token)
    assert not hub.state.repositories


def test_a_public_repository_is_not_taken_for_private(hub, classifier):
    push_folder(classifier, "alice/open", token=TOKEN, private=False)
    before = hub.state.model("alice/open").branches["main"]
    with pytest.raises(UserError, match="is public already"):
        push_folder(classifier, "alice/open", token=TOKEN)
    assert hub.state.model("alice/open").branches["main"] == before


# -- broken ways -------------------------------------------------------------------------------------------


def test_a_connection_that_breaks_in_mid_upload_publishes_nothing(hub, classifier, denoiser, monkeypatch):
    import huggingface_hub.lfs as lfs
    from huggingface_hub.utils import http_backoff

    # The client tries five times and waits between; once tells as much.
    monkeypatch.setattr(lfs, "http_backoff", lambda *a, **k: http_backoff(*a, **(k | {"max_retries": 0})))
    push_folder(classifier, "alice/model", token=TOKEN)
    before = published(hub, "alice/model")
    hub.state.break_uploads = True
    for name in ("alice/model", "alice/new"):
        with pytest.raises(UserError, match="did not answer as expected"):
            push_folder(denoiser, name, token=TOKEN)
    assert published(hub, "alice/model") == before
    assert set(published(hub, "alice/new")) == {".gitattributes"}


def test_a_dry_run_asks_the_hub_nothing(hub, classifier, tmp_path, capsys):
    out = tmp_path / "out"
    assert run_command("push", [str(classifier), "alice/dry", "--dry-run", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "private model alice/dry, 6 files" in printed
    assert "membership: of 40 people" in printed
    assert not hub.state.requests
    assert GdsModel.from_pretrained(out).config.n_blocks == 8


# -- what may not leave ------------------------------------------------------------------------------------


def test_the_record_tells_nothing_of_machines_and_people(hub, classifier):
    push_folder(classifier, "alice/record", token=TOKEN)
    record = json.loads(published(hub, "alice/record")["run.json"])
    assert not {"command", "inputs", "platform"} & set(record)
    assert record["labelled_few"] == {"control": 30, "case": "fewer than 10"}
    assert record["training_people"] == 40
    text = b"".join(published(hub, "alice/record").values())
    assert not [person for person in (f"P{i:04d}" for i in range(60)) if person.encode() in text]
    assert str(classifier).encode() not in text


def test_a_table_of_people_among_the_weights_is_refused(hub, folder):
    weights = load_file(folder / "model.safetensors")
    save_file(weights | {"embeddings": np.zeros((60, 32), np.float32)}, folder / "model.safetensors")
    with pytest.raises(UserError, match=r"holds 1 tensors that config.json does not describe"):
        push_folder(folder, "alice/x", token=TOKEN)
    name = "classification_head.1.bias"
    save_file(weights | {name: np.zeros(60, np.float32)}, folder / "model.safetensors")
    with pytest.raises(UserError, match=r"classification_head.1.bias of type float32 and shape"):
        push_folder(folder, "alice/x", token=TOKEN)
    save_file(weights, folder / "model.safetensors", metadata={"people": "P0001,P0002"})
    with pytest.raises(UserError, match="carries text beside its weights"):
        push_folder(folder, "alice/x", token=TOKEN)
    assert not hub.state.requests


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"id2label": {"0": "control", "1": "P0001"}}),
        ("run.json", {"method": "weights of P0001"}),
    ],
)
def test_an_id_in_a_text_stops_the_push(hub, folder, file, change):
    change_json(folder / file, **change)
    with pytest.raises(UserError, match="names 1 of the people whom the model saw"):
        push_folder(folder, "alice/x", token=TOKEN)
    assert not hub.state.requests


def test_rare_variants_lose_frequency_and_loadings(hub, classifier, featurizer):
    push_folder(classifier, "alice/rare", token=TOKEN, min_allele_count=20)
    shown = Featurizer.from_pretrained("alice/rare", token=TOKEN)
    frequency = featurizer.allele_frequency_
    counts = np.rint(2 * 40 * np.minimum(frequency, 1 - frequency))
    is_rare = (counts > 0) & (counts < 20)
    assert 0 < is_rare.sum() < 96
    np.testing.assert_array_equal(shown.allele_frequency_, np.where(is_rare, np.rint(frequency), frequency))
    rows = is_rare[featurizer.blocks_.variant_index]
    assert not shown.loadings_[rows].any()
    np.testing.assert_array_equal(shown.loadings_[~rows], featurizer.loadings_[~rows])
    np.testing.assert_array_equal(shown.cut_points_[rows], np.tile(np.float32([0.5, 1.5]), (rows.sum(), 1)))
    assert f"{is_rare.sum()} of 96 had a rarer allele" in published(hub, "alice/rare")["README.md"].decode()


def test_other_ways_to_upload_are_closed(tmp_path):
    with pytest.raises(UserError, match="gds push"):
        training_arguments(tmp_path, seed=0, push_to_hub=True)


# -- what is not loaded ------------------------------------------------------------------------------------


def test_a_tampered_file_is_noticed(hub, classifier):
    push_folder(classifier, "alice/whole", token=TOKEN)
    files = published(hub, "alice/whole")
    weights = bytearray(files["model.safetensors"])
    weights[-1] ^= 1
    hub.state.put("alice/tampered", files | {"model.safetensors": bytes(weights)})
    with pytest.raises(UserError, match="is not the file that was pushed"):
        GdsForClassification.from_pretrained("alice/tampered")
    del files["preprocessor.safetensors"]
    hub.state.put("alice/partial", files)
    with pytest.raises(UserError, match=r"is missing, but run.json lists it"):
        GdsForClassification.from_pretrained("alice/partial")


def test_pickles_are_never_fetched(hub, classifier):
    class Evil:
        def __reduce__(self):
            return (exec, ("raise SystemExit('ran')",))

    config = (classifier / "config.json").read_bytes()
    hub.state.put("alice/pickle", {"config.json": config, "pytorch_model.bin": pickle.dumps(Evil())})
    with pytest.raises(UserError, match="a pickle can run code"):
        GdsModel.from_pretrained("alice/pickle")
    with pytest.raises(UserError, match="pickles are never loaded"):
        GdsModel.from_pretrained(classifier, use_safetensors=False)
    assert not any("pytorch_model" in request for request in hub.state.requests)


def test_paths_outside_the_folder_are_never_fetched(hub, classifier, tmp_path):
    files = {name: (classifier / name).read_bytes() for name in ("config.json", "model.safetensors")}
    hub.state.put("alice/escape", files | {"../../../escaped": b"x", "../run.json": b"{}"})
    local_folder("alice/escape", cache_dir=tmp_path / "a" / "b")
    assert not any("escaped" in str(path) for path in tmp_path.rglob("*"))
    assert not any(".." in request for request in hub.state.requests)
    record = json.dumps({"sha256": {"../../secret": "0" * 64}}).encode()
    hub.state.put("alice/escape-2", files | {"run.json": record})
    with pytest.raises(UserError, match="which is no file of a model"):
        local_folder("alice/escape-2")


def test_code_is_never_run(hub, folder):
    change_json(folder / "config.json", auto_map={"AutoModel": "evil.Model"})
    files = {name: (folder / name).read_bytes() for name in ("config.json", "model.safetensors")}
    hub.state.put("alice/code", files | {"evil.py": b"raise SystemExit('ran')"})
    for name in ("alice/code", str(folder)):
        with pytest.raises(UserError, match="asks for code of its own"):
            GdsModel.from_pretrained(name)
    assert not any("evil.py" in request for request in hub.state.requests)


def test_another_version_is_told(hub, folder):
    change_json(folder / "config.json", dropout_of_the_future=0.1)
    with pytest.raises(
        UserError, match="does not know \\(dropout_of_the_future\\): it was written by another version"
    ):
        GdsModel.from_pretrained(folder)
    description = read_json(folder / "preprocessor_config.json")
    write_json(folder / "preprocessor_config.json", description | {"format_version": 99})
    with pytest.raises(UserError, match="expected format version"):
        Featurizer.from_pretrained(folder)


# -- the card ----------------------------------------------------------------------------------------------


def test_the_card_is_valid_and_carries_the_figures(hub, folder, tmp_path):
    rows = [
        {"method": "probe", "metric": "auroc", "value": 0.71, "lower": 0.64, "upper": 0.78},
        {"method": "chance", "metric": "auroc", "value": 0.5, "lower": 0.5, "upper": 0.5},
        {"method": "probe", "metric": "log_loss", "value": None},
    ]
    write_json(folder / "metrics.json", {"metrics": rows})
    guarantee = PrivacyRecord(
        epsilon=8.0, delta=1e-4, unit="person", units=40, accountant="prv", noise_multiplier=1.5, sample_rate=0.25,
        steps=100, clip_norm=1.0, noise="operating system", outside=["quality control"],
        weights=sha256(folder / "model.safetensors"),
    )  # fmt: skip
    change_json(folder / "run.json", privacy=guarantee.content())
    push_folder(folder, "alice/card", token=TOKEN, data_use="Consent for research.", licence="cc-by-4.0")
    text = published(hub, "alice/card")["README.md"].decode()
    card = ModelCard(text)
    assert card.data.license == "cc-by-4.0"
    assert [result.metric_value for result in card.data.eval_results] == [0.71, 0.5]
    index = yaml.safe_load(text.split("---")[1])["model-index"]
    assert index[0]["name"] == "alice/card"
    for result in index[0]["results"]:
        assert result["task"]["type"] == "genotype-classification"
        assert result["dataset"]["name"]
        assert result["dataset"]["type"]
    for part in (
        "Consent for research.", "| probe | auroc | 0.71 | 0.64 to 0.78 |", "40 people: the featurizer", "hg19",
        "epsilon 8, delta 0.0001", "- quality control", "Sankararaman", "Not for clinical use",
        'model="alice/card"', "control 30",
    ):  # fmt: skip
        assert part in text, part
