"""A few-label run with summary statistics: its rows, its page, what is saved, and what hidden labels cannot change."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gds.cli import run_command
from gds.errors import UserError
from gds.features.prepare import PrepareOptions, prepare_cohort
from gds.genotypes import Genotypes, write_genotypes
from gds.studies.few_labels.report import write_few_label_report
from gds.studies.few_labels.result import FewLabelOptions, FewLabelResult
from gds.studies.few_labels.run import run_few_labels
from gds.studies.few_labels.task import few_label_task
from gds.studies.polygenic.model import save_polygenic_scores
from gds.studies.polygenic.published_weights import SummaryOptions, published_weights
from gds.studies.polygenic.scores import add_polygenic_scores
from tests.cohorts import tiny_genotypes, tiny_phenotypes, write_tiny_cohort

METHODS = ["PRS, clumping", "PRS, LDpred-inf", "PRS, lassosum", "ridge towards the GWAS"]


def association(genotypes: Genotypes, case: np.ndarray) -> pd.DataFrame:
    """GWAS-SSF rows of a linear regression of 0 / 1 on each dosage, as log odds at half cases."""
    x = genotypes.dosage.astype(float)
    x = np.where(x < 0, np.nan, x)
    x = np.where(np.isnan(x), np.nanmean(x, axis=0), x)
    r = np.array([np.corrcoef(column, case)[0, 1] for column in x.T])
    frequency = x.mean(axis=0) / 2
    error = np.sqrt(2 / (len(x) * frequency * (1 - frequency)))
    variants = genotypes.variants
    return pd.DataFrame(
        {
            "chromosome": variants["chromosome"], "base_pair_location": variants["position"],
            "effect_allele": variants["effect_allele"], "other_allele": variants["other_allele"],
            "beta": r * np.sqrt(len(x)) * error, "standard_error": error, "effect_allele_frequency": frequency,
            "rsid": variants["id"], "n": len(x),
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny cohort whose label is the population, and the association in other people of the same populations."""
    folder = tmp_path_factory.mktemp("polygenic")
    write_tiny_cohort(folder, n_samples=160)
    everyone = tiny_genotypes(n_samples=400)
    case = (tiny_phenotypes(everyone)["status"] == "case").to_numpy()
    association(everyone, case).to_csv(folder / "gwas.tsv", sep="\t", index=False)
    return folder


@pytest.fixture(scope="module")
def options(folder):
    return PrepareOptions(
        genotypes=(str(folder / "cohort.bed"),), phenotypes=str(folder / "phenotypes.tsv"), label_column="status",
        blocks="window:16", genome_build="hg19", prevalence=1 / 350, heritability=0.085,
    )  # fmt: skip


@pytest.fixture(scope="module")
def cohort(options, folder):
    return prepare_cohort(options, folder / "data")


def scored(task, folder, **further) -> FewLabelResult:
    result = FewLabelResult()
    add_polygenic_scores(
        task, result, published_weights(task, SummaryOptions(str(folder / "gwas.tsv"), **further))
    )
    return result


def test_every_method_is_a_baseline_and_its_score_is_saved(cohort, folder, tmp_path, capsys):
    task, options = few_label_task(cohort, 30), FewLabelOptions()
    result = run_few_labels(task, [], options)
    add_polygenic_scores(task, result, published_weights(task, SummaryOptions(str(folder / "gwas.tsv"))))
    assert [name for name in result.probabilities if name in METHODS] == METHODS
    assert all(result.roles[name] == "baseline" for name in METHODS)
    lines = write_few_label_report(task, result, options, [], tmp_path / "out")
    assert any("every row that uses them is too good" in line for line in lines)
    page = (tmp_path / "out" / "report.html").read_text()
    for text in (
        "what other people",
        "every row that uses them is too good",
        "clumping",
        "Not for clinical use",
        *METHODS,
    ):
        assert text in page
    record = json.loads((tmp_path / "out" / "run.json").read_text())["published_effects"]
    assert record["alignment"]["same"] == record["alignment"]["found"] == len(cohort.kept_variants())
    assert record["n_effective"] == 400
    folders = save_polygenic_scores(task, result, 0, tmp_path / "out")
    assert [each.name for each in folders] == [
        "prs-clumping", "prs-ldpred-inf", "prs-lassosum", "ridge-towards-the-gwas",
    ]  # fmt: skip
    for method, each in zip(METHODS, folders, strict=True):
        table = tmp_path / f"{each.name}.tsv"
        arguments = ["--model", str(each), "--genotypes", str(folder / "cohort.bed"), "--out", str(table)]
        assert run_command("predict", arguments) == 0
        predicted = pd.read_csv(table, sep="\t").set_index("id").loc[task.test, ["p_control", "p_case"]]
        np.testing.assert_allclose(predicted, result.probabilities[method], atol=2e-5)
        assert "Not for clinical use" in (each / "polygenic_score.json").read_text()
        assert not any(person in (each / "polygenic_score.txt").read_text() for person in task.few)
    assert "Not for clinical use" in capsys.readouterr().out


