"""Membership inference by allele frequencies: are someone's alleles commoner among synthetic than among other people?

However good a generator, it reveals the frequencies of its training people. How much the best test can make of that
has a closed form, beside which the attack is read: with the exact frequencies of n people, those of n' others for
reference, and m variants, the score of a member lies d standard deviations above that of others::

    d = sqrt( m / n / (1 + n / n') ),   AUC = Phi( d / sqrt 2 ),   TPR = Phi( Phi^-1(FPR) + d )

In words: each allele of a member moves its frequency by 1 / n of itself; the noise is that of both sets of frequencies.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import norm

from gds.errors import UserError
from gds.evaluation.distances import check_alleles
from gds.evaluation.membership import membership_figures

# Weight of independence in the correlations of variants, which more rows would estimate better.
_INDEPENDENCE = 0.5
_MOST_ROWS = 2000


def frequency_scores(
    people: np.ndarray,
    synthetic: np.ndarray,
    reference: np.ndarray,
    *,
    ploidy: int = 2,
    independence: float = _INDEPENDENCE,
) -> np.ndarray:
    """Log likelihood ratio of a row under the allele frequencies of synthetic and of reference rows.

    With z the row, a the synthetic and b the reference mean, all standardised, and R the correlations of variants, the
    ratio of two normal densities is, but for a constant, z' R^-1 (a - b). R is that of the reference, shrunk towards
    independence; without linkage (``independence`` 1) the score is the sum over variants of z (a - b).
    Linkage matters: the noise of the plain sum is ancestry, which R^-1 takes out.

    Parameters
    ----------
    people
        Alleles or dosages of those attacked, shape (row, variant).
    synthetic
        Shape (synthetic, variant).
    reference
        People of the same population who trained nothing and are none of ``people``, shape (reference, variant); R is
        that of at most 2,000 evenly spaced rows.
    ploidy
        2 for dosages, 1 for haplotypes.
    independence
        Weight of the identity in R, above 0 up to 1.

    Returns
    -------
    numpy.ndarray
        float64, shape (row,).

    Notes
    -----
    Sankararaman et al. 2009, Nature Genetics 41:965, for independent variants; with linkage it is the linear
    discriminant of Fisher.
    """
    people, synthetic, reference = check_alleles(people, synthetic, reference)
    if not 0 < independence <= 1:
        raise UserError(f"independence: expected more than 0 and at most 1, found {independence}")
    # Frequencies of both sets together, with half an allele of either kind added: nobody's membership is in them.
    count = synthetic.sum(axis=0, dtype=np.float64) + reference.sum(axis=0, dtype=np.float64)
    frequency = (count + 0.5) / (ploidy * (len(synthetic) + len(reference)) + 1)
    scale = np.sqrt(ploidy * frequency * (1 - frequency))
    mean = reference.mean(axis=0)
    weights = (synthetic.mean(axis=0) - mean) / scale
    if independence < 1:
        step = -(-len(reference) // _MOST_ROWS)
        rows = ((reference[::step] - mean) / scale).astype(np.float32)
        rows *= np.float32(np.sqrt((1 - independence) / len(rows)))
        # (independence I + A'A)^-1 by the smaller matrix A A' (Woodbury).
        gram = (rows @ rows.T).astype(np.float64)
        gram[np.diag_indices_from(gram)] += independence
        weights = (weights - rows.T @ cho_solve(cho_factor(gram), rows @ weights)) / independence
    weights /= scale
    return people @ weights - mean @ weights


def frequency_attack(
    train: np.ndarray,
    test: np.ndarray,
    synthetic: np.ndarray,
    *,
    ploidy: int = 2,
    rows_a_person: int = 1,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Success of the attack by :func:`frequency_scores`.

    A random half of the held-out people are the reference, the other half those whom members are told from: with the
    same people as both, scores hang together and in structured populations even their ranks are biased.

    Parameters
    ----------
    train, test, synthetic
        Alleles or dosages, shape (row, variant).
    ploidy, rows_a_person, level, seed
        See :func:`gds.evaluation.privacy.membership_inference`.

    Returns
    -------
    pandas.DataFrame
        As :func:`gds.evaluation.membership.membership_figures` gives it, and a column ``exact_frequencies``: what the
        best test would reach if the training frequencies themselves were published, by the module's closed form.
    """
    train, test, synthetic = check_alleles(train, test, synthetic)
    n_people = len(test) // rows_a_person
    order = np.random.default_rng(seed).permutation(n_people)
    reference, others = (
        test[(np.sort(half)[:, None] * rows_a_person + np.arange(rows_a_person)).ravel()]
        for half in np.array_split(order, 2)
    )
    members, strangers = (
        frequency_scores(each, synthetic, reference, ploidy=ploidy) for each in (train, others)
    )
    table = membership_figures(members, strangers, rows_a_person=rows_a_person, level=level, seed=seed)
    n_variants = int((train != train[0]).any(axis=0).sum())
    table["exact_frequencies"] = exact_frequency_attack(
        len(train), len(reference), n_variants, table["chance"].to_dict()
    )
    return table


def exact_frequency_attack(
    n_train: int, n_reference: int, n_variants: int, chances: Mapping[str, float]
) -> dict[str, float]:
    """What the best test reaches that knows the training frequencies exactly; see the module.

    Parameters
    ----------
    n_train, n_reference
        Rows.
    n_variants
        Variants that vary, none of which is a function of the others.
    chances
        Name to chance: ``auc``, and true-positive rates with the false-positive rate.
    """
    d = np.sqrt(n_variants / n_train / (1 + n_train / n_reference))
    return {
        name: float(norm.cdf(d / np.sqrt(2)) if name == "auc" else norm.cdf(norm.ppf(chance) + d))
        for name, chance in chances.items()
    }
