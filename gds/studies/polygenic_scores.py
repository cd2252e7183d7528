"""What other people's association results say about these: scores as baselines, and as a prior of ridge regression."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gds.classifiers.effect_shrinkage import (
    LASSO_PENALTIES,
    LASSO_SHRINKAGE,
    heritability_from_z,
    implied_sample_size,
    lassosum,
    ldpred_inf,
    marginal_effects,
)
from gds.classifiers.polygenic_score import PolygenicScore
from gds.classifiers.prior_ridge import PriorRidge
from gds.classifiers.score_file import LinearScore
from gds.classifiers.standardised import DosageScaler
from gds.errors import UserError
from gds.files import sha256
from gds.genotypes import Genotypes
from gds.genotypes.clumping import clump
from gds.genotypes.counts import allele_frequencies, count_genotypes
from gds.genotypes.effect_alignment import AlignedEffects, align_effects
from gds.genotypes.ld_reference import ld_reference
from gds.genotypes.summary_statistics import read_summary_statistics
from gds.studies.few_label_task import FewLabelTask
from gds.studies.few_labels import FewLabelResult

CLUMP_R2, CLUMP_KILOBASES = 0.1, 250
# The first is used where labels cannot choose.
P_THRESHOLDS = (0.05, 5e-8, 1e-6, 1e-4, 1e-3, 0.01, 0.1, 0.3, 1.0)
# Stated and implied sample sizes this far apart are spoken of.
_SIZES_DIFFER = 1.5
OVERLAP = (
    "polygenic scores are only as honest as their study: if people of this cohort, or their relatives, took part in "
    "the GWAS behind the summary statistics, every row that uses them is too good. Nothing in a file of summary "
    "statistics can show that; ask the study, or use results that leave this cohort out"
)


@dataclass(frozen=True)
class SummaryOptions:
    """Where published effects come from, and how they are matched.

    Attributes
    ----------
    path
        GWAS-SSF or PLINK association table.
    n
        Effective number of people; None: what the file says, or what its standard errors imply.
    genome_build, match_by, palindromic
        As of :func:`~gds.genotypes.effect_alignment.align_effects`; the build is that of the table.
    """

    path: str
    n: float | None = None
    genome_build: str | None = None
    match_by: Any = "auto"
    palindromic: Any = "auto"


@dataclass(frozen=True)
class PublishedEffects:
    """What was made of the summary statistics, for the page, the record and the saved scores.

    Attributes
    ----------
    lines
        What was read, matched and left out, in words.
    record
        The same for JSON, with the estimated heritability and the inflation of the study.
    scores
        Method to its fitted linear score; none where its probabilities could not be calibrated.
    """

    lines: list[str]
    record: dict[str, Any]
    scores: dict[str, LinearScore]


def add_polygenic_scores(
    task: FewLabelTask, result: FewLabelResult, options: SummaryOptions, seed: int = 0
) -> PublishedEffects:
    """Add to a few-label run what published effects alone, and together with its labels, predict.

    LD, allele frequencies and scales are those of the training people; labels of the few choose the p-value threshold,
    the penalty and the amount of prior, each by folds.

    Parameters
    ----------
    task
        People and labels.
    result
        Gets a row a method: clumping and thresholding, LDpred-inf, lassosum, and ridge regression that shrinks towards
        the LDpred-inf effects; and ``published``.
    options
        The table and how it is matched.
    seed
        Of the folds.

    Raises
    ------
    UserError
        More than two classes, a table that cannot be used, or a sample size that nobody states.
    """
    if len(task.class_names) != 2:
        raise UserError(
            f"--sumstats are of one disease: expected two classes, found {len(task.class_names)} "
            f"({', '.join(task.class_names)})"
        )
    statistics = read_summary_statistics(options.path, n=options.n, genome_build=options.genome_build)
    people = _training_people(task)
    effects = align_effects(
        statistics, people, genome_build=task.cohort.description.genome_build, match_by=options.match_by,
        palindromic=options.palindromic,
    )  # fmt: skip
    matched = people.subset(variants=effects.columns)
    frequency = allele_frequencies(count_genotypes(matched.dosage))
    n, size_lines = _sample_sizes(effects, frequency, options.path)
    weights = _weights(effects, matched, n, len(people.variants))
    label = task.cohort.description.label_column
    positive = f"  effects are taken as those on the class {task.class_names[1]!r} of {label}"
    lines = [*statistics.report.lines(), positive, *effects.lines(), *size_lines, *weights.lines]
    scores = _fit(task, result, weights, people, seed)
    result.warnings.append(OVERLAP)
    record = {
        "options": asdict(options), "sha256": sha256(options.path), "reading": vars(statistics.report),
        "alignment": effects.counts, "n_effective": float(np.median(n)), "heritability": weights.heritability,
        "mean_chi_square": float((effects.z**2).mean()), "genomic_inflation": _genomic_inflation(effects.z),
        "clumping": {"r2": CLUMP_R2, "kilobases": CLUMP_KILOBASES},
    }  # fmt: skip
    result.published = PublishedEffects(lines, record, scores)
    return result.published


def _training_people(task: FewLabelTask) -> Genotypes:
    """Genotypes of everyone in the training split, labelled few first."""
    ids = np.concatenate([task.few, task.unlabelled])
    source = task.cohort.source()
    return Genotypes(
        dosage=task.dosages(ids),
        samples=source.samples.iloc[task.rows(ids)].reset_index(drop=True),
        variants=source.variants.iloc[task.cohort.kept_variants()].reset_index(drop=True),
    )


def _sample_sizes(effects: AlignedEffects, frequency: np.ndarray, path: str) -> tuple[np.ndarray, list[str]]:
    """Effective people of each effect, and what is odd about them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        implied = implied_sample_size(effects.effect / effects.z, frequency)
    usual = float(np.median(implied[np.isfinite(implied)])) if np.isfinite(implied).any() else np.nan
    stated = effects.n
    if not np.isfinite(stated).any():
        if not np.isfinite(usual):
            raise UserError(
                f"{path} states neither a sample size nor standard errors: say the effective number of people, "
                "4 / (1 / cases + 1 / controls), with --sumstats-n"
            )
        return np.full(len(stated), usual), [
            f"  sample size not stated; standard errors of log odds imply {usual:,.0f}"
        ]
    n = np.where(np.isfinite(stated), stated, np.nanmedian(stated))
    ratio = usual / float(np.median(n))
    if np.isfinite(ratio) and not 1 / _SIZES_DIFFER < ratio < _SIZES_DIFFER:
        return n, [
            f"  note: the sample size is {np.median(n):,.0f}, but as errors of log odds the standard errors imply "
            f"{usual:,.0f} effective people: is it cases and controls together? --sumstats-n says better"
        ]
    return n, []


