"""Are synthetic genotypes like real ones: allele frequencies, genotypes, principal components, kinship."""

from dataclasses import dataclass

import numpy as np

from gds.errors import UserError
from gds.evaluation.distances import check_alleles
from gds.evaluation.linkage import pearson
from gds.evaluation.neighbourhoods import Neighbourhoods

# KING-robust kinship from which people are relatives of the first degree or nearer (2 ** -2.5).
CLOSE_KINSHIP = 0.177


def allele_frequency_agreement(
    real: np.ndarray, synthetic: np.ndarray, *, ploidy: int = 2
) -> dict[str, float]:
    """Allele frequencies of synthetic rows against those of real ones.

    Parameters
    ----------
    real, synthetic
        Alleles or dosages, shape (row, variant); sizes may differ.
    ploidy
        Alleles a row holds of a variant: 2 for dosages, 1 for haplotypes.

    Returns
    -------
    dict
        ``r`` (Pearson correlation over variants), ``rmse``; and of the variants that vary among real rows:
        ``lost`` (effect-allele frequency 0 among synthetic rows), ``fixed`` (frequency 1), and ``n_polymorphic``,
        their number.
    """
    real, synthetic = check_alleles(real, synthetic)
    _check_ploidy(ploidy, real, synthetic)
    p, q = real.mean(axis=0) / ploidy, synthetic.mean(axis=0) / ploidy
    varies = (p > 0) & (p < 1)
    return {
        "r": pearson(p, q),
        "rmse": float(np.sqrt(((p - q) ** 2).mean())),
        "lost": float((varies & (q == 0)).sum()),
        "fixed": float((varies & (q == 1)).sum()),
        "n_polymorphic": float(varies.sum()),
    }


def heterozygosity_agreement(real: np.ndarray, synthetic: np.ndarray) -> dict[str, float]:
    """Heterozygosity of synthetic people against that of real ones, and against Hardy-Weinberg proportions.

    Parameters
    ----------
    real, synthetic
        Dosages, shape (sample, variant); sizes may differ.

    Returns
    -------
    dict
        ``r`` and ``rmse`` of the share of heterozygotes, over variants; ``inbreeding_real`` and
        ``inbreeding_synthetic``, F = 1 - observed / expected heterozygotes (sums over variants; expected ones
        2n p q 2n / (2n - 1), so that a random sample of one population has F = 0).
    """
    real, synthetic = check_alleles(real, synthetic)
    observed = [(each == 1).mean(axis=0) for each in (real, synthetic)]
    return {
        "r": pearson(*observed),
        "rmse": float(np.sqrt(((observed[0] - observed[1]) ** 2).mean())),
        "inbreeding_real": _inbreeding(real, observed[0]),
        "inbreeding_synthetic": _inbreeding(synthetic, observed[1]),
    }


