"""``gds embed``: the table, the pictures and what they say."""

import json
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from gds.classifiers.networks.embedding import embed
from gds.cli import run_command
from gds.errors import UserError
from gds.features import Featurizer
from gds.models import GdsModel
from gds.studies.embedding_map import choose_colours, explained_variance, project


def run(model_folder, cohort_files, out, *further):
    return run_command(
        "embed",
        [
            "--model",
            str(model_folder),
            "--genotypes",
            str(cohort_files / "cohort.bed"),
            "--out",
            str(out),
            *further,
        ],
    )


def test_table_pictures_and_record(model_folder, cohort_files, genotypes, tmp_path, capsys):
    table = ["--phenotypes", str(cohort_files / "phenotypes.tsv"), "--projections", "pca"]
    assert run(model_folder, cohort_files, tmp_path / "x.parquet", *table) == 0
    found = pd.read_parquet(tmp_path / "x.parquet")
    assert found["id"].tolist() == genotypes.samples["id"].tolist()
    features = Featurizer.from_pretrained(model_folder).transform(genotypes)
    expected = embed(GdsModel.from_pretrained(model_folder), features)
    assert list(found)[1:] == [f"embedding_{k}" for k in range(expected.shape[1])]
    np.testing.assert_allclose(found.drop(columns="id"), expected, atol=1e-6)

    facts = json.loads((tmp_path / "x.json").read_text())
    assert facts["record"]["colour_by"] == ["batch", "population"], (
        "the columns of the table that are known by name"
    )
    assert (
        facts["explained_variance"]["population"]["share"] > 3 * facts["explained_variance"]["batch"]["share"]
    )
    assert facts["alignment"]["same"] == 96
    page = (tmp_path / "x.html").read_text()
    HTMLParser().feed(page)
    assert page.count("<figure") == 2
    assert not any(person in page for person in genotypes.samples["id"])
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert "population: " in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.html", "x.json", "x.parquet", "x.png"]


def test_without_a_phenotype_table_people_have_one_colour(model_folder, cohort_files, tmp_path):
    assert run(model_folder, cohort_files, tmp_path / "x.parquet", "--projections", "pca") == 0
    assert json.loads((tmp_path / "x.json").read_text())["explained_variance"] == {}


def test_components_are_those_of_the_singular_value_decomposition():
    x = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32) * [5, 3, 1, 1, 1, 1] + 10
    left, singular, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(project(x, "pca")), np.abs(left[:, :2] * singular[:2]), atol=1e-4)


@pytest.mark.slow
def test_umap_finds_clusters_and_is_repeatable():
    rng = np.random.default_rng(0)
    centres = np.eye(8)[:3] * 20
    x = (np.repeat(centres, 20, axis=0) + rng.normal(size=(60, 8))).astype(np.float32)
    points = project(x, "umap", seed=1)
    np.testing.assert_array_equal(points, project(x, "umap", seed=1))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (distance.argmin(axis=1) // 20 == np.arange(60) // 20).all()


def test_explained_variance_by_hand():
    x = np.array([[0.0, 1], [0, 1], [2, 1], [2, 1], [9, 9]])
    group = pd.Series(["a", "a", "b", "b", None])
    table = explained_variance(x, {"whole": group, "half": pd.Series(["a", "b", "a", "b", None])})
    assert table.loc["whole"].tolist() == [4, 2, 1, 1 / 3]
    assert table.loc["half", "share"] == 0
    ages = pd.Series(np.linspace(30.5, 80, 13))
    assert explained_variance(np.ones((13, 2)) * ages.to_numpy()[:, None], {"age": ages}).empty


def test_columns_that_no_picture_can_show():
    table = pd.DataFrame({"Label": [1, 2], "batch": [np.nan] * 2, "plate": ["a", "b"], "ALS": [0, 1]})
    columns, skipped = choose_colours(table, None, "ALS")
    assert list(columns) == ["Label", "ALS"]
    assert skipped == ["not coloured by batch: it has no value for any of these people"]
    with pytest.raises(UserError, match="no value for any"):
        choose_colours(table, ["batch"])
    with pytest.raises(UserError, match="did you mean 'plate'"):
        choose_colours(table, ["plates"])
    with pytest.raises(UserError, match="needs --phenotypes"):
        choose_colours(None, ["plate"])
    with pytest.raises(UserError, match="60 different texts"):
        choose_colours(pd.DataFrame({"plate": [f"P{k}" for k in range(60)]}), ["plate"])


def test_a_missing_umap_is_said_before_anything_is_computed(
    model_folder, cohort_files, tmp_path, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "umap", None)
    assert run(model_folder, cohort_files, tmp_path / "x.parquet") == 2
    assert "pip install 'genotype-diffusion[umap]'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_table_of_other_people_is_refused(model_folder, cohort_files, tmp_path, capsys):
    pd.DataFrame({"id": [f"X{k}" for k in range(8)], "batch": "A"}).to_csv(
        tmp_path / "other.tsv", sep="\t", index=False
    )
    table = ["--phenotypes", str(tmp_path / "other.tsv"), "--projections", "pca"]
    assert run(model_folder, cohort_files, tmp_path / "x.parquet", *table) == 2
    message = capsys.readouterr().err
    assert "X0, X1, X2, X3, X4" in message
    assert "P0000, P0001, P0002, P0003, P0004" in message
