"""How well someone's genome tells whether they were among the people whose allele frequencies are published.

Homer et al. 2008 showed that it does; Sankararaman et al. 2009 (Nature Genetics 41:965) gave the power of the best
test, the likelihood ratio. Of n people, m independent variants and a false positive rate a, it is::

    power = Phi( sqrt(m / n) - Phi^-1(1 - a) )

In words: each allele shifts the log likelihood ratio by 1 / (2n) if its owner is among the n, and its variance is
1 / (2n) either way; a person has 2m alleles. It holds for frequencies of the population known exactly, for no
genotyping errors, and for n large enough to linearise (a few tens).
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from gds.features.featurizer import Featurizer
from gds.features.gene_pca import GenePCA

FALSE_POSITIVE_RATE = 0.01


@dataclass(frozen=True)
class MembershipPower:
    """Power of membership inference by published allele frequencies.

    Attributes
    ----------
    n_people
        Whose frequencies they are.
    n_variants
        Variants with a published frequency.
    n_effective
        Independent variants that the simple test, which ignores linkage, is worth; None where linkage is not
        known. Linkage between blocks is not seen, so it is no underestimate.
    false_positive_rate
        Share of other people who are taken for members.
    """

    n_people: int
    n_variants: int
    n_effective: float | None
    false_positive_rate: float = FALSE_POSITIVE_RATE

    @property
    def simple(self) -> float | None:
        """Power of the test that takes variants for independent."""
        if self.n_effective is None:
            return None
        return detection_power(self.n_people, self.n_effective, self.false_positive_rate)

    @property
    def most(self) -> float:
        """Power of a test that knows all linkage exactly: a bound."""
        return detection_power(self.n_people, self.n_variants, self.false_positive_rate)


def detection_power(
    n_people: float, n_variants: float, false_positive_rate: float = FALSE_POSITIVE_RATE
) -> float:
    """Power of the likelihood-ratio test of membership; see the module's formula.

    Parameters
    ----------
    n_people
        Whose frequencies are published.
    n_variants
        Independent variants.
    false_positive_rate
        Between 0 and 1.
    """
    if n_people <= 0:
        raise ValueError(f"expected a positive number of people, found {n_people}")
    return float(norm.cdf(np.sqrt(n_variants / n_people) + norm.ppf(false_positive_rate)))


def membership_power(featurizer: Featurizer) -> MembershipPower:
    """The power that the frequencies of a featurizer give, after rare ones were withheld."""
    is_published = published_variants(featurizer)
    return MembershipPower(
        n_people=featurizer.n_training_samples_,
        n_variants=int(is_published.sum()),
        n_effective=effective_variants(featurizer, is_published),
    )


def published_variants(featurizer: Featurizer) -> np.ndarray:
    """Variants whose frequency says something, bool (variant,): it is neither 0 nor 1."""
    frequency = featurizer.allele_frequency_
    return (frequency > 0) & (frequency < 1)


def effective_variants(featurizer: Featurizer, is_published: np.ndarray) -> float | None:
    """Independent variants that a test is worth which takes linked ones for independent.

    Its statistic is a sum over variants whose noise is as correlated as they are, so that its signal-to-noise ratio
    is that of ``m_b^2 / sum_ij r_ij^2`` independent variants in a block of m_b. The correlations r are those of the
    published loadings: exact for the part of the variance that the components explain.

    Parameters
    ----------
    featurizer
        Only component scores have loadings; None is returned for others.
    is_published
        Which variants count, bool (variant,).
    """
    if not isinstance(featurizer, GenePCA):
        return None
    total, correlated = 0.0, 0.0
    offset = featurizer.blocks_.offset
    for block in range(featurizer.n_blocks):
        slots = np.arange(offset[block], offset[block + 1])
        slots = slots[is_published[featurizer.blocks_.variant_index[slots]]]
        slots = slots[featurizer.expected_r2_[slots] > 0]
        if not len(slots):
            continue
        weights = featurizer.loadings_[slots].astype(np.float64) * featurizer.scale_[block]
        explained = (weights**2).sum(axis=1)
        variance = explained / np.clip(featurizer.expected_r2_[slots], 1e-12, 1)
        correlation = weights @ weights.T / np.sqrt(np.multiply.outer(variance, variance))
        np.fill_diagonal(correlation, 1.0)
        total += len(slots)
        correlated += float((correlation**2).sum())
    # A variant in several blocks is published once: scale to the number of variants.
    return 0.0 if not total else float(is_published.sum()) * total / correlated
