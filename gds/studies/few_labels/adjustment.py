r"""Genotypes beside covariates: what they add to what sex, age, ancestry or a batch say already.

Covariates alone give each person an offset o, the logit of a logistic regression fitted on the labelled few (for the
few themselves out of fold). Features lose what the same covariates explain of them linearly, x - B'd with B fitted on
training people without their labels, so that a genotype that only marks ancestry or a batch has nothing left to say.
Then logit P = o + b + f(x) (:class:`~gds.classifiers.linear.offset_logistic.OffsetLogistic`). Reported are f alone, the
genetic part, and the whole.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from gds.classifiers.baselines import CovariateClassifier
from gds.classifiers.covariates import CovariateEncoder
from gds.classifiers.inner_folds import inner_folds
from gds.classifiers.linear.offset_logistic import OffsetLogistic
from gds.classifiers.linear.standardised import DosageScaler
from gds.errors import UserError, did_you_mean
from gds.studies.few_labels.task import FewLabelTask

if TYPE_CHECKING:
    from gds.studies.few_labels.result import FewLabelResult

COVARIATES = "covariates adjusted for"
MAX_REFERENCE = 4000  # training people that say what covariates explain of genotypes; bounds memory


def adjustment_columns(task: FewLabelTask, adjust: Sequence[str], stratify: str | None = None) -> list[str]:
    """Columns of the table of people that are adjusted for; ``pcs:K`` is its first K components.

    Raises
    ------
    UserError
        No such column, fewer components, or more than two classes.
    """
    if len(task.class_names) != 2:
        raise UserError(
            f"--adjust and --stratify are for two classes, this label has {len(task.class_names)}"
        )
    found: list[str] = []
    for name in [*adjust, *([stratify] if stratify else [])]:
        if name.startswith("pcs:"):
            components = task.cohort.description.pc_columns
            if not name[4:].isdigit() or not 0 < int(name[4:]) <= len(components):
                raise UserError(
                    f"--adjust {name}: the prepared cohort has {len(components)} principal components: prepare it "
                    "with --pcs K"
                )
            found += components[: int(name[4:])]
        elif name not in task.cohort.people:
            raise UserError(
                f"--adjust or --stratify {name}: no such column; {did_you_mean(name, task.cohort.people.columns)}"
            )
        elif name == task.cohort.description.label_column:
            raise UserError(f"--adjust {name}: that is the label")
        else:
            found.append(name)
    return list(dict.fromkeys(found))


def add_adjusted(
    task: FewLabelTask,
    result: "FewLabelResult",
    columns: Sequence[str],
    categorical: Sequence[str],
    seed: int,
) -> None:
    """Ridge on dosages and every probe of the run again, adjusted for covariates.

    Adds the covariates alone (role ``confounder``), and of each method the genetic part (``adjusted``) and the whole
    (``combined``).

    Parameters
    ----------
    task, result
        Of the run; ``result`` holds the embeddings of its encoders.
    columns
        Of the table of people.
    categorical
        Those that are names whatever they look like.
    seed
        Of the folds.

    Raises
    ------
    UserError
        Too few labelled people for so many columns.
    """
    y, groups = task.labels_few, task.families(task.few)
    named = [name for name in columns if name in categorical]
    covariates = _Covariates(task, columns, named, seed)
    few_offset, test_offset = covariates.offsets(y, groups)
    p = expit(test_offset)
    result.add(COVARIATES, "confounder", np.column_stack([1 - p, p]), columns=list(columns))
    for name, (kernel, few, test) in _kernels(task, result, covariates).items():
        model = OffsetLogistic(seed=seed).fit(kernel[np.ix_(few, few)], y, few_offset, groups=groups)
        across = kernel[np.ix_(test, few)]
        genetic = expit(logit(y.mean()) + model.genetic_part(across))
        result.add(f"{name}, adjusted", "adjusted", np.column_stack([1 - genetic, genetic]), C=model.C_)
        result.add(f"{name} + covariates", "combined", model.predict_proba(across, test_offset), C=model.C_)


def residual_kernel(kernel: np.ndarray, design: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Relationship of people after a linear regression of every feature on covariates; (sample, sample).

    With X = features, D = covariates and an intercept, the residuals are X - A X_r with A = D D_r^+, r the reference
    people: the regression is theirs alone, and is applied to everyone.

    Parameters
    ----------
    kernel
        X X', (sample, sample).
    design
        Covariates without an intercept, (sample, column).
    reference
        Indices of the people the regression is fitted on.
    """
    full = np.column_stack([np.ones(len(design)), design])
    spread = full[:, 1:].std(axis=0)
    full[:, 1:] = (full[:, 1:] - full[:, 1:].mean(axis=0)) / np.where(spread > 0, spread, 1)
    explained = full @ np.linalg.pinv(full[reference])
    half = explained @ kernel[reference]
    return kernel - half - half.T + half[:, reference] @ explained.T


