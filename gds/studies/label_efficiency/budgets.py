"""How many labels a run may use: so many of each class, a share of them, or all."""

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gds.errors import UserError
from gds.features.dataset import PreparedCohort
from gds.features.splits import UNLABELLED, few_label_subset, few_per_class


@dataclass(frozen=True)
class LabelBudget:
    """Labels that a run may use.

    Attributes
    ----------
    kind
        ``"per class"``: ``amount`` people of every class; ``"total"``: ``amount`` people, classes in their
        proportions; ``"fraction"``: this share of the labelled training people; ``"all"``.
    amount
        A whole number, or a share between 0 and 1; not used for all.
    """

    kind: Literal["per class", "total", "fraction", "all"]
    amount: float = 1.0

    @property
    def name(self) -> str:
        """As the command line writes it."""
        if self.kind == "all":
            return "all"
        if self.kind == "fraction":
            return f"{100 * self.amount:g}%"
        return f"{self.amount:g}" + ("/class" if self.kind == "per class" else "")

    def choose(self, cohort: PreparedCohort, seed: int) -> np.ndarray:
        """Ids of the training people of a cohort whose labels may be used; see :meth:`rows`."""
        people = cohort.people[cohort.people["split"] == "train"]
        groups = people["family"].fillna("").astype(str).to_numpy() if cohort.has_relatives else None
        chosen = self.rows(people["label"].to_numpy(), groups, seed)
        return people.index.to_numpy(dtype=str)[chosen]

    def rows(self, labels: np.ndarray, groups: np.ndarray | None, seed: int) -> np.ndarray:
        """Which training people's labels may be used; the choices of one seed and kind are nested.

        Members of a family follow each other in the order of choice.

        Parameters
        ----------
        labels
            Of the training people, -100 unlabelled, shape (sample,).
        groups
            Family of each, or None.
        seed
            Of the order.

        Returns
        -------
        numpy.ndarray
            Sorted indices.
        """
        if self.kind == "per class":
            return few_per_class(labels, int(self.amount), seed=seed, groups=groups)
        available = int((labels != UNLABELLED).sum())
        number = {
            "total": int(self.amount),
            "fraction": round(self.amount * available),
            "all": available,
        }[self.kind]
        return few_label_subset(labels, number, seed=seed, groups=groups)


def parse_budget(text: str) -> LabelBudget:
    """``5/class`` (five of each class), ``100`` (people), ``5%`` (of the labelled training people) or ``all``.

    Raises
    ------
    UserError
        It is none of these.
    """
    text = text.strip()
    if text == "all":
        return LabelBudget("all")
    found = re.fullmatch(r"(\d+)(/class)?|(\d*\.?\d+)%", text)
    if found and found[3] and 0 < float(found[3]) <= 100:
        return LabelBudget("fraction", float(found[3]) / 100)
    if found and found[1] and int(found[1]) > 0:
        return LabelBudget("per class" if found[2] else "total", int(found[1]))
    raise UserError(
        f"label budget {text!r}: expected e.g. 5/class (of each class), 100 (people), 5% (of the labelled "
        "training people) or all"
    )
