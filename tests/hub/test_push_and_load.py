"""What is pushed comes back the same, through every class, with the client that users have."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file
from transformers import AutoFeatureExtractor, AutoModel, AutoModelForSequenceClassification

from gds.cli import run_command
from gds.errors import UserError
from gds.features import Featurizer
from gds.files import read_json
from gds.generation import GenotypeGenerator
from gds.genotypes import write_genotypes
from gds.hub.push import push_folder
from gds.models import GdsConfig, GdsForClassification, GdsForDiffusion, GdsModel
from gds.repository import local_folder, parse_hub_name
from tests.hub.repositories import HubState

TOKEN = "alice-token"
PUBLISHED = {
    "README.md", "config.json", "model.safetensors", "preprocessor.safetensors", "preprocessor_config.json",
    "run.json",
}  # fmt: skip


def pushed(state: HubState, name: str) -> set[str]:
    return set(state.model(name).files) - {".gitattributes"}


def test_a_classifier_comes_back_bit_for_bit_and_nothing_else_leaves(hub, classifier):
    address = push_folder(classifier, "alice/als", token=TOKEN, min_allele_count=0)
    repository = hub.state.model("alice/als")
    assert address.endswith(repository.branches["main"])
    assert repository.private
    assert pushed(hub.state, "alice/als") == PUBLISHED

    folder = local_folder("alice/als", token=TOKEN)
    assert (folder / "model.safetensors").read_bytes() == (classifier / "model.safetensors").read_bytes()
    for name, expected in load_file(classifier / "preprocessor.safetensors").items():
        np.testing.assert_array_equal(load_file(folder / "preprocessor.safetensors")[name], expected)
    assert (
        Featurizer.from_pretrained(folder).fingerprint()
        == Featurizer.from_pretrained(classifier).fingerprint()
    )
    assert (
        GdsConfig.from_pretrained(folder).to_dict().items() >= {"id2label": {0: "control", 1: "case"}}.items()
    )


@pytest.mark.parametrize(
    "load",
    [
        GdsModel,
        AutoModel,
        GdsForClassification,
        AutoModelForSequenceClassification,
        Featurizer,
        AutoFeatureExtractor,
    ],
)
def test_every_class_loads_by_the_name_on_the_hub(hub, classifier, load):
    push_folder(classifier, "alice/als", token=TOKEN, private=False, min_allele_count=0)
    here, there = load.from_pretrained(str(classifier)), load.from_pretrained("alice/als")
    assert type(here) is type(there)
    if isinstance(here, Featurizer):
        assert here.fingerprint() == there.fingerprint()
        return
    for (name, expected), found in zip(here.state_dict().items(), there.state_dict().values(), strict=True):
        assert torch.equal(expected, found), name


def test_a_generator_comes_back_with_its_scheduler(hub, denoiser):
    generator = GenotypeGenerator.from_pretrained(denoiser, device="cpu")
    generator.push_to_hub("alice/denoiser", token=TOKEN, min_allele_count=0)
    assert pushed(hub.state, "alice/denoiser") == PUBLISHED | {"scheduler_config.json"}
    loaded = GenotypeGenerator.from_pretrained("alice/denoiser", device="cpu", token=TOKEN)
    assert loaded.scheduler_config == generator.scheduler_config
    people = [each.generate(2, seed=1, num_inference_steps=4) for each in (generator, loaded)]
    np.testing.assert_array_equal(*people)


def test_every_class_goes_through_the_same_door(hub, classifier, tmp_path, featurizer):
    model = GdsForClassification.from_pretrained(classifier)
    model.push_to_hub("alice/again", token=TOKEN, min_allele_count=0)
    assert hub.state.model("alice/again").private
    assert pushed(hub.state, "alice/again") == PUBLISHED
    # These weights are those of the folder, so that its record speaks of them; of others it does not.
    assert read_json(local_folder("alice/again", token=TOKEN) / "run.json")["steps"] == 7
    with torch.no_grad():
        model.classification_head[-1].bias.add_(1)
    model.push_to_hub("alice/changed", token=TOKEN, featurizer=featurizer)
    assert "steps" not in read_json(local_folder("alice/changed", token=TOKEN) / "run.json")

    fresh = GdsForClassification(model.config)
    with pytest.raises(UserError, match="not loaded with a featurizer"):
        fresh.push_to_hub("alice/fresh", token=TOKEN)
    for save in (fresh.save_pretrained, model.config.save_pretrained):
        with pytest.raises(UserError, match="gds push"):
            save(str(tmp_path / "alice"), push_to_hub=True)
    with pytest.raises(UserError, match="gds push"):
        model.config.push_to_hub("alice/config")
    assert ("model", "alice/fresh") not in hub.state.repositories
    assert not any("create" in request for request in hub.state.requests[-3:])


def test_revisions_and_folders_and_offline(hub, denoiser, classifier, monkeypatch):
    push_folder(classifier, "alice/branches", token=TOKEN)
    first = hub.state.model("alice/branches").branches["main"]
    push_folder(denoiser, "alice/branches", token=TOKEN, revision="diffusion")
    state = hub.state.model("alice/branches")
    assert state.branches["main"] == first
    assert AutoModel.from_pretrained("alice/branches", token=TOKEN).config.architectures == [
        "GdsForClassification"
    ]
    for name, options in (("alice/branches@diffusion", {}), ("alice/branches", {"revision": "diffusion"})):
        assert GdsForDiffusion.from_pretrained(name, token=TOKEN, **options).config.use_timestep
    with pytest.raises(UserError, match="no such revision"):
        GdsModel.from_pretrained("alice/branches", revision="nowhere", token=TOKEN)

    below = {f"encoder/{name}": file.content for name, file in state.files.items() if name in PUBLISHED}
    hub.state.put("alice/nested", below)
    assert GdsModel.from_pretrained("alice/nested", subfolder="encoder").config.n_blocks == 8
    assert GdsModel.from_pretrained("alice/nested/encoder").config.n_blocks == 8
    with pytest.raises(UserError, match="holds no model of gds"):
        GdsModel.from_pretrained("alice/nested")

    # What was fetched once needs no hub any more.
    hub.state.is_down = True
    assert (
        GdsModel.from_pretrained("alice/branches", revision=first, local_files_only=True).config.n_blocks == 8
    )
    with pytest.raises(UserError, match="not \\(wholly\\) in the cache"):
        GdsModel.from_pretrained("alice/never-seen", local_files_only=True)


def test_a_second_push_deletes_what_is_no_longer_there(hub, denoiser, classifier):
    push_folder(denoiser, "alice/model", token=TOKEN)
    assert "scheduler_config.json" in pushed(hub.state, "alice/model")
    push_folder(classifier, "alice/model", token=TOKEN)
    assert pushed(hub.state, "alice/model") == PUBLISHED


def test_large_files_in_parts(hub, classifier):
    hub.state.multipart_bytes = 10_000
    push_folder(classifier, "alice/parts", token=TOKEN)
    stored = hub.state.model("alice/parts").files["model.safetensors"].content
    assert stored == (classifier / "model.safetensors").read_bytes()
    assert any(request.endswith("/complete") for request in hub.state.requests)


def test_the_pipeline_classifies_a_cohort_from_the_hub(hub, classifier, genotypes, tmp_path):
    from transformers import pipeline

    write_genotypes(genotypes, tmp_path / "cohort.vcf.gz")
    push_folder(classifier, "alice/als", token=TOKEN, private=False, min_allele_count=0)
    classify = pipeline("genotype-classification", model="alice/als")
    found = classify(str(tmp_path / "cohort.vcf.gz"))
    assert [person["id"] for person in found] == genotypes.samples["id"].tolist()
    assert classify.alignment["same"] == 96
    with torch.inference_mode():
        features = torch.from_numpy(Featurizer.from_pretrained(classifier).transform(genotypes))
        logits = GdsForClassification.from_pretrained(classifier).eval()(features).logits
    expected = logits.softmax(dim=1).numpy()
    names = np.array(["control", "case"])
    assert [person["label"] for person in found] == names[expected.argmax(axis=1)].tolist()
    np.testing.assert_allclose([person["score"] for person in found], expected.max(axis=1), atol=1e-6)
    both = classify([tmp_path / "cohort.vcf.gz"], top_k=None)
    assert len(both) == 120
    with pytest.raises(UserError, match="no parameter 'topk'"):
        classify(tmp_path / "cohort.vcf.gz", topk=1)


def test_a_pipeline_needs_a_classifier(denoiser):
    from transformers import pipeline

    with pytest.raises(UserError, match="holds a GdsForDiffusion, which does not classify"):
        pipeline("genotype-classification", model=str(denoiser))


def test_commands_take_names_on_the_hub(hub, classifier, denoiser, genotypes, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    write_genotypes(genotypes, tmp_path / "cohort.bed")
    assert run_command("push", [str(classifier), "alice/als", "--min-allele-count", "0"]) == 0
    assert "pushed: " in capsys.readouterr().out
    for model, out in ((str(classifier), "here.tsv"), ("alice/als", "there.tsv")):
        arguments = ["--model", model, "--genotypes", tmp_path / "cohort.bed", "--out", tmp_path / out]
        assert run_command("predict", [str(each) for each in arguments]) == 0
    assert (tmp_path / "here.tsv").read_bytes() == (tmp_path / "there.tsv").read_bytes()
    embed = ["--genotypes", tmp_path / "cohort.bed", "--projections", "pca", "--out", tmp_path / "x.parquet"]
    assert run_command("embed", ["--model", "alice/als@main", *map(str, embed)]) == 0
    assert run_command("push", [str(denoiser), "alice/denoiser"]) == 0
    generate = ["--model", "alice/denoiser", "--n", "3", "--steps", "4", "--out", tmp_path / "s.pgen"]
    assert run_command("generate", [str(each) for each in generate]) == 0


def test_finetune_takes_an_encoder_of_the_hub(hub, denoiser, genotypes, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    write_genotypes(genotypes, tmp_path / "cohort.bed")
    label = pd.Series(np.arange(len(genotypes.samples)) % 2, genotypes.samples["id"], name="case")
    label.to_csv(tmp_path / "people.tsv", sep="\t", index_label="id")
    assert run_command("push", [str(denoiser), "alice/encoder", "--min-allele-count", "0"]) == 0
    arguments = ["--genotypes", tmp_path / "cohort.bed", "--phenotypes", tmp_path / "people.tsv"]
    arguments += ["--label-column", "case", "--n-labels", "20", "--no-audit", "--out", tmp_path / "case"]
    capsys.readouterr()
    code = run_command("finetune", [*map(str, arguments), "--encoder", "alice/encoder"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert "alice/encoder does not say whom it was trained on" in printed.out
    assert (tmp_path / "case" / "report.html").is_file()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("org/name", ("org/name", None, "")),
        ("org/name@v1", ("org/name", "v1", "")),
        ("org/name@v1/sub/folder", ("org/name", "v1", "sub/folder")),
        ("org/name/sub", ("org/name", None, "sub")),
        ("name", None),
        ("/org/name", None),
        ("../name", None),
        ("org/name/../../x", None),
        ("./runs/x", None),
    ],
)
def test_names_on_the_hub(text, expected):
    found = parse_hub_name(text)
    assert (found and (found.repo_id, found.revision, found.folder)) == expected


@pytest.mark.parametrize(
    "imports",
    ["import gds\nimport transformers", "import transformers\nimport gds", "import gds.models.configuration"],
)
def test_the_auto_classes_know_gds_in_any_order_of_imports(classifier, imports):
    code = f"""{imports}
from transformers import AutoModel, AutoFeatureExtractor
print(type(AutoModel.from_pretrained({str(classifier)!r})).__name__)
print(type(AutoFeatureExtractor.from_pretrained({str(classifier)!r})).__name__)
from transformers.pipelines import PIPELINE_REGISTRY
print("genotype-classification" in PIPELINE_REGISTRY.get_supported_tasks())"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["GdsModel", "GenePCA", "True"], done.stderr
