"""A private run from the command's own function to the card: what is protected, what is not, and what is refused."""

import json
from dataclasses import asdict, fields, replace

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file, save_file

pytest.importorskip("opacus")

from gds import cli
from gds.errors import UserError
from gds.features.dataset import PreparedCohort
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.genotypes import write_genotypes
from gds.hub.model_folder import assemble_model
from gds.hub.record import public_record
from gds.studies.pretraining.config import load_config
from gds.studies.pretraining.privacy_record import PrivacyRecord, read_privacy_record
from gds.studies.pretraining.private import likeliest_dosage, pretrain_privately, units_of
from gds.studies.pretraining.public_featurizer import PublicFeaturizer
from gds.training.private.settings import PrivacySettings
from tests.cohorts import tiny_genotypes, tiny_phenotypes
from tests.studies.test_pretraining import CONFIGS, SMALL

PRIVATE = [*SMALL, "privacy.epsilon=8", "privacy.delta=1e-3", "privacy.batch_people=32", "privacy.accountant=rdp",
           "privacy.draws=2", "training.max_steps=4"]  # fmt: skip


@pytest.fixture(scope="module")
def genotypes():
    return tiny_genotypes(n_samples=160)


def options_of(folder, people):
    folder.mkdir(parents=True, exist_ok=True)
    write_genotypes(people, folder / "cohort.bed")
    table = tiny_phenotypes(people)
    table["person"] = [f"human {int(name[1:]) // 2}" for name in table["id"]]
    table.to_csv(folder / "phenotypes.tsv", sep="\t", index=False)
    return PrepareOptions(
        genotypes=(str(folder / "cohort.bed"),), phenotypes=str(folder / "phenotypes.tsv"), label_column="status",
        blocks="window:16", n_components=3, max_slots=16,
    )  # fmt: skip


@pytest.fixture(scope="module")
def public(genotypes, tmp_path_factory):
    """The first 40 people, who protect nobody."""
    folder = tmp_path_factory.mktemp("public")
    return prepare_cohort(options_of(folder, genotypes.subset(np.arange(40))), folder / "data")


@pytest.fixture(scope="module")
def cohort(genotypes, public, tmp_path_factory):
    """The other 120, with the featurizer of the first."""
    folder = tmp_path_factory.mktemp("private")
    options = options_of(folder, genotypes.subset(np.arange(40, 160)))
    return prepare_cohort(options, folder / "data", featurizer=public.featurizer())


@pytest.fixture(scope="module")
def run(cohort, public, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "model"
    config = load_config(None, PRIVATE)
    return pretrain_privately(config, cohort, folder, public=PublicFeaturizer.open(public.folder))


def test_the_record_says_what_is_guaranteed_and_what_is_not(run, cohort, public):
    record = read_privacy_record(run)
    assert record.holds
    assert 7.5 < record.epsilon <= 8
    assert (record.delta, record.unit, record.units) == (1e-3, "person", len(cohort.ids("train")))
    assert record.steps == 4
    text = "; ".join(record.outside)
    assert "featurizer" not in text  # it is of other people
    for item in ("quality control", "choice of settings", "validation people", "relatives"):
        assert item in text
    people = pd.read_csv(run / "people.tsv", sep="\t", index_col="id")["used_for"]
    assert set(people.index[people == "featurizer"]) == set(public.ids("train"))


def test_card_and_header_repeat_it(run, tmp_path):
    assemble_model(run, tmp_path, repo_id="lab/private")
    card = (tmp_path / "README.md").read_text()
    assert "Differential privacy of the weights: epsilon 7.9" in card or "epsilon 8" in card
    assert "delta 0.001, for adding or removing one person of" in card
    assert "- Outside that guarantee:" in card
    published = json.loads((tmp_path / "run.json").read_text())
    assert PrivacyRecord.of(published["privacy"]).holds
    out = tmp_path / "synthetic.pgen"
    assert cli.main(["generate", "--model", str(run), "--n", "12", "--steps", "3", "--out", str(out)]) == 0
    assert "differential privacy: epsilon" in out.with_suffix(".pvar").read_text()
    assert json.loads((tmp_path / "synthetic.run.json").read_text())["privacy"]["delta"] == 1e-3


def test_a_guarantee_belongs_to_its_weights(run, tmp_path):
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in run.iterdir():
        if path.is_file():
            (moved / path.name).write_bytes(path.read_bytes())
    weights = load_file(moved / "model.safetensors")
    next(value for value in weights.values() if value.is_floating_point()).add_(1)
    save_file(weights, moved / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="claims differential privacy for other weights"):
        assemble_model(moved, tmp_path / "out", repo_id="lab/private")
    with pytest.raises(UserError, match="words that gds pretrain does not use"):
        PrivacyRecord.of({"epsilon": 1.0, "delta": 1e-5})


def test_a_fixed_seed_repeats_the_run_and_is_no_guarantee(cohort, tmp_path):
    config = load_config(None, [*PRIVATE, "privacy.noise_seed=5"])
    for name in ("a", "b"):
        pretrain_privately(config, cohort, tmp_path / name)
    first, second = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("a", "b"))
    assert first == second
    record = read_privacy_record(tmp_path / "a")
    assert "no guarantee" in record.sentence()
    assert "featurizer" in record.outside[0]
    shown = public_record(json.loads((tmp_path / "a" / "run.json").read_text()))
    assert "noise_seed" not in shown["config"]["privacy"]
    # Without a seed the noise is never the same.
    unseeded = load_config(None, PRIVATE)
    pretrain_privately(unseeded, cohort, tmp_path / "c")
    assert (tmp_path / "c" / "model.safetensors").read_bytes() != first


