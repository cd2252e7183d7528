"""Methods of repeated splits by their names, made of the estimators of the table of methods."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gds.classifiers.augmentation import CONTROLS
from gds.classifiers.baselines import METHODS, Method
from gds.classifiers.ensemble import mean_log_posterior
from gds.errors import UserError, did_you_mean
from gds.studies.label_efficiency.pretrained_split_methods import pretrained_methods
from gds.studies.label_efficiency.repeated_splits import SplitLearner, SplitMethod
from gds.studies.label_efficiency.split_task import SplitTask

PRUNED = ", LD-pruned"
ROLES = {"chance": "chance", "covariates": "confounder"} | {f"ridge + {name}": "control" for name in CONTROLS}


def split_methods(names: Sequence[str]) -> dict[str, SplitMethod]:
    """Methods by name.

    Parameters
    ----------
    names
        Of :data:`gds.classifiers.baselines.METHODS`; ``", LD-pruned"`` may follow those that read genotypes. Or of
        :func:`gds.studies.label_efficiency.pretrained_split_methods.pretrained_methods`. An ensemble
        is written as its members joined by `` x ``.

    Raises
    ------
    UserError
        A method is not known.
    """
    known = [name + end for name, each in METHODS.items() for end in ("", PRUNED) if _allowed(each, end)]
    pretrained = pretrained_methods()
    known += pretrained
    chosen = {}
    for name in names:
        members = tuple(name.split(" x "))
        for member in members:
            if member not in known:
                raise UserError(f"method {member!r}: {did_you_mean(member, known)}")
        if len(members) > 1:
            role = "encoder" if any(member in pretrained for member in members) else "baseline"
            chosen[name] = SplitMethod(_ensemble, role, members)
        elif name in pretrained:
            role = "control" if name.endswith("component prior") else "encoder"
            chosen[name] = SplitMethod(pretrained[name], role)
        else:
            chosen[name] = SplitMethod(estimator_learner(name), ROLES.get(name, "baseline"))
    return chosen


def _allowed(method: Method, end: str) -> bool:
    return method.reads != "features" and (
        end == "" or (method.reads != "nothing" and method.reads != "covariates")
    )


def _ensemble(task: SplitTask, seed: int) -> np.ndarray:
    return mean_log_posterior(list(task.probabilities.values()))


def estimator_learner(name: str) -> SplitLearner:
    """Fit the named estimator on a task's few labels and predict its test people."""
    method = METHODS[name.removesuffix(PRUNED)]

    def learn(task: SplitTask, seed: int) -> np.ndarray:
        model = method.make(seed)
        if method.reads == "haplotypes" and not name.endswith(PRUNED):
            share_copying(model, task)
        few, unlabelled, test = (
            _read(task, method, rows, name.endswith(PRUNED))
            for rows in (task.few, task.unlabelled, task.test)
        )
        known: dict[str, Any] = {"groups": task.families} if method.reads != "nothing" else {}
        if method.uses_unlabelled and len(task.unlabelled):
            known["unlabelled"] = unlabelled
        if method.reads == "values":
            if task.values_few is None:
                raise UserError(f"{name} needs a measurement, and {task.people.study.name} has classes only")
            model.fit(few, task.values_few, **known)
            return model.predict_proba(test, task.threshold)
        model.fit(few, task.labels_few, **known)
        return model.predict_proba(test)

    return learn


def share_copying(model: Any, task: SplitTask) -> None:
    """Let an estimator use the split's copying shares, if it copies."""
    parameters = model.get_params(deep=False)
    if "copying" in parameters:
        model.set_params(copying=task.people.copying)
    elif hasattr(parameters.get("representation"), "copying"):
        parameters["representation"].copying = task.people.copying


def _read(task: SplitTask, method: Method, rows: np.ndarray, pruned: bool) -> Any:
    if method.reads == "nothing":
        return np.zeros((len(rows), 1))
    if method.reads == "covariates":
        assert task.people.study.covariates is not None, "the study has no covariates"
        return task.people.study.covariates.iloc[rows]
    if method.reads == "haplotypes":
        return task.people.haplotypes(rows, pruned=pruned)
    return task.people.dosages(rows, pruned=pruned)
