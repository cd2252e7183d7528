"""How accuracy grows with the number of labels: every method, many choices of the labels, one test set.

For every seed the labelled people are chosen once and nested over the budgets. A method is handed a
cohort in which nobody else has a label, test people included, and returns probabilities; they are scored
here, once. Results are kept run by run, so that an interrupted study goes on where it stopped.
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
from gds.features.dataset import PreparedCohort
from gds.features.splits import UNLABELLED
from gds.files import atomic_path, read_json, sha256, write_json
from gds.studies.few_labels.task import FewLabelTask, task_with_labels
from gds.studies.label_efficiency.budgets import LabelBudget

COLUMNS = ["method", "role", "budget", "n_labels", "seed", "metric", "value", "seconds"]
ROLES = ("chance", "confounder", "baseline", "encoder", "augmented")

# Class probabilities (sample, class) of the task's test people, given the task and a seed.
Learner = Callable[[FewLabelTask, int], np.ndarray]


@dataclass(frozen=True)
class StudyMethod:
    """One line of the picture.

    Attributes
    ----------
    learn
        From a task and a seed to class probabilities of the test people, shape (sample, class). Whatever it
        tunes, it tunes by folds of ``task.few``.
    role
        ``chance``, ``confounder``, ``baseline``, ``encoder`` or ``augmented``.
    most_labels
        It is not run with more labels than this; None: always.
    """

    learn: Learner
    role: str = "baseline"
    most_labels: int | None = None


def run_label_efficiency(
    cohort: PreparedCohort,
    methods: Mapping[str, StudyMethod],
    budgets: Sequence[LabelBudget],
    seeds: Sequence[int] = range(10),
    *,
    folder: str | Path | None = None,
) -> pd.DataFrame:
    """Measure every method at every budget with every choice of the labels.

    Parameters
    ----------
    cohort
        A prepared cohort with labels.
    methods
        Name to method.
    budgets
        Numbers of labels.
    seeds
        Of the choice of labelled people and of whatever is random in a method.
    folder
        Where ``label_efficiency.csv`` is written after every run and read when the study goes on; None:
        nothing is written.

    Returns
    -------
    pandas.DataFrame
        Columns ``method``, ``role``, ``budget``, ``n_labels``, ``seed``, ``metric``, ``value`` and ``seconds``
        (of the run, the same for all its metrics).

    Raises
    ------
    UserError
        The folder holds a study of another cohort, or a method returns no probabilities of the test people.
    """
    for name, method in methods.items():
        if method.role not in ROLES:
            raise UserError(f"method {name!r} has role {method.role!r}: expected one of {', '.join(ROLES)}")
    path = None if folder is None else _claim(Path(folder), cohort)
    table = _finished(path)
    done = set(zip(table["method"], table["budget"], table["seed"], strict=True))
    # An empty table has no types, and would take those of the others away.
    parts = [table] if len(table) else []
    # Small budgets of all seeds first: the left end of the picture is there early.
    for budget in tqdm(budgets, desc="label budgets", unit="budget", disable=None):
        for seed in seeds:
            few = budget.choose(cohort, seed)
            wanted = [
                name
                for name, method in methods.items()
                if (name, budget.name, seed) not in done
                and (method.most_labels is None or len(few) <= method.most_labels)
            ]
            if not wanted:
                continue
            task, answers = blind_task(cohort, few)
            for name in wanted:
                started = time.perf_counter()
                probabilities = methods[name].learn(task, seed)
                seconds = time.perf_counter() - started
                rows = _score(answers, probabilities, name).assign(
                    method=name, role=methods[name].role, budget=budget.name, n_labels=len(few), seed=seed,
                    seconds=round(seconds, 3),
                )  # fmt: skip
                parts.append(rows[COLUMNS])
                if path is not None:
                    with atomic_path(path) as temporary:
                        pd.concat(parts, ignore_index=True).to_csv(temporary, index=False)
    return pd.concat(parts, ignore_index=True) if parts else table


def blind_task(cohort: PreparedCohort, few: np.ndarray) -> tuple[FewLabelTask, np.ndarray]:
    """A task without any other label than those of the few, and the labels of its test people apart.

    Returns
    -------
    task : FewLabelTask
        ``labels_test`` is -100 throughout, and so is the label of everyone but the few in ``task.cohort``.
    answers : numpy.ndarray
        Class indices of ``task.test``, shape (sample,).
    """
    task = task_with_labels(cohort, few)
    blinded = replace(
        task, cohort=cohort.with_labels_of(task.few), labels_test=np.full_like(task.labels_test, UNLABELLED)
    )
    return blinded, task.labels_test


def _score(answers: np.ndarray, probabilities: np.ndarray, name: str) -> pd.DataFrame:
    if np.ndim(probabilities) != 2 or len(probabilities) != len(answers):
        raise UserError(
            f"method {name!r}: expected probabilities of {len(answers)} test people, found shape "
            f"{np.shape(probabilities)}"
        )
    scores = classification_metrics(answers, probabilities, n_bootstrap=0)["value"]
    return scores.round(6).rename("value").rename_axis("metric").reset_index()


def _claim(folder: Path, cohort: PreparedCohort) -> Path:
    """The file of results; refused where it is of another cohort."""
    claim = folder / "study.json"
    description = {"cohort": sha256(cohort.folder / "cohort.json")}
    if claim.is_file() and read_json(claim) != description:
        raise UserError(
            f"{folder} holds a study of another cohort than {cohort.folder}: choose another --out, or delete it"
        )
    write_json(claim, description)
    return folder / "label_efficiency.csv"


def _finished(path: Path | None) -> pd.DataFrame:
    if path is None or not path.is_file():
        return pd.DataFrame(columns=COLUMNS)
    return pd.read_csv(path, dtype={"budget": str})


def summarise(table: pd.DataFrame, metric: str, level: float = 0.95) -> pd.DataFrame:
    """Mean over the choices of labels, with the t interval of that mean.

    The test people are the same throughout, so the interval says how far the choice of labels matters, not
    how other people would fare.

    Parameters
    ----------
    table
        Of :func:`run_label_efficiency`.
    metric
        Which metric.
    level
        Coverage of the interval.

    Returns
    -------
    pandas.DataFrame
        Columns ``method``, ``role``, ``budget``, ``n_labels``, ``value``, ``lower``, ``upper``, ``n_seeds``,
        ``seconds``; the bounds are NaN for a single seed.
    """
    from scipy.stats import t

    rows = table[table["metric"] == metric]
    keys = ["method", "role", "budget", "n_labels"]
    grouped = rows.groupby(keys, sort=False)
    result = grouped["value"].agg(value="mean", spread="std", n_seeds="size").reset_index()
    result["seconds"] = grouped["seconds"].mean().to_numpy()
    n = result["n_seeds"].to_numpy()
    half = t.ppf((1 + level) / 2, np.maximum(n - 1, 1)) * result.pop("spread") / np.sqrt(n)
    result["lower"], result["upper"] = result["value"] - half, result["value"] + half
    return result.sort_values("n_labels", kind="stable", ignore_index=True)


def paired_by_seed(table: pd.DataFrame, metric: str, method: str, reference: str) -> pd.DataFrame:
    """A method minus a reference on the same labels, by budget.

    Returns
    -------
    pandas.DataFrame
        Index ``n_labels``; the columns ``value``, ``lower``, ``upper``, ``p_value`` of a paired t-test over the
        choices of labels, which share the test people, and ``n_seeds``.
    """
    from scipy.stats import ttest_1samp

    rows = table[(table["metric"] == metric) & table["method"].isin([method, reference])]
    values = rows.pivot_table(index=["n_labels", "seed"], columns="method", values="value")
    difference = (values[method] - values[reference]).dropna()
    found = {}
    for n_labels, each in difference.groupby(level="n_labels"):
        lower = upper = p_value = np.nan
        if len(each) > 1 and each.std() > 0:
            test = ttest_1samp(each, 0.0)
            (lower, upper), p_value = test.confidence_interval(), test.pvalue
        found[n_labels] = {
            "value": each.mean(),
            "lower": lower,
            "upper": upper,
            "p_value": p_value,
            "n_seeds": len(each),
        }
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("n_labels")
