"""``gds predict``: a new cohort's probabilities are those of the network on the aligned genotypes."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from gds.cli import run_command
from gds.errors import UserError
from gds.evaluation.classification import classification_metrics
from gds.features import Featurizer
from gds.features.training_distribution import TrainingDistribution
from gds.genotypes import Genotypes, write_genotypes
from gds.models import GdsForClassification
from gds.studies.prediction import known_labels
from tests.cohorts import tiny_genotypes
from tests.untrained_models import save_untrained


def expected_probabilities(model_folder, genotypes):
    features = Featurizer.from_pretrained(model_folder).transform(genotypes)
    model = GdsForClassification.from_pretrained(model_folder).eval()
    with torch.inference_mode():
        return model(torch.from_numpy(features)).logits.softmax(dim=1).numpy()


def predict(model_folder, genotypes, out, *further):
    return run_command(
        "predict",
        ["--model", str(model_folder), "--genotypes", str(genotypes), "--out", str(out), *map(str, further)],
    )


def test_everyone_gets_a_row_of_probabilities(model_folder, cohort_files, genotypes, tmp_path, capsys):
    assert predict(model_folder, cohort_files / "cohort.bed", tmp_path / "table.tsv") == 0
    table = pd.read_csv(tmp_path / "table.tsv", sep="\t")
    assert list(table) == ["id", "p_control", "p_case", "predicted", "distance", "out_of_distribution", "use"]
    assert set(table["out_of_distribution"]) == {
        "not assessed"
    }  # the model does not know its training people
    assert set(table["use"]) == {"research only, not for clinical use"}
    assert table["id"].tolist() == genotypes.samples["id"].tolist()
    expected = expected_probabilities(model_folder, genotypes)
    np.testing.assert_allclose(table[["p_control", "p_case"]], expected, atol=1e-5)
    assert table["predicted"].tolist() == np.array(["control", "case"])[expected.argmax(axis=1)].tolist()

    facts = json.loads((tmp_path / "table.json").read_text())
    assert facts["alignment"]["same"] == 96
    assert facts["people"] == 60
    assert facts["people_seen_in_training"] == 40
    assert facts["metrics"] == {}
    assert "Not for clinical use" in facts["not_for_clinical_use"]
    assert str(cohort_files / "cohort.bed") in facts["record"]["inputs"]
    assert not any(person in (tmp_path / "table.json").read_text() for person in genotypes.samples["id"])
    printed = capsys.readouterr().out
    assert "Not for clinical use" in printed
    assert "96 of 96 variants found by position" in printed
    assert "warning: 40 people have ids of people whom the model saw" in printed


def test_swapped_flipped_and_absent_variants_are_aligned(model_folder, genotypes, tmp_path, capsys):
    """The new file counts the other allele of some variants, has others on the other strand, lacks others."""
    variants, dosage = genotypes.variants.copy(), genotypes.dosage.copy()
    swapped, flipped, absent = np.arange(0, 96, 5), np.arange(1, 96, 5), np.arange(2, 96, 10)
    variants.loc[swapped, ["effect_allele", "other_allele"]] = ["G", "A"]
    dosage[:, swapped] = np.where(dosage[:, swapped] < 0, -1, 2 - dosage[:, swapped])
    variants.loc[flipped, ["effect_allele", "other_allele"]] = ["T", "C"]
    kept = np.setdiff1d(np.arange(96), absent)
    shown = Genotypes(dosage, genotypes.samples, variants).subset(variants=kept)
    write_genotypes(shown, tmp_path / "other.vcf.gz")
    assert predict(model_folder, tmp_path / "other.vcf.gz", tmp_path / "table.tsv") == 0

    as_if_missing = genotypes.dosage.copy()
    as_if_missing[:, absent] = -1
    expected = expected_probabilities(
        model_folder, Genotypes(as_if_missing, genotypes.samples, genotypes.variants)
    )
    table = pd.read_csv(tmp_path / "table.tsv", sep="\t")
    np.testing.assert_allclose(table[["p_control", "p_case"]], expected, atol=1e-5)
    counts = json.loads((tmp_path / "table.json").read_text())["alignment"]
    assert {key: counts[key] for key in ("swapped", "flipped", "absent")} == {
        "swapped": len(swapped), "flipped": len(flipped), "absent": len(absent)
    }  # fmt: skip
    assert f"{len(absent)} absent, filled with the training mean" in capsys.readouterr().out


def test_known_labels_are_scored_apart_from_people_seen_in_training(
    model_folder, cohort_files, genotypes, tmp_path, capsys
):
    table = pd.read_csv(cohort_files / "phenotypes.tsv", sep="\t")
    table = table.drop(index=[3, 50])  # no label known
    table.to_csv(tmp_path / "known.tsv", sep="\t", index=False)
    options = ["--phenotypes", tmp_path / "known.tsv", "--label-column", "status"]
    assert predict(model_folder, cohort_files / "cohort.bed", tmp_path / "table.tsv", *options) == 0
    labels = np.arange(60) % 2
    people = np.setdiff1d(np.arange(60), [3, 50])
    probabilities = expected_probabilities(model_folder, genotypes)
    found = json.loads((tmp_path / "table.json").read_text())["metrics"]
    for name, chosen in (("everyone with a label", people), ("not seen in training", people[people >= 40])):
        expected = classification_metrics(labels[chosen], probabilities[chosen], n_bootstrap=0)["value"]
        values = {row["metric"]: row["value"] for row in found[name]}
        assert values == pytest.approx(expected.to_dict(), abs=1e-5)
    assert "not seen in training: AUROC" in capsys.readouterr().out


def test_values_of_a_label_column_become_the_models_classes():
    values = pd.Series(["case", None, "control"], name="status")
    assert known_labels(values, ["control", "case"]).tolist() == [1, -100, 0]
    assert known_labels(pd.Series([2.0, np.nan, 1.0, -9.0]), ["1", "2"]).tolist() == [1, -100, 0, -100]
    measured = pd.Series([0.5, np.nan, 2.0, 1.0])
    assert known_labels(measured, ["low", "high"], threshold=1.0).tolist() == [0, -100, 1, 0]
    with pytest.raises(UserError, match="holds Case, but the model's classes are control, case"):
        known_labels(pd.Series(["Case", "control"], name="status"), ["control", "case"])
    with pytest.raises(UserError, match="no value at all"):
        known_labels(pd.Series([np.nan, np.nan], name="status"), ["control", "case"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"--out": "table.csv"}, "ends in .tsv"),
        ({"--model": "nowhere"}, "holds no model"),
        ({"--label-column": "status"}, "need both --phenotypes"),
        ({"--phenotypes": "{cohort}/phenotypes.tsv", "--label-column": "statu"}, "did you mean 'status'"),
        (
            {"--phenotypes": "{cohort}/phenotypes.tsv", "--label-column": "batch"},
            "the model's classes are control",
        ),
        ({"--min-overlap": "1.1"}, "at least 110% are needed"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_written(
    model_folder, cohort_files, tmp_path, capsys, options, message
):
    chosen = {
        "--model": str(model_folder), "--genotypes": str(cohort_files / "cohort.bed"), "--out": "table.tsv",
        **{name: value.format(cohort=cohort_files) for name, value in options.items()},
    }  # fmt: skip
    chosen["--out"] = str(tmp_path / chosen["--out"])
    assert run_command("predict", [word for pair in chosen.items() for word in pair]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_model_without_classes_is_refused(model_folder, cohort_files, tmp_path, capsys):
    save_untrained(Featurizer.from_pretrained(model_folder), tmp_path / "denoiser", "diffusion")
    assert predict(tmp_path / "denoiser", cohort_files / "cohort.bed", tmp_path / "table.tsv") == 2
    assert "holds a GdsForDiffusion, which does not classify" in capsys.readouterr().err


def test_people_of_another_ancestry_are_flagged_and_left_out_of_a_figure(
    model_folder, genotypes, cohort_files, tmp_path, capsys
):
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    pruned = np.arange(0, 96, 4)  # of linked runs of four
    other = tiny_genotypes(n_samples=400, n_variants=96, n_populations=2)
    TrainingDistribution.fit(other.dosage[::2][:, pruned], pruned).save(folder)
    arguments = ["--phenotypes", cohort_files / "phenotypes.tsv", "--label-column", "status"]
    assert predict(folder, cohort_files / "cohort.bed", tmp_path / "table.tsv", *arguments) == 0
    table = pd.read_csv(tmp_path / "table.tsv", sep="\t")
    flagged = (table["out_of_distribution"] == "yes").to_numpy()
    facts = json.loads((tmp_path / "table.json").read_text())
    assert facts["out_of_distribution"]["people"] == {
        "yes": flagged.sum(),
        "no": 60 - flagged.sum(),
        "not assessed": 0,
    }
    assert flagged.sum() > 30
    assert "not out of distribution" in facts["metrics"]
    assert "do not rely on what is predicted for them" in capsys.readouterr().out


def test_probabilities_of_the_population(model_folder, cohort_files, tmp_path, capsys):
    """Odds change by K / (1 - K) over the odds of a case among the labelled few."""
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    bed, out = cohort_files / "cohort.bed", tmp_path / "table.tsv"
    assert predict(folder, bed, out, "--prevalence", 0.01) == 2
    assert "records how many people of each" in capsys.readouterr().err
    (folder / "run.json").write_text(json.dumps({"labelled_few": {"control": 30, "case": 10}}))
    assert predict(folder, bed, out, "--prevalence", 0.01) == 0
    table = pd.read_csv(out, sep="\t")
    corrected, p = table["p_case_in_population"], table["p_case"]
    np.testing.assert_allclose(
        corrected / (1 - corrected), p / (1 - p) * (0.01 / 0.99) * (0.75 / 0.25), rtol=1e-4
    )