def test_people_seen_before_are_not_protected(cohort, genotypes, public, tmp_path):
    config = load_config(None, PRIVATE)
    everyone = prepare_cohort(
        replace(options_of(tmp_path / "all", genotypes), seed=1),
        tmp_path / "data",
        featurizer=public.featurizer(),
    )
    with pytest.raises(UserError, match=r"has seen \d+ of the people whom this run is to protect"):
        pretrain_privately(config, everyone, tmp_path / "run", public=PublicFeaturizer.open(public.folder))
    own = prepare_cohort(
        options_of(tmp_path / "own", genotypes.subset(np.arange(40, 160))), tmp_path / "own_data"
    )
    with pytest.raises(UserError, match="prepared with another featurizer"):
        pretrain_privately(config, own, tmp_path / "run", public=PublicFeaturizer.open(public.folder))
    with pytest.raises(UserError, match="expected a cohort of gds prepare"):
        PublicFeaturizer.open(tmp_path)


def test_the_unit_may_be_a_column_and_haplotypes_need_one(cohort):
    units = units_of(cohort, "person")
    assert len(units) == len(cohort.ids("train"))
    assert len(np.unique(units)) < len(units)
    with pytest.raises(UserError, match="no such column"):
        units_of(cohort, "persn")
    halves = PreparedCohort(cohort.folder)
    halves.people.index = pd.Index([f"H{i // 2}_{'AB'[i % 2]}" for i in range(len(halves.people))], name="id")
    halves.people["split"] = "train"
    with pytest.raises(UserError, match="look like the haplotypes of one person"):
        units_of(halves, "id")


def test_the_command_prepares_with_the_public_featurizer(genotypes, public, tmp_path, capsys):
    options_of(tmp_path, genotypes.subset(np.arange(40, 160)))
    common = ["pretrain", "--genotypes", str(tmp_path / "cohort.bed"), "--out", str(tmp_path / "run"), *PRIVATE[:10],
              "privacy.batch_people=32", "privacy.accountant=rdp", "training.max_steps=2"]  # fmt: skip
    asked = ["--dp-epsilon", "3", "--dp-delta", "1e-3", "--dp-public", str(public.folder)]
    assert cli.main([*common, *asked]) == 0
    printed = capsys.readouterr().out
    assert "differential privacy: epsilon 3, delta 0.001" in printed
    assert "not covered:" in printed
    assert 2.9 < read_privacy_record(tmp_path / "run").epsilon <= 3
    assert cli.main([*common, "--dp-public", str(public.folder)]) == 2
    assert cli.main([*common, "--dp-epsilon", "3", "--dp-delta", "0.5", "--out", str(tmp_path / "b")]) == 2
    assert "one over the number of people" in capsys.readouterr().err


def test_tokens_take_the_major_genotype_from_the_featurizer(genotypes, tmp_path):
    options = replace(options_of(tmp_path, genotypes), features="tokens")
    cohort = prepare_cohort(options, tmp_path / "data")
    featurizer = cohort.featurizer()
    found = likeliest_dosage(featurizer)[~featurizer.is_padding_]
    p = featurizer.allele_frequency_[featurizer.blocks_.variant_index]
    # Two thirds is where twice 1 - p overtakes p.
    np.testing.assert_array_equal(found, np.where(p < 1 / 3, 0, np.where(p <= 2 / 3, 1, 2)))
    config = load_config(None, PRIVATE, "masked")
    pretrain_privately(config, cohort, tmp_path / "run")
    assert read_privacy_record(tmp_path / "run").units == len(cohort.ids("train"))
    with pytest.raises(UserError, match="contrastive objective compares people"):
        pretrain_privately(load_config(None, PRIVATE, "contrastive"), cohort, tmp_path / "other")


def test_the_shipped_config_is_complete():
    config = load_config(CONFIGS / "private.yaml")
    settings = PrivacySettings.of(config.privacy)
    assert set(config.privacy) == {item.name for item in fields(PrivacySettings)}
    assert settings.noise_seed is None
    assert config.privacy == {**asdict(PrivacySettings(8, 1e-5)), "epsilon": 8, "delta": 1e-5}
