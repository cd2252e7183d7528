"""Two or more runs side by side: one picture, one table of figures, one of what was set differently."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gds.errors import UserError
from gds.files import all_or_none, atomic_path, write_json
from gds.provenance import run_record
from gds.report.figures import metric_by_method
from gds.report.page import Page, format_interval
from gds.report.run_figures import RunCurves, learning_curves
from gds.studies.run_folder import RunFolder, differing_options, read_run, short_names

# Options that decide what a loss measures: across them the figures of two runs are not comparable.
_LOSS_OPTIONS = (
    "objective", "model.prediction_type", "model.mask_ratio", "model.mask_unit", "model.num_train_timesteps",
    "model.beta_schedule",
)  # fmt: skip


@all_or_none()
def compare_runs(folders: Sequence[str | Path], out: str | Path) -> list[str]:
    """Compare runs of ``gds pretrain`` and ``gds finetune``.

    Writes ``curves.png``, ``metrics.json``, ``report.html`` and ``run.json``.

    Parameters
    ----------
    folders
        Two or more run folders.
    out
        Where results go.

    Returns
    -------
    list of str
        What a user should see on the screen: warnings, then a line a run.

    Raises
    ------
    UserError
        Fewer than two runs, one named twice, or a folder that is none.
    """
    if len(folders) < 2:
        raise UserError(f"{len(folders)} run given: a comparison needs two or more")
    names = short_names([Path(folder) for folder in folders])
    runs = {name: read_run(folder) for name, folder in zip(names, folders, strict=True)}
    out = Path(out)
    if out.resolve() in {run.folder.resolve() for run in runs.values()}:
        raise UserError(f"--out {out} is one of the runs, whose files would be replaced: choose another")
    trained = {name: run for name, run in runs.items() if run.curves is not None}
    figures = pd.DataFrame({name: training_figures(run) for name, run in trained.items()}).T
    differences, warnings = differing_options(runs), comparison_warnings(runs)
    page = Page("Runs compared", ", ".join(names))
    for text in warnings:
        page.add_verdict(text, "caution")
    if trained:
        drawn = learning_curves(
            {name: RunCurves(run.curves, run.noise_levels) for name, run in trained.items()}
        )
        with atomic_path(out / "curves.png") as temporary:
            drawn.savefig(temporary, dpi=150)
        page.add_section(
            "Training", "Thin lines: training people; thick lines with marks: validation people."
        )
        page.add_figure(drawn, "Dotted: closed-form shrinkage, what a network that learned nothing scores.",
                        "Learning curves of every run")  # fmt: skip
        page.add_table(
            figures, "Losses and accuracies of the last evaluation, and the lowest validation loss of any."
        )
    _add_test_metrics(page, runs)
    page.add_section("What was set differently")
    page.add_table(
        differences, "Options that are not the same in all runs; a dash: the run has no such option."
    )
    record = run_record(None, [run.folder / "run.json" for run in runs.values()], runs=names)
    page.add_record(record)
    page.write(out / "report.html")
    write_json(
        out / "metrics.json",
        {"runs": {name: str(run.folder) for name, run in runs.items()}, "training": _plain(figures.T),
         "test": {name: run.metrics.astype(object).where(run.metrics.notna(), None).to_dict("records")
                  for name, run in runs.items() if run.metrics is not None},
         "differences": _plain(differences.T), "warnings": warnings},
    )  # fmt: skip
    write_json(out / "run.json", record)
    return [f"warning: {text}" for text in warnings] + [
        f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in row.items() if pd.notna(value))
        for name, row in figures.iterrows()
    ]


def training_figures(run: RunFolder) -> dict[str, float]:
    """Parameters, losses, accuracies, throughput and reconstruction error of one run; what it lacks is absent."""
    assert run.curves is not None
    records = run.curves.sort_values("step")
    found: dict[str, float] = {}
    if "parameters" in run.record:
        found["parameters"] = run.record["parameters"]
    found["samples seen"] = records["samples_seen"].max()
    for metric in ("loss", "shrinkage_loss", "accuracy", "non_major_accuracy"):
        for split in ("train", "validation"):
            values = records.loc[(records["metric"] == metric) & (records["split"] == split), "value"]
            if len(values):
                found[f"{split} {metric.replace('_', ' ')}"] = values.iloc[-1]
                if (split, metric) == ("validation", "loss"):
                    found["lowest validation loss"] = values.min()
    for metric, name in (
        ("samples_per_second", "median people a second"),
        ("grad_norm", "median gradient norm"),
    ):
        values = records.loc[records["metric"] == metric, "value"]
        if len(values):
            found[name] = values.median()
    if run.noise_levels is not None:
        found["mean reconstruction error"] = run.noise_levels["clean_error"].mean()
    return found


def comparison_warnings(runs: dict[str, RunFolder]) -> list[str]:
    """Reasons why figures of these runs may not be held against each other."""
    options = [run.options() for run in runs.values()]
    found = []
    differing = [name for name in _LOSS_OPTIONS if len({str(each.get(name)) for each in options}) > 1]
    if differing:
        found.append(f"Losses measure different things: the runs differ in {', '.join(differing)}.")
    if len({str(each["inputs"]) for each in options}) > 1:
        found.append("The runs read different files: their people or features may not be the same.")
    return found


def _add_test_metrics(page: Page, runs: dict[str, RunFolder]) -> None:
    tables = [run.metrics.assign(method=name + ": " + run.metrics["method"])
              for name, run in runs.items() if run.metrics is not None]  # fmt: skip
    if not tables:
        return
    table = pd.concat(tables, ignore_index=True)
    page.add_section("Test people", "Each run's methods on its own test people, with 95 % intervals.")
    auroc = table[table["metric"] == "auroc"].set_index("method")
    if len(auroc):
        drawn = metric_by_method(auroc, "AUROC", chance=0.5, roles=auroc["role"].to_dict())
        page.add_figure(drawn, "AUROC of every method of every run.", "AUROC with interval by run and method")
    shown = table.assign(
        cell=[format_interval(*row) for row in table[["value", "lower", "upper"]].to_numpy()]
    )
    page.add_table(
        shown.pivot(index="method", columns="metric", values="cell").rename_axis(None, axis=1),
        "Value and 95 % interval.",
    )


def _plain(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Columns of the table as JSON has them: no NaN."""
    return table.astype(object).where(table.notna(), None).to_dict()
