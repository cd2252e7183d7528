"""Split first, then fit: what a prepared cohort holds, and that test people leave no trace in it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gds.errors import UserError
from gds.features.dataset import PreparedCohort
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.genotypes import read_genotypes, write_genotypes
from tests.cohorts import write_tiny_cohort


@pytest.fixture
def options(tmp_path):
    bed, table = write_tiny_cohort(tmp_path)
    return PrepareOptions(
        genotypes=(str(bed),),
        phenotypes=str(table),
        label_column="status",
        blocks="window:16",
        n_components=3,
    )


@pytest.mark.parametrize("kind", ["pca", "tokens"])
def test_a_prepared_cohort_can_be_opened_again(options, tmp_path, kind):
    prepare_cohort(replace(options, features=kind), tmp_path / "data")
    cohort = PreparedCohort(tmp_path / "data")
    assert cohort.description.label_names == ["control", "case"]
    assert cohort.description.covariates == ["sex", "age"]
    assert cohort.description.batch_columns == ["batch"]
    dataset, featurizer = cohort.dataset(), cohort.featurizer()
    assert {split: len(dataset[split]) for split in dataset} == {"train": 84, "validation": 12, "test": 24}
    for split in dataset:
        assert dataset[split]["id"][:] == list(cohort.ids(split))
        rows = cohort.people.index.get_indexer(cohort.ids(split))
        expected = featurizer.transform(cohort.source(), rows)
        np.testing.assert_array_equal(cohort.features(split), expected)
        assert dataset[split]["labels"][:] == cohort.people.loc[cohort.ids(split), "label"].tolist()
    assert {"sex", "age", "batch"} <= set(dataset["train"].column_names)
    blocks = pd.read_csv(tmp_path / "data" / "blocks.tsv", sep="\t")
    assert blocks["variants"].tolist() == featurizer.blocks_.sizes.tolist()
    if kind == "pca":
        assert blocks["reconstruction_r2"].between(0, 1).all()


@pytest.mark.parametrize("kind", ["pca", "tokens"])
def test_test_people_leave_no_trace_in_what_is_fitted(options, tmp_path, kind):
    options = replace(options, features=kind)
    before = prepare_cohort(options, tmp_path / "before")
    genotypes = read_genotypes(options.genotypes[0])
    outsiders = np.flatnonzero(before.people["split"] != "train")
    changed = genotypes.dosage.copy()
    # Every call is still there, so that nobody is removed for a poor call rate.
    changed[outsiders] = np.random.default_rng(9).integers(0, 3, changed[outsiders].shape)
    (tmp_path / "changed").mkdir()
    path = tmp_path / "changed" / "cohort.bed"
    write_genotypes(replace(genotypes, dosage=changed), path)
    after = prepare_cohort(replace(options, genotypes=(str(path),)), tmp_path / "after")
    assert after.people["removed_because"].tolist() == [""] * 120
    for name in (
        "featurizer/preprocessor.safetensors",
        "featurizer/preprocessor_config.json",
        "kept_variants.npy",
        "qc_removed_variants.tsv",
    ):
        written = [(cohort.folder / name).read_bytes() for cohort in (before, after)]
        assert written[0] == written[1]
    np.testing.assert_array_equal(before.features("train"), after.features("train"))
    assert (before.features("test") != after.features("test")).any()


def test_preparing_twice_writes_the_same_features(options, tmp_path):
    first, second = (prepare_cohort(options, tmp_path / name) for name in ("a", "b"))
    name = "train/data-00000-of-00001.arrow"
    assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()


def test_people_an_encoder_has_seen_are_never_tested(options, tmp_path):
    seen = [f"P{i:04d}" for i in range(60)]
    cohort = prepare_cohort(options, tmp_path / "data", never_test=seen)
    assert not set(seen) & set(cohort.ids("test"))
    assert len(cohort.ids("test")) == 12


def test_unlabelled_people_train_and_are_never_tested(options, tmp_path):
    table = pd.read_csv(options.phenotypes, sep="\t")
    table.loc[: len(table) // 2, "status"] = None
    table.to_csv(options.phenotypes, sep="\t", index=False)
    cohort = prepare_cohort(options, tmp_path / "data")
    assert (cohort.people.loc[cohort.ids("test"), "label"] >= 0).all()
    assert (cohort.people.loc[cohort.ids("train"), "label"] == -100).sum() > 40


def test_a_users_split_wins_and_is_checked(options, tmp_path):
    table = pd.read_csv(options.phenotypes, sep="\t")
    table["fold"] = np.resize(["train", "train", "validation", "test"], len(table))
    table.to_csv(options.phenotypes, sep="\t", index=False)
    cohort = prepare_cohort(replace(options, split_column="fold"), tmp_path / "data")
    assert cohort.people["split"].tolist() == table["fold"].tolist()
    table["family"] = np.repeat(np.arange(len(table) // 2), 2)
    table.to_csv(options.phenotypes, sep="\t", index=False)
    with pytest.raises(UserError, match="both sides of the split"):
        prepare_cohort(replace(options, split_column="fold", group_column="family"), tmp_path / "other")


def test_changed_genotype_files_are_noticed(options, tmp_path):
    cohort = prepare_cohort(options, tmp_path / "data")
    path = cohort.description.genotype_files[0]
    with open(path, "r+b") as file:
        file.seek(10)
        file.write(b"\x00")
    with pytest.raises(UserError, match="has changed since"):
        cohort.source()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label_column": "statos"}, "did you mean 'status'"),
        ({"covariates": ["height"]}, "--covariates height: no such column"),
        ({"features": "pcs"}, "features 'pcs'"),
        ({"label_column": "age"}, "looks like a measurement"),
        ({"label_threshold": 1000.0, "label_column": "age"}, "on one side of 1000"),
        ({"label_threshold": "median"}, "label column 'status' holds text"),
        ({"label_threshold": "median", "label_column": None}, "needs --label-column"),
        ({"group_column": "batch", "relatives": "kinship"}, "leave one of the two out"),
        ({"group_column": "batch"}, "have the family"),
        ({"blocks": "window:16", "flank": 10}, "are for gene files"),
        ({"pcs": 500}, "500 principal components need more people"),
    ],
)
def test_columns_that_do_not_fit_are_refused_by_name(options, tmp_path, change, message):
    with pytest.raises(UserError, match=message):
        prepare_cohort(replace(options, **change), tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_ids_that_do_not_match_show_examples_of_both(options, tmp_path):
    table = pd.read_csv(options.phenotypes, sep="\t")
    table["id"] = "X" + table["id"]
    table.to_csv(options.phenotypes, sep="\t", index=False)
    with pytest.raises(UserError, match=r"XP0000, XP0001.*P0000, P0001"):
        prepare_cohort(options, tmp_path / "data")


def test_several_cohorts_become_one_and_their_name_is_a_batch(options, tmp_path):
    """Two halves of a cohort, prepared together, are that cohort; each half's name could confound."""
    whole = read_genotypes(options.genotypes[0])
    paths = []
    for name, people in (("north", np.arange(0, 120, 2)), ("south", np.arange(1, 120, 2))):
        paths.append(tmp_path / f"{name}.bed")
        write_genotypes(whole.subset(samples=people), paths[-1])
    merged = prepare_cohort(
        replace(options, genotypes=(str(paths[0]),), further_cohorts=((str(paths[1]),),)), tmp_path / "merged"
    )
    alone = prepare_cohort(options, tmp_path / "alone")
    assert merged.description.name == "north + south"
    assert "cohort" in merged.description.batch_columns
    assert merged.people["cohort"].value_counts().to_dict() == {"north": 60, "south": 60}
    for split in ("train", "test"):
        order = pd.Index(merged.ids(split)).get_indexer(alone.ids(split))
        np.testing.assert_array_equal(merged.features(split)[order], alone.features(split))
    assert merged.source().read(slice(0, 3)).shape == (120, 3)


def test_variants_that_one_cohort_lacks_are_no_bad_calls(options, tmp_path):
    """In a union the people of the other cohort are missing there; nobody fails a call rate for it."""
    whole = read_genotypes(options.genotypes[0])
    halves = {"north": np.arange(0, 120, 2), "south": np.arange(1, 120, 2)}
    sites = {"north": np.arange(96), "south": np.arange(64)}
    for name, people in halves.items():
        write_genotypes(whole.subset(samples=people, variants=sites[name]), tmp_path / f"{name}.bed")
    files = [(str(tmp_path / f"{name}.bed"),) for name in halves]
    merged = prepare_cohort(
        replace(options, genotypes=files[0], further_cohorts=tuple(files[1:]), merge="union"),
        tmp_path / "merged",
    )
    assert (merged.people["split"] != "removed").all()
    assert (merged.kept_variants() >= 64).any()


def test_a_cohort_is_not_prepared_over_its_own_files(options, tmp_path):
    with pytest.raises(UserError, match="is an input and lies in"):
        prepare_cohort(options, tmp_path)
    assert (tmp_path / "cohort.bed").is_file()
