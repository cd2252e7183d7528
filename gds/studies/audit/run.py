"""The whole audit: one relationship matrix, one set of folds and permutations, every question on the same people."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gds.classifiers.inner_folds import inner_folds
from gds.classifiers.linear.standardised import DosageScaler
from gds.errors import UserError
from gds.evaluation.auroc import StratifiedAuroc
from gds.studies.audit.ceiling import CeilingCheck, check_ceiling
from gds.studies.audit.cohort import AuditCohort
from gds.studies.audit.confounders import effects_on_results, score_sources
from gds.studies.audit.held_out import HatMatrix, hat_of_kernel
from gds.studies.audit.held_out_groups import (
    families_divided,
    held_out_groups,
    permuted_within,
    within_ancestry,
)
from gds.studies.audit.judge import judge
from gds.studies.audit.permutation import permuted_labels
from gds.studies.audit.relatives import RelatedPairs, joined_families, related_by_genotype
from gds.studies.audit.results import Result
from gds.studies.audit.selection import Selection, association_signs, selected_again
from gds.studies.audit.sources import Source, adjustment_source, ancestry_components, sources_of
from gds.studies.audit.straddling import Straddling, straddling_relatives
from gds.studies.audit.verdict import ALPHA, Verdict

OWN = "ridge on genotypes, five folds"


@dataclass(frozen=True)
class AuditOptions:
    """How an audit is done."""

    n_permutations: int = 999
    n_folds: int = 5
    max_people: int = 4000  # a random sample of more, which bounds time and memory
    seed: int = 0


@dataclass
class Audit:
    """Everything that the audit found.

    Attributes
    ----------
    cohort
        The people looked at: those who are labelled, or a sample of them.
    results
        The audit's own cross-validated classifier first, then the one on the given split, then the supplied one.
    alone, effects
        Sources by themselves, and what each takes from each result.
    groups, permuted, ancestry
        Held-out groups, permutations, ancestry groups.
    pairs, straddling
        Related pairs; those of them on both sides of the split, and what they do to its result; None without a split.
    selection, reselected
        Signs of a choice by labels; AUROC when the choice is repeated in the folds, where that can be done.
    ceiling
        The genetic part against what heritability allows.
    verdict
        The line.
    """

    cohort: AuditCohort
    options: AuditOptions
    results: list[Result]
    alone: pd.DataFrame
    effects: pd.DataFrame
    groups: pd.DataFrame
    permuted: pd.DataFrame
    ancestry: pd.DataFrame
    pairs: RelatedPairs
    straddling: Straddling | None
    selection: Selection
    reselected: StratifiedAuroc | None
    ceiling: CeilingCheck
    scores: dict[str, np.ndarray] = field(default_factory=dict)
    verdict: Verdict = field(init=False)

    def __post_init__(self) -> None:
        self.verdict = judge(self)

    def main_results(self) -> list[Result]:
        """What the verdict is about; see :func:`main_results`."""
        return main_results(self.results, self.cohort, self.selection)


SPLIT = "ridge on genotypes, given split"
SUPPLIED = "supplied predictions"


def audit_cohort(cohort: AuditCohort, options: AuditOptions | None = None) -> Audit:
    """Audit a cohort, and the predictions that come with it.

    Nothing learned here reaches a classifier: the audit uses all labels, those of test people too.

    Parameters
    ----------
    cohort
        Labelled people.
    options
        Permutations, folds, limits, seed.

    Raises
    ------
    UserError
        Too few people to hold any out.
    """
    options = options or AuditOptions()
    cohort = _sample(cohort, options)
    labels = np.asarray(cohort.labels, dtype=np.int64)
    used = cohort.dosage if cohort.is_selected is None else cohort.dosage[:, cohort.is_selected]
    first, second, whole = _kernels(cohort.dosage)
    kernel = whole if used is cohort.dosage else DosageScaler().fit([used]).kernel([used])
    values, vectors = ancestry_components(first, second)
    del first, second
    components = vectors * np.sqrt(np.maximum(values, 0))
    pairs = related_by_genotype(whole, values, vectors)
    families = joined_families(cohort.families, pairs.pairs, len(labels))
    folds = _folds(labels, families, options)
    permuted = permuted_labels(labels, options.n_permutations, families=families, seed=options.seed)
    hat = hat_of_kernel(kernel)
    results = _results(cohort, hat, labels, folds, families)
    sources = sources_of(cohort, components)
    alone, scores = score_sources(sources, labels, permuted, folds, families)
    selection = association_signs(used, labels, permuted, cohort.is_test, options.seed)
    main = main_results(results, cohort, selection)
    split = cohort.is_test
    reselected = None
    if cohort.is_selected is not None and not cohort.is_selected.all():
        reselected = selected_again(cohort.dosage, labels, folds, used.shape[1], families)
    own = results[0]
    return Audit(
        cohort=cohort,
        options=options,
        results=results,
        alone=alone,
        effects=effects_on_results(main, sources, alone, scores, folds, ALPHA),
        groups=pd.concat(
            [
                held_out_groups(hat, labels, own.score, folds, _group_columns(cohort, sources), families),
                families_divided(hat, labels, own.auroc(), families, options.n_folds, options.seed),
            ],
            ignore_index=True,
        ),
        permuted=_permuted(cohort, sources, hat, labels, own, folds, families, permuted, options),
        ancestry=within_ancestry(labels, own.score, folds, _ancestry(cohort), families),
        pairs=pairs,
        straddling=None if split is None else straddling_relatives(hat, labels, families, split),
        selection=selection,
        reselected=reselected,
        ceiling=check_ceiling(
            cohort, main, adjustment_source(cohort, components), labels, folds, _ancestry(cohort)
        ),
        scores=scores,
    )


def main_results(results: list[Result], cohort: AuditCohort, selection: Selection) -> list[Result]:
    """What the verdict is about: the audit's own result over folds of everyone, and the supplied one if there is one.

    Where the variants were chosen by the labels of training people alone, folds of everyone would test people who
    chose: the result on the given split takes their place.
    """
    chosen_in_training = selection.on_training_only and selection.chosen_by_labels(ALPHA)
    if cohort.chosen_by is not None and cohort.chosen_by.any() and not cohort.n_tested_choosers:
        chosen_in_training = True
    on_split = any(result.name == SPLIT for result in results)
    unwanted = OWN if chosen_in_training and on_split else SPLIT
    return [result for result in results if result.name != unwanted]


def _kernels(dosage: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Relationship matrices of the two halves of the genome, in the order of the file, and of the whole."""
    middle = dosage.shape[1] // 2
    halves = []
    weights = []
    for part in (dosage[:, :middle], dosage[:, middle:]):
        scaler = DosageScaler().fit([part])
        halves.append(scaler.kernel([part]))
        weights.append(scaler.n_varying)
    whole = (weights[0] * halves[0] + weights[1] * halves[1]) / sum(weights)
    return halves[0], halves[1], whole