@dataclass(frozen=True)
class _Weights:
    """Weights of every candidate score, per allele, of all variants of the cohort: (variant, candidate)."""

    clumped: tuple[np.ndarray, list[str]]
    ldpred: tuple[np.ndarray, list[str]]
    lasso: tuple[np.ndarray, list[str]]
    prior: np.ndarray  # joint effects of standardised dosages, (variant,)
    heritability: float
    lines: list[str]


def _weights(effects: AlignedEffects, people: Genotypes, n: np.ndarray, n_variants: int) -> _Weights:
    blocks = ld_reference(people)
    r = marginal_effects(effects.z, n)
    spread = 1 / DosageScaler().fit([people.dosage]).scale_  # every matched variant varies
    heritability = heritability_from_z(effects.z, n, blocks)
    joint = ldpred_inf(r, n, blocks, heritability)
    marginal = np.where(np.isfinite(effects.effect), effects.effect, r / spread)
    index = clump(people, effects.neg_log10_p, r2=CLUMP_R2, kilobases=CLUMP_KILOBASES)
    passing = {p: index[effects.neg_log10_p[index] >= -np.log10(p) - 1e-12] for p in P_THRESHOLDS}
    thresholds = [p for p in P_THRESHOLDS if len(passing[p])]
    clumped = np.zeros((len(r), len(thresholds)))
    for column, p in enumerate(thresholds):
        clumped[passing[p], column] = marginal[passing[p]]
    lasso, names = [], []
    for shrinkage in sorted(LASSO_SHRINKAGE, key=lambda s: abs(s - 0.5)):
        path = lassosum(r, blocks, LASSO_PENALTIES, shrinkage)
        some = np.flatnonzero(path.any(axis=0))
        lasso.append(path[:, some] / spread[:, None])
        names += [f"s {shrinkage:g}, lambda {LASSO_PENALTIES[k]:.3g}" for k in some]

    def everywhere(weights: np.ndarray) -> np.ndarray:
        result = np.zeros((n_variants, weights.shape[1]))
        result[effects.columns] = weights
        return result

    return _Weights(
        clumped=(everywhere(clumped), [f"p <= {p:g} ({len(passing[p]):,} variants)" for p in thresholds]),
        ldpred=(everywhere(joint[:, None] / spread[:, None]), [f"h2 {heritability:.3g}"]),
        lasso=(everywhere(np.concatenate(lasso, axis=1)), names),
        prior=everywhere(joint[:, None])[:, 0],
        heritability=heritability,
        lines=[
            f"  {len(index):,} variants remain after clumping (r2 {CLUMP_R2}, {CLUMP_KILOBASES} kb); h2 of the "
            f"{len(r):,} matched variants by LD score regression through 1: {heritability:.3g}"
        ],
    )


