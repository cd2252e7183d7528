"""A LoRA adapter of an encoder on the hub: pushed, and loaded merged."""

import shutil

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from gds.cli import run_command
from gds.errors import UserError
from gds.files import read_json
from gds.hub.push import push_folder
from gds.models import GdsForClassification
from gds.repository import local_folder

peft = pytest.importorskip("peft")
TOKEN = "alice-token"


@pytest.fixture
def adapter(denoiser, tmp_path):
    """Folder of a trained-looking adapter of the denoiser's encoder with a head, and the model it stands for."""
    torch.manual_seed(0)
    model = GdsForClassification.from_pretrained(denoiser, num_labels=2, id2label={0: "control", 1: "case"})
    lora = peft.LoraConfig(r=2, target_modules="all-linear", modules_to_save=["classification_head"])
    adapted = peft.get_peft_model(model, lora)
    with torch.no_grad():
        for value in adapted.parameters():
            if value.requires_grad:
                value.normal_(std=0.3)
    folder = tmp_path / "adapter"
    adapted.save_pretrained(folder)
    model.config.architectures = ["GdsForClassification"]
    model.config.save_pretrained(folder)
    for name in ("preprocessor_config.json", "preprocessor.safetensors"):
        shutil.copyfile(denoiser / name, folder / name)
    return folder, adapted.eval()


def test_an_adapter_comes_back_merged(hub, denoiser, adapter, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    folder, adapted = adapter
    assert (
        run_command("push", [str(folder), "alice/lora"]) == 2
    )  # it names a local folder, which nobody else has
    push_folder(denoiser, "alice/encoder", min_allele_count=0)
    assert run_command("push", [str(folder), "alice/lora", "--base-model", "alice/encoder"]) == 0
    files = set(hub.state.model("alice/lora").files)
    assert {"adapter_config.json", "adapter_model.safetensors", "preprocessor.safetensors"} <= files
    assert "model.safetensors" not in files
    published = local_folder("alice/lora")
    assert read_json(published / "adapter_config.json")["base_model_name_or_path"] == "alice/encoder"
    features = torch.randn(5, 8, 3, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = adapted(features=features).logits
    for load in (GdsForClassification, AutoModelForSequenceClassification):
        model = load.from_pretrained("alice/lora").eval()
        assert model.config.id2label == {0: "control", 1: "case"}
        with torch.inference_mode():
            torch.testing.assert_close(model(features=features).logits, expected, atol=1e-5, rtol=1e-5)


def test_an_adapter_carries_nothing_else(hub, adapter):
    from safetensors.torch import load_file, save_file

    weights = load_file(adapter[0] / "adapter_model.safetensors")
    save_file(weights | {"people": torch.zeros(60, 3)}, adapter[0] / "adapter_model.safetensors")
    from gds.hub.model_folder import assemble_model

    (adapter[0] / "out").mkdir()
    with pytest.raises(UserError, match="holds 1 tensors"):
        assemble_model(adapter[0], adapter[0] / "out", repo_id="alice/lora", base_model="alice/encoder")
