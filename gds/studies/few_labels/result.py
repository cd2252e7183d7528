"""What a few-label run is told, and what it leaves."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gds.models import GdsForClassification
from gds.studies.outliers import Outliers

if TYPE_CHECKING:
    from gds.studies.als.biology import AlsBiology
    from gds.studies.polygenic.scores import PolygenicScores


@dataclass(frozen=True)
class FewLabelOptions:
    """How a few-label run is done."""

    mode: str = "probe"  # probe: logistic regression on frozen embeddings; full: all weights
    augment: float = 0.0  # synthetic people for each labelled one
    guidance_scale: float = 1.0
    allow_transductive: bool = False
    seed: int = 0
    method: str = "listed"  # auto: also choose one baseline by folds of the labels
    adjust: tuple[str, ...] = ()  # columns, pcs:K, that genotypes are adjusted for
    stratify: str | None = None  # column with an intercept a level, within which methods are compared
    encoder_prior: bool = False  # also HWE-EM with an encoder's expected genotypes as prior


@dataclass
class FewLabelResult:
    """Predictions of every method for the same test people.

    Attributes
    ----------
    probabilities
        Method name to class probabilities, shape (sample, class).
    roles
        Method name to ``chance``, ``confounder``, ``baseline``, ``encoder``, ``augmented``, ``control`` (synthetic
        people that needed no generator), ``adjusted`` (the genetic part beside covariates) or ``combined`` (both).
    details
        Method name to what was chosen inside the labels.
    embeddings, few_embeddings
        Encoder name to embeddings of the test people, and for probes of the labelled few, shape (sample, hidden).
    outliers
        Test people unlike those of training.
    transductive
        Encoders that have seen test people.
    classifier, classifier_name
        The first encoder's network as it predicted, and its method's name; None and "" without encoders.
    warnings
        Sentences that belong above the results, beside those that the results themselves give rise to.
    published
        What was made of published association results; None where none were given.
    biology
        Published ALS loci and block attributions; None where they were not asked for.
    """

    probabilities: dict[str, np.ndarray] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    details: dict[str, dict] = field(default_factory=dict)
    embeddings: dict[str, np.ndarray] = field(default_factory=dict)
    few_embeddings: dict[str, np.ndarray] = field(default_factory=dict)
    outliers: Outliers | None = None
    transductive: list[str] = field(default_factory=list)
    classifier: GdsForClassification | None = None
    classifier_name: str = ""
    warnings: list[str] = field(default_factory=list)
    published: "PolygenicScores | None" = None
    biology: "AlsBiology | None" = None

    def add(self, name: str, role: str, probabilities: np.ndarray, **details) -> None:
        """Record one method."""
        self.probabilities[name], self.roles[name], self.details[name] = probabilities, role, details

    def probed_embeddings(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Method name to embeddings of the few and of the test people, for every probe."""
        return {f"{name}, probe": (few, self.embeddings[name]) for name, few in self.few_embeddings.items()}

    def keep_first(self, name: str, classifier: GdsForClassification) -> None:
        """Keep the network of the first encoder's method."""
        if self.classifier is None:
            self.classifier, self.classifier_name = classifier, name
