"""Classification from covariates alone: what sex, age, batch or plate already give away."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from sklearn.base import BaseEstimator, ClassifierMixin

from gds.classifiers.linear.tuned_logistic import LogisticProbe
from gds.errors import UserError

MAX_NUMERIC_LEVELS = 10


class CovariateEncoder:
    """Columns of a phenotype table as numbers, by what the training people show.

    A column is categorical if it is named so, is not numeric, or holds at most 10 distinct whole numbers
    (codes such as sex 1/2 or batch 1 ... 8): one indicator a level, 0 in all of them where the level was not
    seen in training. Other columns are numbers; missing ones become the training median. Either kind
    gets an indicator of missingness where training people miss it.

    Parameters
    ----------
    categorical
        Columns that are categorical whatever they look like, e.g. a plate number.
    """

    def __init__(self, categorical: Sequence[str] = ()) -> None:
        self.categorical = tuple(categorical)

    def fit(self, table: pd.DataFrame) -> "CovariateEncoder":
        """Learn levels and medians from training people."""
        if not len(table.columns):
            raise UserError("there is no covariate: expected at least one column")
        self.columns_ = list(table.columns)
        self.levels_ = {name: _levels(table[name], name in self.categorical) for name in self.columns_}
        self.medians_ = {
            name: float(np.nan_to_num(pd.to_numeric(table[name]).median()))
            for name, levels in self.levels_.items()
            if levels is None
        }
        self.with_missing_ = [name for name in self.columns_ if table[name].isna().any()]
        self.names_ = [
            name if levels is None else f"{name}={level}"
            for name, levels in self.levels_.items()
            for level in ([""] if levels is None else levels)
        ] + [f"{name} missing" for name in self.with_missing_]
        return self

    def transform(self, table: pd.DataFrame) -> np.ndarray:
        """Design matrix without an intercept, float64, shape (sample, column of ``names_``).

        Raises
        ------
        UserError
            A column of the training table is absent, or a number is now text.
        """
        absent = [name for name in self.columns_ if name not in table]
        if absent:
            raise UserError(
                f"column {absent[0]!r} is not in the table: found {', '.join(map(str, table.columns))}"
            )
        parts = []
        for name in self.columns_:
            levels = self.levels_[name]
            if levels is None:
                try:
                    number = pd.to_numeric(table[name])
                except (ValueError, TypeError) as error:
                    raise UserError(f"column {name!r} held numbers in training, now: {error}") from error
                parts.append(number.fillna(self.medians_[name]).to_numpy(np.float64)[:, None])
            else:
                text = _as_text(table[name]).to_numpy()
                parts.append((text[:, None] == np.array(levels, dtype=object)[None, :]).astype(np.float64))
        parts.extend(table[name].isna().to_numpy(np.float64)[:, None] for name in self.with_missing_)
        return np.concatenate(parts, axis=1)


class CovariateClassifier(ClassifierMixin, BaseEstimator):
    """Logistic regression on covariates; the penalty is chosen by folds of the labelled people.

    Parameters
    ----------
    categorical
        Columns that are categorical whatever they look like; see :class:`CovariateEncoder`.
    n_folds
        Folds of the labelled people.
    seed
        Seed of the folds.
    """

    def __init__(self, *, categorical: Sequence[str] = (), n_folds: int = 5, seed: int = 0) -> None:
        self.categorical = categorical
        self.n_folds = n_folds
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: np.ndarray, groups: np.ndarray | None = None) -> "CovariateClassifier":
        """Fit on labelled people.

        Parameters
        ----------
        X
            Covariates, one row a person; numbers, text, missing values.
        y
            Labels, shape (sample,).
        groups
            Families, kept within one fold.
        """
        self.encoder_ = CovariateEncoder(self.categorical).fit(X)
        self.model_ = LogisticProbe(n_folds=self.n_folds, seed=self.seed)
        self.model_.fit(self.encoder_.transform(X), y, groups=groups)
        self.classes_, self.C_ = self.model_.classes_, self.model_.C_
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Class probabilities, shape (sample, class)."""
        return self.model_.predict_proba(self.encoder_.transform(X))

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Most probable class, shape (sample,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _levels(column: pd.Series, categorical: bool) -> list[str] | None:
    """Levels of a categorical column as text; None for numbers."""
    if is_numeric_dtype(column) and not is_bool_dtype(column) and not categorical:
        values = column.dropna().unique()
        if len(values) > MAX_NUMERIC_LEVELS or (np.asarray(values, dtype=np.float64) % 1).any():
            return None
    return sorted(_as_text(column).dropna().unique().tolist())


def _as_text(column: pd.Series) -> pd.Series:
    """Values as text, whole numbers without a decimal point, so that 1 and 1.0 are one level."""
    if is_numeric_dtype(column) and not is_bool_dtype(column):
        return column.map(lambda value: f"{value:g}", na_action="ignore").astype(object)
    return column.map(str, na_action="ignore").astype(object)
