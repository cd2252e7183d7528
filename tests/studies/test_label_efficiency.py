"""The study of few labels: nested choices, blind methods, one scoring a run, resuming."""

import numpy as np
import pandas as pd
import pytest

from gds import cli
from gds.classifiers.components.representation import EmbeddingComponents
from gds.errors import UserError
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.features.splits import UNLABELLED
from gds.studies.label_efficiency.budgets import LabelBudget, parse_budget
from gds.studies.label_efficiency.methods import study_methods
from gds.studies.label_efficiency.run import (
    StudyMethod,
    blind_task,
    paired_by_seed,
    run_label_efficiency,
    summarise,
)
from tests.cohorts import tiny_genotypes, tiny_phenotypes, write_genotypes
from tests.untrained_models import save_untrained

BUDGETS = [parse_budget(text) for text in ("3/class", "10%", "20")]


def chance(task, seed):
    share = np.bincount(task.labels_few, minlength=2) / len(task.labels_few)
    return np.tile(share, (len(task.test), 1))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Pairs of siblings; every family on one side of the split."""
    folder = tmp_path_factory.mktemp("label_efficiency")
    genotypes = tiny_genotypes(n_samples=160)
    write_genotypes(genotypes, folder / "cohort.bed")
    table = tiny_phenotypes(genotypes)
    table["household"] = [f"F{i // 4}{i % 2}" for i in range(len(table))]
    table.to_csv(folder / "phenotypes.tsv", sep="\t", index=False)
    options = PrepareOptions(
        genotypes=(str(folder / "cohort.bed"),), phenotypes=str(folder / "phenotypes.tsv"), label_column="status",
        group_column="household", blocks="window:16", n_components=3,
    )  # fmt: skip
    return prepare_cohort(options, folder / "data")


@pytest.mark.parametrize(
    ("text", "kind", "amount"),
    [("5/class", "per class", 5), ("100", "total", 100), ("2.5%", "fraction", 0.025), (" all", "all", 1)],
)
def test_budgets_are_read(text, kind, amount):
    budget = parse_budget(text)
    assert budget == LabelBudget(kind, amount)
    assert budget.name == text.strip()


@pytest.mark.parametrize("text", ["0", "five", "5 %%", "0%", "101%", "0/class", "-3"])
def test_what_is_no_budget_is_refused(text):
    with pytest.raises(UserError, match="label budget"):
        parse_budget(text)


def test_choices_are_nested_balanced_and_of_training_people(cohort):
    train = set(cohort.ids("train"))
    for kind in ("per class", "total"):
        chosen = [set(LabelBudget(kind, n).choose(cohort, 3)) for n in (2, 5, 11)]
        assert chosen[0] < chosen[1] < chosen[2] < train
    labels = cohort.people.loc[LabelBudget("per class", 5).choose(cohort, 3), "label"]
    assert labels.value_counts().to_dict() == {0: 5, 1: 5}
    assert len(LabelBudget("fraction", 0.1).choose(cohort, 0)) == round(0.1 * len(train))
    assert set(LabelBudget("all").choose(cohort, 0)) == train
    with pytest.raises(UserError, match="the smallest class"):
        LabelBudget("per class", 1000).choose(cohort, 0)


def test_a_blind_task_holds_no_label_but_the_few(cohort):
    few = LabelBudget("total", 10).choose(cohort, 0)
    task, answers = blind_task(cohort, few)
    assert (task.labels_test == UNLABELLED).all()
    assert (answers != UNLABELLED).all()
    people = task.cohort.people
    assert set(people.index[people["label"] != UNLABELLED]) == set(few)
    assert (cohort.people["label"] != UNLABELLED).all()  # the cohort itself is as it was
    families = cohort.people["family"]
    assert not set(families[task.test]) & set(families[cohort.ids("train")])


def test_every_run_is_scored_once_and_a_study_goes_on(cohort, tmp_path):
    calls = []

    def counted(task, seed):
        calls.append((len(task.few), seed))
        return chance(task, seed)

    methods = {"chance": StudyMethod(counted, "chance")}
    table = run_label_efficiency(cohort, methods, BUDGETS, range(3), folder=tmp_path)
    assert len(calls) == 9
    again = run_label_efficiency(cohort, methods, BUDGETS, range(4), folder=tmp_path)
    assert len(calls) == 12
    assert len(again) == len(table) * 4 // 3
    stored = pd.read_csv(tmp_path / "label_efficiency.csv", dtype={"budget": str})
    pd.testing.assert_frame_equal(stored, again, check_dtype=False)
    auroc = summarise(again, "auroc")
    assert (auroc["value"] == 0.5).all()
    assert auroc["n_labels"].tolist() == [6, 11, 20]


def test_a_folder_of_another_cohort_is_refused(cohort, tmp_path):
    (tmp_path / "study.json").write_text('{"cohort": "another"}')
    with pytest.raises(UserError, match="study of another cohort"):
        run_label_efficiency(cohort, {"chance": StudyMethod(chance)}, BUDGETS, [0], folder=tmp_path)


def test_what_a_method_returns_is_checked(cohort):
    methods = {"short": StudyMethod(lambda task, seed: np.ones((3, 2)) / 2)}
    with pytest.raises(UserError, match="'short': expected probabilities of"):
        run_label_efficiency(cohort, methods, BUDGETS[:1], [0])


def test_summary_and_paired_difference_by_hand():
    rows = [
        {"method": method, "role": "baseline", "budget": "10", "n_labels": 10, "seed": seed, "metric": "accuracy",
         "value": value, "seconds": 1.0}
        for method, values in {"a": (0.5, 0.7), "b": (0.4, 0.5)}.items()
        for seed, value in enumerate(values)
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    first = summarise(table, "accuracy").set_index("method").loc["a"]
    # Mean .6, standard error .1; the t quantile for one degree of freedom is 12.706.
    np.testing.assert_allclose([first["value"], first["upper"]], [0.6, 0.6 + 1.2706], atol=1e-4)
    difference = paired_by_seed(table, "accuracy", "a", "b").loc[10]
    # .1 and .2: mean .15, standard error .05, t = 3, p = 2 (1/2 - arctan(3) / pi) = .2048
    np.testing.assert_allclose(difference[["value", "p_value"]].to_numpy(float), [0.15, 0.20483], atol=1e-5)


def test_embedding_components_are_of_training_people():
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(0)
    few, unlabelled, test = (rng.normal(size=(n, 6)) * 3 + 1 for n in (5, 30, 8))
    components = EmbeddingComponents()
    scores = [*components.fit_transform([few, unlabelled]), components.transform(test)]
    train = np.concatenate([few, unlabelled])
    mean, spread = train.mean(axis=0), train.std(axis=0)
    expected = PCA(6).fit((train - mean) / spread).transform((test - mean) / spread)
    np.testing.assert_allclose(np.abs(scores[2]) * components.spread_, np.abs(expected), atol=1e-9)
    assert [part.shape for part in EmbeddingComponents().fit_transform([few, unlabelled[:0]])] == [
        (5, 4),
        (0, 4),
    ]
    kept = EmbeddingComponents(2, n_kept=1).fit_transform([few, unlabelled])
    assert kept[0].shape == (5, 3)
    np.testing.assert_array_equal(kept[1][:, 2], unlabelled[:, -1])


def test_the_command_leaves_table_picture_and_page(cohort, tmp_path, capsys):
    encoder = save_untrained(cohort.featurizer(), tmp_path / "encoder")
    arguments = [
        "efficiency", "--data", cohort.folder, "--encoder", encoder, "--budgets", "5/class", "all", "--methods",
        "ridge on dosages", "HWE-EM, LD-pruned", "--seeds", 2, "--out", tmp_path / "out",
    ]  # fmt: skip
    assert cli.main([str(argument) for argument in arguments]) == 0
    assert "report.html" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "out" / "label_efficiency.csv")
    assert table["n_labels"].dtype == int
    assert table.groupby("method")["seed"].nunique().eq(2).all()
    assert set(table["role"]) == {"chance", "baseline", "encoder"}
    heads = table.loc[table["role"] == "encoder", "method"].str.split(", ").str[-1]
    assert set(heads) == {"probe", "mixture", "LDA with PCs"}
    assert (tmp_path / "out" / "label_efficiency.png").stat().st_size > 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert not any(identifier in page for identifier in cohort.ids("test"))


def test_a_method_that_does_not_exist_is_named():
    with pytest.raises(UserError, match="HWE-EM"):
        study_methods(["HWE-MM"])


@pytest.fixture(scope="module")
def token_cohort(cohort, tmp_path_factory):
    """The same people and split as tokens."""
    description = cohort.description
    folder = tmp_path_factory.mktemp("tokens")
    table = cohort.people.reset_index()[["id", "status", "household", "split"]]
    table.to_csv(folder / "phenotypes.tsv", sep="\t", index=False)
    options = PrepareOptions(
        genotypes=description.genotype_files, phenotypes=str(folder / "phenotypes.tsv"), label_column="status",
        group_column="household", split_column="split", blocks="window:16", max_slots=16, features="tokens",
    )  # fmt: skip
    return prepare_cohort(options, folder / "data")


@pytest.mark.parametrize("objective", ["diffusion", "masked", "contrastive"])
def test_every_head_on_every_objective(objective, cohort, token_cohort, tmp_path):
    data = cohort if objective == "diffusion" else token_cohort
    encoder = save_untrained(data.featurizer(), tmp_path / objective, objective)
    heads = ["probe", "mixture", "LDA with PCs", "HWE-EM prior"]
    task, answers = blind_task(data, LabelBudget("per class", 10).choose(data, 0))
    for tune_views in (False, True):
        methods = study_methods([], [encoder], heads=heads, tune_views=tune_views)
        has_prior = objective != "contrastive"
        assert ("HWE-EM, component prior, LD-pruned" in methods) == has_prior
        assert len(methods) == 1 + 3 + 2 * has_prior
        for name, method in methods.items():
            found = method.learn(task, 0)
            assert found.shape == (len(answers), 2), name
            np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_fine_tuning_whole_or_low_rank(token_cohort, tmp_path, monkeypatch):
    pytest.importorskip("peft")
    encoder = save_untrained(token_cohort.featurizer(), tmp_path / "encoder", "masked")
    task, answers = blind_task(token_cohort, LabelBudget("per class", 6).choose(token_cohort, 0))
    methods = study_methods([], [encoder], heads=["fine-tuned", "LoRA"])
    found = [methods[f"encoder, {kind}"].learn(task, 0) for kind in ("fine-tuned", "LoRA")]
    assert all(each.shape == (len(answers), 2) for each in found)
    assert not np.allclose(*found)
    with pytest.raises(UserError, match="head 'Lora': known: HWE-EM prior"):
        study_methods([], [encoder], heads=["Lora"])
