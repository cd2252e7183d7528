"""What could predict the label without the disease's genes, each as the same ridge classifier sees it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import eigh
from scipy.sparse import csr_array

from gds.classifiers.covariates import CovariateEncoder
from gds.evaluation.auroc import combined_strata
from gds.studies.audit.cohort import AuditCohort
from gds.studies.audit.held_out import HatMatrix, hat_of_columns, hat_of_kernel

N_COMPONENTS = 10
N_BINS = 10  # strata of a continuous source; Cochran 1968: five remove 90 % of the bias, ten 97 %
MISSINGNESS = "missingness and heterozygosity"


@dataclass(frozen=True)
class Source:
    """One kind of information about people that holds no genotype of a disease variant.

    Attributes
    ----------
    name
        As the verdict says it.
    kind
        ``technical`` (batch, plate, missing calls), ``ancestry`` or ``covariate``.
    hat
        Its ridge classifier.
    levels
        Of a single categorical column: the level of each person; None: strata come from scores.
    """

    name: str
    kind: str
    hat: HatMatrix
    levels: np.ndarray | None = None

    def strata(self, score: np.ndarray, base: np.ndarray) -> np.ndarray:
        """People alike in this source, within the strata of ``base``, shape (sample,).

        Levels of a categorical column; otherwise tenths of what the source itself predicts, its
        propensity score (Rosenbaum and Rubin 1983).
        """
        return combined_strata(base, score_bins(score, base) if self.levels is None else self.levels)


def score_bins(score: np.ndarray, base: np.ndarray, n_bins: int = N_BINS) -> np.ndarray:
    """Bins of equal numbers of people by score, within each stratum of ``base``."""
    rank = pd.Series(score).groupby(base).rank(pct=True, method="average").to_numpy()
    return np.minimum((rank * n_bins).astype(np.int64), n_bins - 1)


def ancestry_components(
    first: np.ndarray, second: np.ndarray, n: int = N_COMPONENTS
) -> tuple[np.ndarray, np.ndarray]:
    """Directions among people that two halves of the genome agree on: ancestry, and no stretch of linked variants.

    Leading eigenvectors of one half's relationship matrix are kept where the other half varies more along them
    than along random directions, by four standard deviations of the latter. A large gene makes a component of
    its own half only, and may hold causal variants; ancestry shows in both.

    Parameters
    ----------
    first, second
        Relationship matrices of the halves, (sample, sample).
    n
        Components looked at.

    Returns
    -------
    values : numpy.ndarray
        Variance of the second half along each, (component,); empty without structure.
    vectors : numpy.ndarray
        Unit columns, (sample, component).
    """
    size = len(first)
    n = min(n, size - 1)
    vectors = eigh(first, subset_by_index=[size - n, size - 1])[1][:, ::-1]
    values = np.einsum("ik,ij,jk->k", vectors, second, vectors, optimize=True)
    mean = np.trace(second) / size
    spread = np.sqrt(2 * max(0.0, np.square(second).sum() / size - mean**2) / size)
    kept = values > mean + 4 * spread
    return values[kept], vectors[:, kept]


def sources_of(cohort: AuditCohort, components: np.ndarray) -> list[Source]:
    """Every source that the cohort's table and genotypes offer.

    Parameters
    ----------
    cohort
        With the columns of batches and covariates.
    components
        Principal components, used where the table names none; (sample, component).
    """
    found = []
    for column in cohort.batch_columns:
        levels = cohort.table[column].astype(str).to_numpy(dtype=str)
        if len(np.unique(levels)) > 1:
            found.append(Source(str(column), "technical", _of_table(cohort, [column], [column]), levels))
    found.append(Source(MISSINGNESS, "technical", hat_of_kernel(missingness_kernel(cohort.dosage))))
    if cohort.pc_columns:
        components = cohort.table[list(cohort.pc_columns)].to_numpy(np.float64)
    # Ancestry differs more along the first components: they keep their variances.
    if components.shape[1]:
        found.append(Source("ancestry (PCs)", "ancestry", hat_of_columns(_standard(components))))
    if cohort.ancestry_column:
        levels = cohort.table[cohort.ancestry_column].astype(str).to_numpy(dtype=str)
        if len(np.unique(levels)) > 1:
            columns = [cohort.ancestry_column]
            found.append(
                Source(f"ancestry ({columns[0]})", "ancestry", _of_table(cohort, columns, columns), levels)
            )
    if cohort.covariates:
        named = ", ".join(map(str, cohort.covariates))
        found.append(Source(named, "covariate", _of_table(cohort, list(cohort.covariates), [])))
    return found


def adjustment_source(cohort: AuditCohort, components: np.ndarray) -> Source:
    """Covariates and principal components together: what the genetic part must exceed."""
    parts = [_standard(components)]
    if cohort.covariates:
        table = cohort.table[list(cohort.covariates)]
        parts.append(_standard(CovariateEncoder().fit(table).transform(table)))
    return Source("covariates and PCs", "adjustment", hat_of_columns(np.column_stack(parts)))


def missingness_kernel(dosage: np.ndarray) -> np.ndarray:
    """Who misses the same calls, and who has similar rates of missing and heterozygous ones; (sample, sample).

    Half the variance is the pattern of missing calls, variant by variant, weighted by how often the variant is
    missing; half are two numbers, the missing and the heterozygous share, each standardised.
    """
    missing = dosage < 0
    rates = np.column_stack(
        [missing.mean(axis=1), (dosage == 1).sum(axis=1) / np.maximum((~missing).sum(axis=1), 1)]
    )
    rates = _standard(rates)
    kernel = rates @ rates.T / max(1, np.count_nonzero(rates.std(axis=0)))
    share = missing.mean(axis=0)
    variance = float((share * (1 - share)).sum())
    if variance > 0:
        pattern = csr_array(missing.astype(np.float64))
        both = (pattern @ pattern.T).toarray()
        expected = pattern @ share
        both += float(share @ share) - expected[:, None] - expected[None, :]
        kernel = (kernel + both / variance) / 2
    return kernel


def _of_table(cohort: AuditCohort, columns: list[str], categorical: list[str]) -> HatMatrix:
    table = cohort.table[columns]
    return hat_of_columns(CovariateEncoder(categorical).fit(table).transform(table))


def _standard(columns: np.ndarray) -> np.ndarray:
    columns = np.where(np.isnan(columns), np.nanmean(columns, axis=0), columns)
    spread = columns.std(axis=0)
    return (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1)
