"""``gds compare``: figures by hand, differences named, folders that are no runs refused."""

import json

import pandas as pd
import pytest

from gds.cli import run_command
from gds.errors import UserError
from gds.studies.compare_runs import training_figures
from gds.studies.run_folder import read_run, short_names


def write_run(folder, loss, objective="diffusion", **model):
    folder.mkdir(parents=True)
    rows = [
        (step, step, step * 10, split, metric, value)
        for step, factor in ((1, 2.0), (2, 0.9), (3, 1.0))
        for split, metric, value in (
            ("train", "loss", loss * factor), ("validation", "loss", loss * factor),
            ("train", "grad_norm", 0.5), ("train", "samples_per_second", 100.0 * step),
        )
    ]  # fmt: skip
    columns = ["step", "epoch", "samples_seen", "split", "metric", "value"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "curves.csv", index=False)
    record = {
        "seed": 0, "parameters": 12, "inputs": {"cohort.json": "ab" * 32},
        "config": {"objective": objective, "preset": "mlp-tiny", "model": model},
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(record))
    return folder


@pytest.fixture
def runs(tmp_path):
    return [
        write_run(tmp_path / "a" / "run", 0.5, hidden_size=8, film=True),
        write_run(tmp_path / "b" / "run", 0.4, hidden_size=16, film=True),
    ]


def test_figures_by_hand(runs):
    assert training_figures(read_run(runs[0])) == {
        "parameters": 12, "samples seen": 30, "train loss": 0.5, "validation loss": 0.5,
        "lowest validation loss": 0.45, "median people a second": 200, "median gradient norm": 0.5,
    }  # fmt: skip


def test_picture_page_and_differences(runs, tmp_path, capsys):
    out = tmp_path / "out"
    assert run_command("compare", [*map(str, runs), "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {"curves.png", "metrics.json", "report.html", "run.json"}
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["differences"] == {"model.hidden_size": {"a/run": 8, "b/run": 16}}
    assert metrics["training"]["b/run"]["validation loss"] == 0.4
    assert metrics["warnings"] == []
    assert "model.hidden_size" in (out / "report.html").read_text()
    assert "a/run: " in capsys.readouterr().out


def test_other_objectives_are_warned_about_and_finetuning_runs_join(runs, tmp_path):
    masked = write_run(tmp_path / "c", 0.3, objective="masked")
    tuned = tmp_path / "tuned"
    tuned.mkdir()
    (tuned / "run.json").write_text(json.dumps({"options": {"mode": "probe"}, "inputs": {"x": "cd" * 32}}))
    pd.DataFrame(
        [("ridge", "baseline", "auroc", 0.7, 0.6, 0.8)],
        columns=["method", "role", "metric", "value", "lower", "upper"],
    ).to_csv(tuned / "metrics.csv", index=False)
    out = tmp_path / "out"
    assert run_command("compare", [str(runs[0]), str(masked), str(tuned), "--out", str(out)]) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert "differ in objective" in metrics["warnings"][0]
    assert "different files" in metrics["warnings"][1]
    assert metrics["test"]["tuned"][0]["value"] == 0.7
    assert "tuned: ridge" in (out / "report.html").read_text()


def test_what_is_no_comparison_is_refused(runs, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for arguments, message in (
        ([runs[0]], "needs two or more"), ([runs[0], runs[0]], "named twice"),
        ([runs[0], tmp_path / "empty"], "holds no finished run"), ([runs[0], tmp_path / "no"], "no directory"),
    ):  # fmt: skip
        assert run_command("compare", [*map(str, arguments), "--out", str(tmp_path / "out")]) == 2
        assert message in capsys.readouterr().err
    assert run_command("compare", [*map(str, runs), "--out", str(runs[0])]) == 2
    assert not (tmp_path / "out").exists()
    with pytest.raises(UserError, match="twice"):
        short_names([runs[0], runs[0]])