@dataclass(frozen=True)
class Components:
    """Principal components of centred rows.

    Attributes
    ----------
    mean
        Of each variant, float32 (variant,).
    loadings
        float32 or float64 (variant, component), each divided by the standard deviation of its scores.
    """

    mean: np.ndarray
    loadings: np.ndarray

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Scores in standard deviations of the rows fitted to, float64 (row, component)."""
        return ((rows - self.mean) @ self.loadings).astype(np.float64)


def principal_components(rows: np.ndarray, n_components: int = 10) -> Components:
    """Fit principal components to alleles or dosages, shape (row, variant); at most as many as the rank."""
    from scipy.linalg import eigh

    (rows,) = check_alleles(rows)
    mean = rows.mean(axis=0).astype(np.float32)
    centred = rows.astype(np.float32) - mean
    n_rows, n_variants = centred.shape
    n_components = min(n_components, n_rows - 1, n_variants)
    if n_components < 1:
        raise UserError("principal components need at least two rows")
    # The smaller of the two Gram matrices.
    by_rows = n_rows < n_variants
    gram = (centred @ centred.T if by_rows else centred.T @ centred).astype(np.float64)
    values, vectors = eigh(gram, subset_by_index=[len(gram) - n_components, len(gram) - 1])
    positive = values > 1e-6 * max(values[-1], 1e-300)
    values, vectors = values[positive][::-1], vectors[:, positive][:, ::-1]
    loadings = centred.T @ vectors / np.sqrt(values) if by_rows else vectors
    return Components(mean, loadings / np.sqrt(values / n_rows))


def principal_component_distance(
    real: np.ndarray, synthetic: np.ndarray, *, n_components: int = 10, components: Components | None = None
) -> tuple[dict[str, float], np.ndarray, np.ndarray]:
    """Wasserstein distances between the scores of real and of synthetic rows on principal components.

    Components are those of real rows, synthetic rows never shape them. Distances are in standard deviations of the
    scores of the rows fitted to, so they compare across components and data sets.

    Parameters
    ----------
    real, synthetic
        Alleles or dosages, shape (row, variant); sizes may differ.
    n_components
        Components, at most the rank.
    components
        Fitted before; default: to ``real``.

    Returns
    -------
    figures : dict
        ``wasserstein_1`` ... one a component, and ``wasserstein``, their mean.
    real_scores, synthetic_scores : numpy.ndarray
        float64, shape (row, component), in standard deviations of the rows fitted to.
    """
    from scipy.stats import wasserstein_distance

    real, synthetic = check_alleles(real, synthetic)
    fitted = components or principal_components(real, n_components)
    scores = [fitted.scores(each) for each in (real, synthetic)]
    each_component = [wasserstein_distance(x, y) for x, y in zip(scores[0].T, scores[1].T, strict=True)]
    figures = {"wasserstein": float(np.mean(each_component))}
    figures |= {f"wasserstein_{i}": float(value) for i, value in enumerate(each_component, start=1)}
    return figures, scores[0], scores[1]


def nearest_kinship(
    x: np.ndarray, y: np.ndarray | None = None, *, neighbourhoods: Neighbourhoods | None = None
) -> np.ndarray:
    """KING-robust kinship of each person to their closest relative.

    phi = 1/2 - sum (x - y)^2 / (4 min(heterozygotes of x, heterozygotes of y)): .5 for a copy, .25 for
    parents, children and siblings, about 0 for strangers of one population, below 0 across populations. Meaningful
    with some 10,000 independent variants; with fewer or linked ones read it beside the same figure of real people.

    Parameters
    ----------
    x
        Dosages, shape (sample, variant).
    y
        People among whom the relative is sought, shape (other, variant); None: the others of x.
    neighbourhoods
        Comparisons made so far.

    Returns
    -------
    numpy.ndarray
        float64, shape (sample,); NaN for whom no other person leaves heterozygotes to compare.

    Notes
    -----
    Manichaikul et al. 2010, Bioinformatics 26:2867, equation 11.
    """
    compared = neighbourhoods or Neighbourhoods()
    return compared.within(x).kinship if y is None else compared.between(x, y).kinship


def close_relatives(
    x: np.ndarray, y: np.ndarray | None = None, *, neighbourhoods: Neighbourhoods | None = None
) -> float:
    """Share of people with a relative of the first degree or nearer; parameters of :func:`nearest_kinship`."""
    return float((nearest_kinship(x, y, neighbourhoods=neighbourhoods) > CLOSE_KINSHIP).mean())


def _inbreeding(dosage: np.ndarray, observed: np.ndarray) -> float:
    n = 2 * len(dosage)
    p = dosage.mean(axis=0) / 2
    expected = (2 * p * (1 - p)).sum() * n / (n - 1)
    return float(1 - observed.sum() / expected) if expected > 0 else float("nan")


def _check_ploidy(ploidy: int, *matrices: np.ndarray) -> None:
    highest = max(int(each.max()) for each in matrices)
    if highest > ploidy:
        raise UserError(f"expected values up to {ploidy} (ploidy), found {highest}")
