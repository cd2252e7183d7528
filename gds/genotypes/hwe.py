"""The exact test of Hardy-Weinberg equilibrium, for many variants at once."""

import numpy as np
from scipy.special import gammaln

# Probabilities this close are ties: far above the error of gammaln, far below real differences.
_TIE = 1e-9
_NEGLIGIBLE = 1e-17


def hardy_weinberg_p(
    n_hom1: np.ndarray, n_het: np.ndarray, n_hom2: np.ndarray, *, midp: bool = False
) -> np.ndarray:
    """Exact p-value of Hardy-Weinberg equilibrium, two-sided.

    Given the allele counts, the number of heterozygotes h of n people, r of whose alleles are the rarer
    one, has P(h) = 2^h n! / (hom1! h! hom2!) x r! (2n - r)! / (2n)!; the p-value is the sum of P over all h
    that are no more likely than the observed one. Its two tails are summed outward until terms no longer
    matter.

    Parameters
    ----------
    n_hom1, n_het, n_hom2
        Numbers of people with each genotype, shape (variant,).
    midp
        Count the outcomes as likely as the observed one by half (Graffelman and Moreno 2013).

    Returns
    -------
    numpy.ndarray
        float64, shape (variant,); 1 for monomorphic variants.

    References
    ----------
    Wigginton, Cutler and Abecasis 2005, American Journal of Human Genetics 76:887.
    """
    hom = np.stack([np.asarray(n_hom1), np.asarray(n_hom2)])
    rows = np.stack([hom.min(axis=0), np.asarray(n_het), hom.max(axis=0)], axis=1).astype(np.float64)
    # Rare variants repeat the same few tables many times.
    distinct, inverse = np.unique(rows, axis=0, return_inverse=True)
    return _p_values(distinct, midp)[inverse.reshape(-1)]


def _p_values(table: np.ndarray, midp: bool) -> np.ndarray:
    rarer_hom, observed, _ = table.T
    n = table.sum(axis=1)
    rare = 2 * rarer_hom + observed

    def log_p(h: np.ndarray) -> np.ndarray:
        hom1 = (rare - h) / 2
        hom2 = n - h - hom1
        return (
            gammaln(n + 1) - gammaln(hom1 + 1) - gammaln(h + 1) - gammaln(hom2 + 1) + h * np.log(2)
            + gammaln(rare + 1) + gammaln(2 * n - rare + 1) - gammaln(2 * n + 1)
        )  # fmt: skip

    log_observed = log_p(observed)
    # P is unimodal in h: it rises from the observed value towards its mode on one side, if at all.
    mode_is_above = _ratio(observed, rare, n, +1) > 1 + _TIE
    mode_is_below = _ratio(observed, rare, n, -1) > 1 + _TIE
    inward = np.where(mode_is_above, 1.0, -1.0)
    # Beyond the mode, the first outcome no more likely than the observed one: bisection in steps of 2.
    n_steps = np.where(mode_is_above, (rare - observed) / 2, observed // 2)
    low, high = np.zeros(len(n)), n_steps + 1
    while (gap := high - low > 1).any():
        middle = np.floor((low + high) / 2)
        inside = gap & (middle <= n_steps)
        likely = log_p(np.where(inside, observed + inward * 2 * middle, observed)) > log_observed + _TIE
        low = np.where(inside & likely, middle, low)
        high = np.where(gap & ~(inside & likely), middle, high)
    other = observed + inward * 2 * high
    exists = high <= n_steps
    log_other = np.where(exists, log_p(np.where(exists, other, observed)), -np.inf)

    p_observed = np.exp(log_observed)
    own_tail = p_observed * _tail(observed, rare, n, -inward)
    other_tail = np.exp(log_other) * _tail(np.where(exists, other, observed), rare, n, inward)
    at_mode = ~(mode_is_above | mode_is_below)
    p = np.where(at_mode, 1.0, own_tail + other_tail)
    if midp:
        beside = np.stack([_ratio(observed, rare, n, side) for side in (+1, -1)])
        n_ties_at_mode = (np.abs(beside - 1) <= _TIE).sum(axis=0)
        n_ties = np.where(at_mode, n_ties_at_mode, np.abs(log_other - log_observed) <= _TIE)
        p = p - 0.5 * p_observed * (1 + n_ties)
    return np.clip(p, 0, 1)


def _ratio(h: np.ndarray, rare: np.ndarray, n: np.ndarray, direction: float | np.ndarray) -> np.ndarray:
    """P(h + 2) / P(h) for direction +1, P(h - 2) / P(h) for -1; 0 where there is no such outcome."""
    hom1 = (rare - h) / 2
    hom2 = n - h - hom1
    up = 4 * hom1 * hom2 / ((h + 2) * (h + 1))
    down = h * (h - 1) / (4 * (hom1 + 1) * (hom2 + 1))
    return np.where(np.asarray(direction) > 0, up, down)


def _tail(h: np.ndarray, rare: np.ndarray, n: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Sum of P(h) + P(h +- 2) + P(h +- 4) ... in units of P(h), going away from the mode."""
    total = np.ones(len(h))
    active = np.arange(len(h))
    term = np.ones(len(h))
    while len(active):
        term = term * _ratio(h, rare, n, direction)
        total[active] += term
        going = term > _NEGLIGIBLE * total[active]
        active, term, rare, n = active[going], term[going], rare[going], n[going]
        direction = direction[going]
        h = h[going] + 2 * direction
    return total


def share_out_of_proportions(dosage: np.ndarray, p: float = 1e-4) -> float:
    """Share of variants whose genotypes are out of Hardy-Weinberg proportions.

    Parameters
    ----------
    dosage
        0, 1, 2 or -1 for missing, shape (sample, variant).
    p
        Mid-p of the exact test below which a variant counts.
    """
    counts = [(dosage == value).sum(axis=0) for value in range(3)]
    return float((hardy_weinberg_p(*counts, midp=True) < p).mean())