class _Covariates:
    """The covariates of the people of one task."""

    def __init__(
        self, task: FewLabelTask, columns: Sequence[str], categorical: Sequence[str], seed: int
    ) -> None:
        self.task, self.columns, self.categorical, self.seed = task, list(columns), list(categorical), seed
        self.encoder = CovariateEncoder(categorical).fit(self.table(task.few))
        if len(self.encoder.names_) + 1 >= len(task.few):
            raise UserError(
                f"adjusting for {', '.join(columns)} takes {len(self.encoder.names_)} numbers a person, and "
                f"{len(task.few)} people are labelled: adjust for less, or use more labels"
            )

    def table(self, ids: np.ndarray) -> pd.DataFrame:
        return self.task.table(ids, self.columns)

    def design(self, *ids: np.ndarray) -> np.ndarray:
        return self.encoder.transform(self.table(np.concatenate(ids)))

    def offsets(self, y: np.ndarray, groups: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Logits of the few, each by a model that did not learn from them, and of the test people."""
        few = self.table(self.task.few)
        folds = inner_folds(y, groups=groups, seed=self.seed)
        # Whoever no fold holds out is given the share of cases.
        offset = np.full(len(y), logit(y.mean()))
        for train, held_out in folds:
            model = self._classifier().fit(
                few.iloc[train], y[train], None if groups is None else groups[train]
            )
            offset[held_out] = _logits(model, few.iloc[held_out])
        return offset, _logits(self._classifier().fit(few, y, groups), self.table(self.task.test))

    def _classifier(self) -> CovariateClassifier:
        return CovariateClassifier(categorical=self.categorical, seed=self.seed)


def _logits(model: CovariateClassifier, table: pd.DataFrame) -> np.ndarray:
    return logit(np.clip(model.predict_proba(table)[:, 1], 1e-6, 1 - 1e-6))


def _kernels(
    task: FewLabelTask, result: "FewLabelResult", covariates: _Covariates
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of each method the adjusted relationship of people, and the places of the few and of the tested in it."""
    n_few, n_test = len(task.few), len(task.test)
    others = task.unlabelled[: max(0, MAX_REFERENCE - n_few)]
    ids = (task.few, others, task.test)
    parts = [task.dosages(each) for each in ids]
    scaler = DosageScaler().fit(parts[:2])
    reference = np.arange(n_few + len(others))
    few, test = np.arange(n_few), len(reference) + np.arange(n_test)
    dosage = residual_kernel(scaler.kernel(parts), covariates.design(*ids), reference)
    found = {"ridge on dosages": (_scaled(dosage, few), few, test)}
    test = n_few + np.arange(n_test)
    design = covariates.design(task.few, task.test)
    for name, (embedded_few, embedded_test) in result.probed_embeddings().items():
        spread = embedded_few.std(axis=0)
        z = np.concatenate([embedded_few, embedded_test]) - embedded_few.mean(axis=0)
        z = z.astype(np.float64) / np.where(spread > 1e-7 * np.abs(embedded_few).max(), spread, np.inf)
        kernel = residual_kernel(z @ z.T, design, few)
        found[name] = (_scaled(kernel, few), few, test)
    return found


def _scaled(kernel: np.ndarray, few: np.ndarray) -> np.ndarray:
    """Such that its mean diagonal among the few is 1."""
    return kernel / max(float(np.diag(kernel)[few].mean()), 1e-300)