def _genomic_inflation(z: np.ndarray) -> float:
    """Median chi-square over that of chance (Devlin and Roeder 1999)."""
    return float(np.median(z**2) / 0.4549364)


def _fit(
    task: FewLabelTask, result: FewLabelResult, weights: _Weights, people: Genotypes, seed: int
) -> dict[str, LinearScore]:
    few, unlabelled = people.dosage[: len(task.few)], people.dosage[len(task.few) :]
    y, groups, test = task.labels_few, task.families(task.few), task.dosages(task.test)
    frequency = np.nan_to_num(allele_frequencies(count_genotypes(people.dosage)))

    def linear(weight: np.ndarray, intercept: float, slope: float) -> LinearScore:
        return LinearScore(people.variants, frequency, weight, intercept, slope, task.class_names)

    scores = {}
    for name, (candidates, names) in (
        ("PRS, clumping", weights.clumped),
        ("PRS, LDpred-inf", weights.ldpred),
        ("PRS, lassosum", weights.lasso),
    ):
        if not names:
            continue
        model = PolygenicScore(candidates, names, seed=seed)
        model.fit(few, y, unlabelled=unlabelled, groups=groups)
        used = int(np.count_nonzero(model.weight_))
        result.add(name, "baseline", model.predict_proba(test), chosen=model.chosen_, variants=used)
        scores[name] = linear(model.weight_, model.intercept_, model.slope_)
    ridge = PriorRidge(weights.prior, seed=seed).fit(few, y, unlabelled=unlabelled, groups=groups)
    name = "ridge towards the GWAS"
    result.add(
        name, "baseline", ridge.predict_proba(test), amount=ridge.amount_, heritability=ridge.heritability_
    )
    if ridge.calibration_ is not None:
        weight = ridge.coef_[:, 0] * ridge.scaler_.scale_
        centre = float(ridge.intercept_[0] - weight @ ridge.scaler_.mean_)
        intercept, slope = (float(each[0]) for each in ridge.calibration_)
        scores[name] = linear(weight, intercept + slope * centre, slope)
    return scores


def score_folder(out: str | Path, method: str) -> Path:
    """``OUT/polygenic_scores/prs-clumping`` and so on: where the score of a method is saved."""
    return Path(out) / "polygenic_scores" / method.lower().replace(", ", "-").replace(" ", "-")