def test_hidden_labels_and_test_people_change_nothing(options, cohort, folder, tmp_path):
    """The other labels are flipped, and the test people's genotypes shuffled: no weight may change."""
    task = few_label_task(cohort, 30, seed=1)
    table = pd.read_csv(options.phenotypes, sep="\t").set_index("id")
    table["split"] = cohort.people["split"]
    others = [*task.unlabelled, *task.validation]
    table.loc[others, "status"] = np.where(table.loc[others, "status"] == "case", "control", "case")
    table.reset_index().to_csv(tmp_path / "flipped.tsv", sep="\t", index=False)
    genotypes = tiny_genotypes(n_samples=160)
    rows = genotypes.samples["id"].isin(task.test).to_numpy()
    genotypes.dosage[rows] = np.random.default_rng(0).permutation(genotypes.dosage[rows], axis=1)
    write_genotypes(genotypes, tmp_path / "changed.bed")
    changed = replace(
        options, genotypes=(str(tmp_path / "changed.bed"),), phenotypes=str(tmp_path / "flipped.tsv"),
        split_column="split", qc=False,
    )  # fmt: skip
    kept = prepare_cohort(replace(options, split_column=None, qc=False), tmp_path / "kept")
    task = replace(task, cohort=kept)
    other = replace(task, cohort=prepare_cohort(changed, tmp_path / "data"))
    found, expected = (scored(each, folder).published.scores for each in (other, task))
    for method in METHODS:
        np.testing.assert_array_equal(found[method].weight, expected[method].weight, err_msg=method)
        assert (found[method].slope, found[method].intercept) == (
            expected[method].slope,
            expected[method].intercept,
        )


def test_swapped_and_flipped_alleles_of_the_table_change_nothing(cohort, folder, tmp_path):
    table = pd.read_csv(folder / "gwas.tsv", sep="\t")
    swapped, flipped = np.arange(0, 96, 3), np.arange(0, 96, 2)
    table.loc[swapped, ["effect_allele", "other_allele"]] = ["G", "A"]
    table.loc[swapped, "beta"] *= -1
    table.loc[swapped, "effect_allele_frequency"] = 1 - table.loc[swapped, "effect_allele_frequency"]
    for column in ("effect_allele", "other_allele"):
        table.loc[flipped, column] = table.loc[flipped, column].map({"A": "T", "G": "C"})
    table.to_csv(tmp_path / "gwas.tsv", sep="\t", index=False)
    task = few_label_task(cohort, 30)
    expected, found = scored(task, folder), scored(task, tmp_path)
    for method in METHODS:
        np.testing.assert_allclose(found.probabilities[method], expected.probabilities[method], atol=1e-9)
    counts = found.published.record["alignment"]
    assert counts["swapped"] + counts["flipped_and_swapped"] == np.isin(cohort.kept_variants(), swapped).sum()


def test_the_sample_size_is_implied_or_asked_for(cohort, folder, tmp_path):
    task = few_label_task(cohort, 30)
    table = pd.read_csv(folder / "gwas.tsv", sep="\t").drop(columns="n")
    table.to_csv(tmp_path / "gwas.tsv", sep="\t", index=False)
    result = scored(task, tmp_path)
    assert any("standard errors of log odds imply" in line for line in result.published.lines)
    # Frequencies are those of other people, so that the implied size is near the true one.
    assert result.published.record["n_effective"] == pytest.approx(400, rel=0.1)
    stated = scored(task, tmp_path, n=4000)
    assert any("the sample size is 4,000, but" in line for line in stated.published.lines)
    table = table.assign(**{"z-score": table["beta"] / table["standard_error"]})
    table.drop(columns=["beta", "standard_error"]).to_csv(tmp_path / "gwas.tsv", sep="\t", index=False)
    with pytest.raises(UserError, match="with --sumstats-n"):
        scored(task, tmp_path)
    assert set(scored(task, tmp_path, n=400).probabilities) == set(METHODS)


def test_more_than_two_classes_are_refused(folder, tmp_path):
    bed, table = write_tiny_cohort(tmp_path, n_classes=3, n_samples=160)
    options = PrepareOptions(
        genotypes=(str(bed),), phenotypes=str(table), label_column="status", blocks="window:16"
    )
    task = few_label_task(prepare_cohort(options, tmp_path / "data"), 24)
    with pytest.raises(UserError, match=r"expected two classes, found 3 \(case, control, other\)"):
        scored(task, folder)