def _sample(cohort: AuditCohort, options: AuditOptions) -> AuditCohort:
    """At most ``max_people``, of each class and side of the split in proportion."""
    n = len(cohort.labels)
    if n <= options.max_people:
        return cohort
    rng = np.random.default_rng(options.seed)
    side = np.zeros(n) if cohort.is_test is None else cohort.is_test
    strata = pd.Series(np.arange(n)).groupby([np.asarray(cohort.labels), side])
    share = options.max_people / n
    rows = np.concatenate(
        [rng.choice(part.to_numpy(), max(1, round(share * len(part))), replace=False) for _, part in strata]
    )
    chosen = cohort.take(np.sort(rows))
    chosen.notes.append(f"a random {len(rows):,} of {n:,} labelled people were looked at")
    return chosen


def _folds(labels: np.ndarray, families: np.ndarray, options: AuditOptions) -> np.ndarray:
    """Fold of each person, relatives together; (sample,)."""
    parts = inner_folds(labels, options.n_folds, groups=families, seed=options.seed)
    folds = np.full(len(labels), -1)
    for number, (_, held_out) in enumerate(parts):
        folds[held_out] = number
    if not parts or (folds < 0).any():
        raise UserError(
            "a class belongs to one family: its people cannot be held out, so nothing can be audited"
        )
    return folds


def _results(
    cohort: AuditCohort, hat: HatMatrix, labels: np.ndarray, folds: np.ndarray, families: np.ndarray
) -> list[Result]:
    everyone = np.arange(len(labels))
    score = hat.held_out(labels, [np.flatnonzero(folds == fold) for fold in np.unique(folds)])
    found = [Result(OWN, everyone, labels, score, folds, families, is_genetic=True)]
    if cohort.is_test is not None and len(np.unique(labels[cohort.is_test])) == 2:
        rows = np.flatnonzero(cohort.is_test)
        score = hat.held_out(labels, [rows])[rows]
        found.append(
            Result(
                SPLIT, rows, labels[rows], score, np.zeros(len(rows), int), families[rows], is_genetic=True
            )
        )
    if cohort.predictions is not None:
        rows = np.flatnonzero(np.isfinite(cohort.predictions))
        if len(np.unique(labels[rows])) < 2:
            raise UserError(
                f"predictions are given for {len(rows)} labelled people of one class: an audit needs both; do the ids "
                "of the predictions match those of the cohort?"
            )
        base = np.zeros(len(rows), dtype=np.int64)
        found.append(
            Result(
                SUPPLIED, rows, labels[rows], cohort.predictions[rows], base, families[rows], is_genetic=False
            )
        )
    return found


def _group_columns(cohort: AuditCohort, sources: list[Source]) -> dict[str, np.ndarray]:
    """Batches, plates and sites to hold out whole; ancestry groups too."""
    columns = {
        source.name: source.levels
        for source in sources
        if source.levels is not None and len(np.unique(source.levels)) < len(cohort.labels) / 5
    }
    return columns


def _permuted(
    cohort: AuditCohort,
    sources: list[Source],
    hat: HatMatrix,
    labels: np.ndarray,
    own: Result,
    folds: np.ndarray,
    families: np.ndarray,
    permuted: np.ndarray,
    options: AuditOptions,
) -> pd.DataFrame:
    permutations = {"among everyone": permuted}
    for source in sources:
        if source.kind == "technical" and source.levels is not None:
            permutations[f"within {source.name}"] = permuted_labels(
                labels, options.n_permutations, strata=source.levels, families=families, seed=options.seed
            )
    return permuted_within(hat, labels, own.auroc().value, folds, permutations)


def _ancestry(cohort: AuditCohort) -> np.ndarray:
    """Ancestry group of each person; one for all where none is named."""
    if cohort.ancestry_column is None:
        return np.full(len(cohort.labels), "everyone")
    return cohort.table[cohort.ancestry_column].astype(str).to_numpy(dtype=str)
