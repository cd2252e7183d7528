"""Weights that other people's association results give the variants of a cohort; no label takes part.

LD, allele frequencies and scales are those of the training people. What labels may choose among, p-value thresholds and
penalties, is left as candidates.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gds.classifiers.linear.standardised import DosageScaler
from gds.classifiers.polygenic.effect_shrinkage import (
    LASSO_PENALTIES,
    LASSO_SHRINKAGE,
    heritability_from_z,
    implied_sample_size,
    lassosum,
    ldpred_inf,
    marginal_effects,
)
from gds.errors import UserError
from gds.files import sha256
from gds.genotypes import Genotypes
from gds.genotypes.clumping import clump
from gds.genotypes.counts import allele_frequencies, count_genotypes
from gds.genotypes.effect_alignment import AlignedEffects, align_effects
from gds.genotypes.ld_reference import LDBlock, ld_reference
from gds.genotypes.summary_statistics import read_summary_statistics
from gds.studies.few_labels.task import FewLabelTask

CLUMP_R2, CLUMP_KILOBASES = 0.1, 250
# The first is used where labels cannot choose.
P_THRESHOLDS = (0.05, 5e-8, 1e-6, 1e-4, 1e-3, 0.01, 0.1, 0.3, 1.0)
# Stated and implied sample sizes this far apart are spoken of.
_SIZES_DIFFER = 1.5


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


Candidates = tuple[np.ndarray, list[str]]  # weights per allele, (variant, candidate), and their names


@dataclass(frozen=True)
class PublishedWeights:
    """Candidate scores of all variants of a cohort, and how they came about.

    Attributes
    ----------
    people
        Genotypes of the training people, the labelled few first.
    candidates
        Method to its candidates.
    prior
        Joint effects of standardised dosages (LDpred-inf), float64 (variant,).
    lines
        What was read, matched and left out, in words.
    record
        The same for JSON, with the heritability and the inflation of the study.
    """

    people: Genotypes
    candidates: dict[str, Candidates]
    prior: np.ndarray
    lines: list[str]
    record: dict[str, Any]


def published_weights(task: FewLabelTask, options: SummaryOptions) -> PublishedWeights:
    """Read summary statistics, match them to a cohort, and make weights of them.

    Parameters
    ----------
    task
        Its training people and classes are used, and no label.
    options
        The table and how it is matched.

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
    n, size_lines = _sample_sizes(effects, allele_frequencies(count_genotypes(matched.dosage)), options.path)
    blocks = ld_reference(matched)
    r = marginal_effects(effects.z, n)
    spread = 1 / DosageScaler().fit([matched.dosage]).scale_  # every matched variant varies
    heritability = heritability_from_z(effects.z, n, blocks)
    joint = ldpred_inf(r, n, blocks, heritability)
    effect = np.where(np.isfinite(effects.effect), effects.effect, r / spread)
    index = clump(matched, effects.neg_log10_p, r2=CLUMP_R2, kilobases=CLUMP_KILOBASES)

    def everywhere(weights: np.ndarray) -> np.ndarray:
        result = np.zeros((len(people.variants), weights.shape[1]))
        result[effects.columns] = weights
        return result

    candidates = {
        "PRS, clumping": _thresholded(effect, effects.neg_log10_p, index),
        "PRS, LDpred-inf": ((joint / spread)[:, None], [f"h2 {heritability:.3g}"]),
        "PRS, lassosum": _sparse(r, spread, blocks),
    }
    label = task.cohort.description.label_column
    return PublishedWeights(
        people=people,
        candidates={name: (everywhere(each), names) for name, (each, names) in candidates.items() if names},
        prior=everywhere(joint[:, None])[:, 0],
        lines=[
            *statistics.report.lines(),
            f"  effects are taken as those on the class {task.class_names[1]!r} of {label}",
            *effects.lines(),
            *size_lines,
            f"  {len(index):,} variants remain after clumping (r2 {CLUMP_R2}, {CLUMP_KILOBASES} kb); h2 of the "
            f"{len(r):,} matched variants by LD score regression through 1: {heritability:.3g}",
        ],
        record={
            "options": asdict(options), "sha256": sha256(options.path), "reading": vars(statistics.report),
            "alignment": effects.counts, "n_effective": float(np.median(n)), "heritability": heritability,
            "mean_chi_square": float((effects.z**2).mean()), "genomic_inflation": _genomic_inflation(effects.z),
            "clumping": {"r2": CLUMP_R2, "kilobases": CLUMP_KILOBASES},
        },
    )  # fmt: skip


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


def _thresholded(effect: np.ndarray, neg_log10_p: np.ndarray, index: np.ndarray) -> Candidates:
    """Published effects of the index variants that pass each p-value threshold."""
    passing = {p: index[neg_log10_p[index] >= -np.log10(p) - 1e-12] for p in P_THRESHOLDS}
    thresholds = [p for p in P_THRESHOLDS if len(passing[p])]
    weights = np.zeros((len(effect), len(thresholds)))
    for column, p in enumerate(thresholds):
        weights[passing[p], column] = effect[passing[p]]
    return weights, [f"p <= {p:g} ({len(passing[p]):,} variants)" for p in thresholds]


def _sparse(r: np.ndarray, spread: np.ndarray, blocks: list[LDBlock]) -> Candidates:
    """Lassosum over penalties and shrinkages, those near the middle first; without those that leave no variant."""
    weights, names = [], []
    for shrinkage in sorted(LASSO_SHRINKAGE, key=lambda s: abs(s - 0.5)):
        path = lassosum(r, blocks, LASSO_PENALTIES, shrinkage)
        some = np.flatnonzero(path.any(axis=0))
        weights.append(path[:, some] / spread[:, None])
        names += [f"s {shrinkage:g}, lambda {LASSO_PENALTIES[k]:.3g}" for k in some]
    return np.concatenate(weights, axis=1), names


def _genomic_inflation(z: np.ndarray) -> float:
    """Median chi-square over that of chance (Devlin and Roeder 1999)."""
    return float(np.median(z**2) / 0.4549364)
