"""Encoders of single splits: trained once, on training people, and every method that is made of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gds.studies.label_efficiency import pretrained_split_methods
from gds.studies.label_efficiency.budgets import parse_budget
from gds.studies.label_efficiency.pretrained_split_methods import ENCODERS, Recipe
from gds.studies.label_efficiency.repeated_splits import run_over_splits
from gds.studies.label_efficiency.split_encoder import embed_everyone, split_encoder
from gds.studies.label_efficiency.split_methods import split_methods
from gds.studies.label_efficiency.split_task import LabelledGenotypes, split_study
from tests.cohorts import tiny_genotypes

SMALL = (
    "features.blocks=window:16", "training.num_train_epochs=1", "training.disable_tqdm=true",
    "training.per_device_train_batch_size=32",
)  # fmt: skip
TINY = {
    "contrastive": ("model.hidden_size=8",),
    "masked": ("model.hidden_size=16", "model.num_hidden_layers=2", "model.num_attention_heads=2"),
    "masked MLP": ("model.mlp_sizes=[16, 8]",),
    "diffusion": ("model.hidden_size=16", "model.num_hidden_layers=2", "model.num_attention_heads=2"),
}


@pytest.fixture
def study():
    """160 phased people of two populations."""
    g = tiny_genotypes(n_samples=160, n_variants=64)
    dosage = np.maximum(g.dosage, 0)
    first = np.where(dosage == 1, np.random.default_rng(0).integers(0, 2, dosage.shape), dosage == 2)
    haplotypes = np.stack([first, dosage - first], axis=-1).astype(np.int8)
    return LabelledGenotypes(
        "tiny", replace(g, dosage=dosage, haplotypes=haplotypes), labels=np.arange(160) % 2, dense=False
    )


@pytest.fixture
def tiny_encoders(monkeypatch):
    small = {
        name: Recipe(recipe.objective, (*SMALL, *TINY[name]), recipe.preset, recipe.by_haplotype)
        for name, recipe in ENCODERS.items()
    }
    monkeypatch.setattr(pretrained_split_methods, "ENCODERS", small)
    return small


def test_methods_with_a_pretrained_model_run_by_name(study, tiny_encoders, tmp_path):
    names = [
        "contrastive, mixture", "contrastive, LDA with PCs", "contrastive, windowed propagation",
        "masked, probe, tuned view", "diffusion, mixture", "HWE-EM, masked prior", "HWE-EM, component prior",
        "contrastive, mixture x diffusion, mixture",
    ]  # fmt: skip
    table = run_over_splits(
        study, split_methods(names), [parse_budget("20")], splits=[0], path=tmp_path / "r.csv", work=tmp_path / "work"
    )  # fmt: skip
    assert set(table["method"]) == set(names)
    roles = table.drop_duplicates("method").set_index("method")["role"]
    assert roles["HWE-EM, component prior"] == "control"
    assert roles["masked, probe, tuned view"] == "encoder"


def test_an_encoder_sees_training_people_only_and_is_trained_once(study, tiny_encoders, tmp_path):
    people = split_study(study, 1, tmp_path)
    config = tiny_encoders["contrastive"].config()
    folder = split_encoder(people, "contrastive", config)
    seen = pd.read_csv(folder / "people.tsv", sep="\t")["id"]
    assert sorted(seen) == sorted(study.genotypes.samples["id"].iloc[people.train])
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert split_encoder(people, "contrastive", config) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    # Other test people: the same weights.
    changed = study.genotypes.dosage.copy()
    changed[people.test] = 0
    other = replace(
        study,
        genotypes=replace(study.genotypes, dosage=changed, haplotypes=study.genotypes.haplotypes.copy()),
    )
    other.genotypes.haplotypes[people.test] = 0
    again = split_encoder(split_study(other, 1, tmp_path / "other"), "contrastive", config)
    assert (again / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    from gds.classifiers.networks.embedding import EmbeddingView

    local = embed_everyone(
        people, folder, EmbeddingView(pooling="concatenated"), by_haplotype=True, locally=True
    )
    assert local.shape == (160, 2, 4, 8)
