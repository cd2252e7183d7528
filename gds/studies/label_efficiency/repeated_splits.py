"""Methods over many splits and choices of labels: a row a result, resumed row by row.

Columns of a table of results (:data:`COLUMNS`), whoever wrote it:

========== =====================================================================================================
task       name of the study, e.g. ``kg_805``
split      seed of the 80/20 split of people; training and test people of equal seeds are equal
seed       which choice of the labels within the split, 0, 1, ...; choices are nested over the budgets
budget     labels as asked for: ``20/class``, ``100``, ``5%`` or ``all``
n_labels   labels used
method     name
role       ``chance``, ``confounder``, ``baseline``, ``encoder``, ``augmented`` or ``control``
metric     ``accuracy``, ``auroc``, ``log_loss``, ... (:data:`gds.evaluation.classification.METRICS`)
value      on the test people of the split, scored once
seconds    of fitting and predicting, the same for all metrics of a run
========== =====================================================================================================
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from gds.errors import UserError
from gds.evaluation.classification import classification_metrics
from gds.evaluation.comparison import corrected_resampled_t_test
from gds.files import atomic_path
from gds.studies.label_efficiency.budgets import LabelBudget
from gds.studies.label_efficiency.split_task import LabelledGenotypes, SplitTask, split_study, split_task

COLUMNS = ["task", "split", "seed", "budget", "n_labels", "method", "role", "metric", "value", "seconds"]
METRICS = ("accuracy", "auroc", "log_loss")

# Class probabilities (sample, class) of the task's test people, given the task and a seed.
SplitLearner = Callable[[SplitTask, int], np.ndarray]


@dataclass(frozen=True)
class SplitMethod:
    """One line of the picture: how it learns, its role, and the methods whose probabilities it is made of."""

    learn: SplitLearner
    role: str = "baseline"
    members: tuple[str, ...] = ()


def run_over_splits(
    study: LabelledGenotypes,
    methods: Mapping[str, SplitMethod],
    budgets: Sequence[LabelBudget],
    *,
    splits: Sequence[int],
    seeds: Sequence[int] = (0,),
    path: str | Path,
    work: str | Path,
) -> pd.DataFrame:
    """Every method in every split, at every number of labels, with every choice of them.

    Parameters
    ----------
    study
        People and labels.
    methods
        By name; those with members come after their members.
    budgets
        Numbers of labels.
    splits, seeds
        Which 80/20 splits, and which choices of labels in each.
    path
        Table of results: read first, and written after every run.
    work
        Folder of scratch files: predictions, and what splits keep. May be deleted between runs.

    Returns
    -------
    pandas.DataFrame
        The whole table, columns :data:`COLUMNS`.

    Raises
    ------
    UserError
        A method returned no probabilities of the test people, or a member of an ensemble has not been run.
    """
    path = Path(path)
    table = read_results([path])
    done = set(table[["split", "seed", "budget", "method"]].itertuples(index=False, name=None))
    parts = [table] if len(table) else []
    for split in tqdm(splits, desc=study.name, unit="split", disable=None):
        people = split_study(study, split, work)
        for budget in budgets:
            for seed in seeds:
                wanted = [name for name in methods if (split, seed, budget.name, name) not in done]
                if not wanted:
                    continue
                task, answers = split_task(study, people, budget, seed)
                folder = people.folder / f"{budget.name.replace('/', '_per_')} seed{seed}"
                for name in wanted:
                    members = {member: _predictions(folder, member) for member in methods[name].members}
                    started = time.perf_counter()
                    found = methods[name].learn(replace(task, probabilities=members), split + 1000 * seed)
                    seconds = time.perf_counter() - started
                    _keep(folder, name, found, task)
                    scores = classification_metrics(answers, found, n_bootstrap=0).loc[list(METRICS), "value"]
                    rows = scores.round(5).rename("value").rename_axis("metric").reset_index()
                    rows = rows.assign(
                        task=study.name, split=split, seed=seed, budget=budget.name, n_labels=len(task.few),
                        method=name, role=methods[name].role, seconds=round(seconds, 2),
                    )  # fmt: skip
                    parts.append(rows[COLUMNS])
                    with atomic_path(path) as temporary:
                        pd.concat(parts, ignore_index=True).to_csv(temporary, index=False)
    return pd.concat(parts, ignore_index=True) if parts else table


def read_results(paths: Sequence[Path]) -> pd.DataFrame:
    """Rows of all tables that exist, columns :data:`COLUMNS`; a run that stands in several counts once."""
    tables = [pd.read_csv(path, dtype={"budget": str}) for path in paths if path.is_file()]
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    run = ["task", "split", "seed", "budget", "method", "metric"]
    return pd.concat(tables).drop_duplicates(run, ignore_index=True)


def _keep(folder: Path, name: str, probabilities: np.ndarray, task: SplitTask) -> None:
    if np.shape(probabilities) != (len(task.test), task.n_classes):
        raise UserError(
            f"method {name!r}: expected probabilities of shape {(len(task.test), task.n_classes)}, found "
            f"{np.shape(probabilities)}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / f"{name}.npy") as temporary:
        np.save(temporary, np.asarray(probabilities, dtype=np.float32))


def _predictions(folder: Path, member: str) -> np.ndarray:
    path = folder / f"{member}.npy"
    if not path.is_file():
        raise UserError(f"an ensemble needs the predictions of {member!r} at {path}: run that method first")
    return np.load(path)


def summarise_splits(table: pd.DataFrame, metric: str, *, test_share: float = 0.25) -> pd.DataFrame:
    """Mean of each method over splits, with the interval of the corrected resampled t-test.

    Choices of labels within a split are averaged first: they share test people.

    Parameters
    ----------
    table
        Of :func:`run_over_splits`, one task.
    metric
        Which metric.
    test_share
        Test people / training people.

    Returns
    -------
    pandas.DataFrame
        Columns ``method``, ``role``, ``budget``, ``n_labels``, ``value``, ``lower``, ``upper``, ``n_splits``,
        ``n_seeds`` and ``seconds``; the bounds are NaN for a single split.
    """
    rows = []
    found = table[table["metric"] == metric]
    for (method, role, budget), part in found.groupby(["method", "role", "budget"], sort=False):
        by_split = part.groupby("split")["value"].mean().to_numpy()
        test = _test(by_split, test_share)
        rows.append(
            {"method": method, "role": role, "budget": budget, "n_labels": round(part["n_labels"].mean()),
             "value": by_split.mean(), "lower": test["lower"], "upper": test["upper"], "n_splits": len(by_split),
             "n_seeds": part["seed"].nunique(), "seconds": part["seconds"].mean()}
        )  # fmt: skip
    return pd.DataFrame(rows).sort_values("n_labels", kind="stable", ignore_index=True)


def paired_over_splits(
    table: pd.DataFrame, metric: str, method: str, reference: str, *, test_share: float = 0.25
) -> pd.DataFrame:
    """A method minus a reference in the same splits with the same labels, by budget.

    Returns
    -------
    pandas.DataFrame
        Index ``budget``; columns ``value``, ``lower``, ``upper`` and ``p_value`` of the corrected resampled t-test
        (:func:`gds.evaluation.comparison.corrected_resampled_t_test`), and ``n_splits``.
    """
    rows = table[(table["metric"] == metric) & table["method"].isin([method, reference])]
    values = rows.pivot_table(index=["budget", "split", "seed"], columns="method", values="value", sort=False)
    difference = (values[method] - values[reference]).dropna().groupby(["budget", "split"], sort=False).mean()
    found = {
        budget: {**_test(part.to_numpy(), test_share), "n_splits": len(part)}
        for budget, part in difference.groupby(level="budget", sort=False)
    }
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("budget")


def _test(by_split: np.ndarray, test_share: float) -> dict[str, float]:
    if len(by_split) < 2:
        return {"value": float(by_split.mean()), "lower": np.nan, "upper": np.nan, "p_value": np.nan}
    # Only the ratio of test to training people counts.
    return corrected_resampled_t_test(by_split, 10_000, round(10_000 * test_share)).to_dict()
