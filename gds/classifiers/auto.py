"""Which method to use, decided inside the labels, and cautiously where a batch could decide it."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from gds.classifiers.base import Candidate, PeopleClassifier
from gds.classifiers.inner_folds import inner_folds
from gds.classifiers.linear.tuned_logistic import class_indices

N_BOOTSTRAP = 200


class AutoClassifier(PeopleClassifier):
    """The candidate that folds of the labelled people favour; of two classes, only by a margin.

    Every candidate is fitted on each training part, tuning included, with the same unlabelled people, and predicts
    those held out. With more than two classes the lowest log-loss is chosen. With two classes, a disease, the
    first candidate is the default: another is chosen only if its AUROC *within batches* is higher by more than one
    standard error of the paired difference (bootstrap over held-out people). Comparing cases only
    with controls of their own batch matters: by the plain AUROC the best detector of batches would win wherever
    cases and controls were genotyped apart. Without possible folds the first candidate is used.

    Parameters
    ----------
    candidates
        By name; the first is the default.
    n_folds, seed
        Folds of the labelled people; the seed is also that of the bootstrap.

    Attributes
    ----------
    chosen_ : str
        Name of the method used.
    report_ : pandas.DataFrame
        Index ``method``; columns ``criterion`` (held-out AUROC within batches, or log-loss), ``difference`` to the
        default and its ``standard_error`` (NaN for the default), ``chosen``. Empty without folds.
    model_
        The method, fitted on all labelled people.
    """

    def __init__(self, candidates: Mapping[str, Candidate], *, n_folds: int = 5, seed: int = 0) -> None:
        self.candidates = candidates
        self.n_folds = n_folds
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        unlabelled: np.ndarray | None = None,
        groups: np.ndarray | None = None,
        batches: np.ndarray | None = None,
    ) -> Self:
        """Choose, and fit what was chosen.

        Parameters
        ----------
        X
            Dosages of labelled people, int8, shape (sample, variant), -1 missing; or, for candidates that read
            them, haplotypes, (sample, variant, 2).
        y
            Labels, shape (sample,).
        unlabelled
            The same of further training people.
        groups
            Families of the labelled people, kept within one fold.
        batches
            Batch of each labelled person, shape (sample,); None: all are of one.
        """
        self.classes_, index = class_indices(y)
        self.chosen_, self.report_ = next(iter(self.candidates)), pd.DataFrame()
        folds = inner_folds(index, self.n_folds, groups=groups, seed=self.seed)
        if folds and len(self.candidates) > 1:
            held_out = np.concatenate([rows for _, rows in folds])
            found = {
                name: np.concatenate(
                    [
                        candidate.fitted(
                            X[train],
                            index[train],
                            unlabelled,
                            None if groups is None else groups[train],
                        ).predict_proba(candidate.view(X[rows]))
                        for train, rows in folds
                    ]
                )
                for name, candidate in self.candidates.items()
            }
            batch = np.zeros(len(index)) if batches is None else np.unique(batches, return_inverse=True)[1]
            self._choose(found, index[held_out], batch[held_out])
        self.model_ = self.candidates[self.chosen_].fitted(X, index, unlabelled, groups)
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Class probabilities of the method chosen, shape (sample, class)."""
        return self.model_.predict_proba(self.candidates[self.chosen_].view(X))

    def _choose(self, found: dict[str, np.ndarray], index: np.ndarray, batch: np.ndarray) -> None:
        default, *others = found
        binary = len(self.classes_) == 2

        def value(probabilities: np.ndarray, rows: np.ndarray) -> float:
            if binary:
                return auroc_within(index[rows], probabilities[rows, 1], batch[rows])
            return float(-np.log(np.maximum(probabilities[rows, index[rows]], 1e-12)).mean())

        everyone = np.arange(len(index))
        rng = np.random.default_rng(self.seed)
        samples = rng.integers(0, len(index), (N_BOOTSTRAP, len(index)))
        base = value(found[default], everyone)
        rows: list[dict[str, Any]] = [
            {"method": default, "criterion": base,
             "difference": np.nan, "standard_error": np.nan}
        ]  # fmt: skip
        for name in others:
            drawn = [value(found[name], sample) - value(found[default], sample) for sample in samples]
            criterion = value(found[name], everyone)
            rows.append(
                {"method": name, "criterion": criterion, "difference": criterion - base,
                 "standard_error": float(np.nanstd(drawn))}
            )  # fmt: skip
        table = pd.DataFrame(rows).set_index("method")
        if binary:
            better = table[table["difference"] > table["standard_error"]]
            self.chosen_ = str(better["criterion"].idxmax()) if len(better) else default
        else:
            self.chosen_ = str(table["criterion"].idxmin())
        self.report_ = table.assign(chosen=table.index == self.chosen_)


def auroc_within(label: np.ndarray, score: np.ndarray, batch: np.ndarray) -> float:
    """Share of pairs of a case and a control of the same batch that a score ranks rightly; ties count half.

    Parameters
    ----------
    label
        0 or 1, shape (sample,).
    score
        Higher for cases, shape (sample,).
    batch
        Shape (sample,).

    Returns
    -------
    float
        NaN where no batch has both.
    """
    right, pairs = 0.0, 0
    for one in np.unique(batch):
        here = batch == one
        case = label[here] == 1
        n_cases, n_controls = int(case.sum()), int((~case).sum())
        if n_cases and n_controls:
            right += rankdata(score[here])[case].sum() - n_cases * (n_cases + 1) / 2
            pairs += n_cases * n_controls
    return right / pairs if pairs else float("nan")
