"""Whom a haplotype is copied from: the Li-Stephens model, in runs of variants.

A haplotype is a mosaic of those in a reference panel: along a chromosome it copies one of them, with few
mismatches, and now and then switches to another. How much is copied from whom, and where, is the finest
description of ancestry that phased genotypes allow, and needs no labels.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from scipy import sparse
from tqdm import tqdm

from gds.errors import UserError

HAPLOTYPES_AT_ONCE = 32  # one step of the recursion then stays in a CPU's cache
SMALLEST_SHARE = 1e-3  # of a window; what is copied less is left out, 2 % in all in dense 1000 Genomes data
SMALLEST_EMISSION = 1e-12  # of the best; a switch costs less, and smaller floats are slow


class HaplotypeCopying:
    """Posterior probability of copying from each person of a reference panel, by window of the genome.

    The hidden Markov model of Li and Stephens (2003), with the sites taken in runs: no switch within a run, so
    that the log emission of a run is its number of mismatches times log(mismatch / (1 - mismatch)), one matrix
    product for all pairs of haplotypes. Before each run a switch to any reference haplotype happens
    with probability ``switch``. Posteriors of forward and backward recursion are averaged over the runs of a
    window and added over the two haplotypes of a reference person.

    People of the panel are recognised by their haplotypes, and none copies from either of their own: shares
    of training and of new people are comparable.

    Parameters
    ----------
    run_length
        Variants of a run.
    n_windows
        Windows, over all chromosomes; at least one a chromosome, none crosses from one to the next.
    switch
        Probability of a switch before a run.
    mismatch
        Probability that an allele is not that of the haplotype copied.
    max_reference
        People of the panel; more are thinned to a random choice of so many. Time and memory grow with
        (people scored) x (people of the panel).
    chromosome
        Chromosome of each variant, shape (variant,); None: all variants are of one.
    remember
        Keep the shares of everyone scored, for several methods on the same people.
    seed
        Of the thinning.

    Attributes
    ----------
    n_reference_, n_windows_ : int
        People of the panel, and windows.

    Notes
    -----
    Li and Stephens 2003, Genetics 165:2213-2233; painting as in Lawson et al. 2012, PLoS Genetics 8:e1002453.
    """

    def __init__(
        self,
        *,
        run_length: int = 32,
        n_windows: int = 32,
        switch: float = 0.05,
        mismatch: float = 0.01,
        max_reference: int = 4000,
        chromosome: np.ndarray | None = None,
        remember: bool = False,
        seed: int = 0,
    ) -> None:
        self.run_length = run_length
        self.n_windows = n_windows
        self.switch = switch
        self.mismatch = mismatch
        self.max_reference = max_reference
        self.chromosome = chromosome
        self.remember = remember
        self.seed = seed

    def fit(self, parts: Sequence[np.ndarray]) -> "HaplotypeCopying":
        """Take the panel.

        Parameters
        ----------
        parts
            Haplotypes of training people, each int8 of shape (sample, variant, 2), -1 missing.

        Raises
        ------
        UserError
            The people are not phased, or the constants are impossible.
        """
        if not (0 < self.switch < 1 and 0 < self.mismatch < 0.5):
            raise UserError(
                f"expected a switch probability of 0 ... 1 and a mismatch probability of 0 ... 0.5, found "
                f"{self.switch} and {self.mismatch}"
            )
        n_variants = parts[0].shape[1]
        for part in parts:
            check_haplotypes(part, n_variants)
        people = np.concatenate([person_keys(part) for part in parts])
        if len(set(people)) < 3:
            raise UserError(
                f"{len(set(people))} different people are too few for a reference panel: give 3 or more"
            )
        rows = np.arange(len(people))
        if len(rows) > self.max_reference:
            rows = np.sort(np.random.default_rng(self.seed).choice(rows, self.max_reference, replace=False))
        panel = np.concatenate(list(parts))[rows]
        self.n_reference_ = len(rows)
        # A repeated person may not copy from its double either: every row of the same haplotypes is left out.
        self._rows: dict[bytes, list[int]] = {}
        for row, key in enumerate(people[rows]):
            self._rows.setdefault(key, []).append(row)
        self._panel = panel.transpose(0, 2, 1).reshape(2 * len(rows), n_variants)  # two rows a person
        self._runs, self._window = self._divide(n_variants)
        self.n_windows_ = int(self._window[-1]) + 1
        self._remembered: dict[bytes, sparse.csr_matrix] = {}
        return self

    def shares(self, haplotypes: np.ndarray) -> sparse.csr_matrix:
        """How much of each window is copied from each person of the panel.

        Parameters
        ----------
        haplotypes
            int8, shape (sample, variant, 2), -1 missing.

        Returns
        -------
        scipy.sparse.csr_matrix
            float32, shape (sample x haplotype x window, reference person), the window fastest; rows sum to 1.
            Shares below 0.1 % are left out.
        """
        check_haplotypes(haplotypes, self._panel.shape[1])
        keys = person_keys(haplotypes)
        wanted = np.array([i for i, key in enumerate(keys) if key not in self._remembered], dtype=np.int64)
        new = self._new_shares(haplotypes[wanted], keys[wanted])
        if len(wanted) == len(keys) and not self.remember:
            return new
        rows = 2 * self.n_windows_
        for i, person in enumerate(wanted):
            self._remembered[keys[person]] = new[i * rows : (i + 1) * rows]
        return sparse.vstack([self._remembered[key] for key in keys], format="csr")

    def recall(self, haplotypes: np.ndarray, shares: sparse.csr_matrix) -> None:
        """Take shares that :meth:`shares` gave earlier, so that they are not computed again.

        Parameters
        ----------
        haplotypes, shares
            What :meth:`shares` of a model with the same panel and constants was given, and what it returned.

        Raises
        ------
        UserError
            The shares are of other people, or of another panel.
        """
        rows = 2 * self.n_windows_
        if shares.shape != (rows * len(haplotypes), self.n_reference_):
            raise UserError(
                f"expected copying shares of shape {(rows * len(haplotypes), self.n_reference_)}, found "
                f"{shares.shape}: they are of other people or of another panel; compute them again"
            )
        for i, key in enumerate(person_keys(haplotypes)):
            self._remembered[key] = shares[i * rows : (i + 1) * rows]

    def panel_rows(self, haplotypes: np.ndarray) -> np.ndarray:
        """Row of each person in the panel, -1 for those not in it; int64, shape (sample,)."""
        return np.array([self._rows.get(key, [-1])[0] for key in person_keys(haplotypes)], dtype=np.int64)

    def _new_shares(self, haplotypes: np.ndarray, keys: np.ndarray) -> sparse.csr_matrix:
        n = len(haplotypes)
        rows = haplotypes.transpose(0, 2, 1).reshape(2 * n, haplotypes.shape[1])
        own = [self._rows.get(key, []) for key in np.repeat(keys, 2)]
        buffers = np.empty((2, len(self._runs), HAPLOTYPES_AT_ONCE, 2 * self.n_reference_), dtype=np.float32)
        batches = [sparse.csr_matrix((0, self.n_reference_), dtype=np.float32)]
        for start in tqdm(
            range(0, 2 * n, HAPLOTYPES_AT_ONCE), desc="copying", unit="batch", delay=5, disable=None
        ):
            batch = slice(start, start + HAPLOTYPES_AT_ONCE)
            shares = self._forward_backward(rows[batch], own[batch], buffers).reshape(-1, self.n_reference_)
            # At least the largest stays, however evenly a window is shared.
            shares[shares < np.minimum(SMALLEST_SHARE, shares.max(axis=1, keepdims=True))] = 0
            batches.append(sparse.csr_matrix(shares / shares.sum(axis=1, keepdims=True)))
        return sparse.vstack(batches, format="csr")

    def _divide(self, n_variants: int) -> tuple[list[tuple[slice, bool]], np.ndarray]:
        """Runs of variants, each with whether a chromosome starts there, and the window of each run."""
        chromosome = np.zeros(n_variants) if self.chromosome is None else np.asarray(self.chromosome)
        if len(chromosome) != n_variants:
            raise UserError(
                f"expected the chromosome of each of {n_variants} variants, found {len(chromosome)}"
            )
        borders = [0, *(np.flatnonzero(chromosome[1:] != chromosome[:-1]) + 1), n_variants]
        runs, window, n_windows = [], [], 0
        for begin, end in pairwise(borders):
            starts = range(begin, end, self.run_length)
            runs += [(slice(at, min(at + self.run_length, end)), at == begin) for at in starts]
            here = min(len(starts), max(1, round(self.n_windows * (end - begin) / n_variants)))
            window.append(n_windows + np.arange(len(starts)) * here // len(starts))
            n_windows += here
        return runs, np.concatenate(window)

    def _emissions(self, rows: np.ndarray, own: list[list[int]]) -> Iterator[np.ndarray]:
        """Emission of each run, scaled to a largest of 1; float32, (haplotype, reference haplotype)."""
        penalty = np.float32(np.log(self.mismatch / (1 - self.mismatch)))
        mine = np.array(
            [(i, 2 * row + side) for i, each in enumerate(own) for row in each for side in (0, 1)]
        )
        for run, _ in self._runs:
            x, panel = rows[:, run], self._panel[:, run]
            # A mismatch is a 1 against a 0 or a 0 against a 1; a missing allele is neither.
            both = np.concatenate([x == 1, x == 0], axis=1).astype(np.float32)
            other = np.concatenate([panel == 0, panel == 1], axis=1).astype(np.float32)
            emission = both @ other.T
            emission -= emission.min(axis=1, keepdims=True)
            emission *= penalty
            np.exp(np.maximum(emission, np.float32(np.log(SMALLEST_EMISSION)), out=emission), out=emission)
            if len(mine):
                emission[mine[:, 0], mine[:, 1]] = 0
            yield emission

    def _forward_backward(self, rows: np.ndarray, own: list[list[int]], buffers: np.ndarray) -> np.ndarray:
        """Posterior copying shares of a batch of haplotypes, float32 (haplotype, window, reference person)."""
        n, k = len(rows), len(self._panel)
        stay, jump = np.float32(1 - self.switch), np.float32(self.switch / k)
        emissions, forward = buffers[:, :, :n]
        for t, emission in enumerate(self._emissions(rows, own)):
            emissions[t] = emission
            # Before a chromosome every reference haplotype is as likely as any other.
            if self._runs[t][1]:
                forward[t] = emission
            else:
                np.multiply(forward[t - 1], stay, out=forward[t])
                forward[t] += jump
                forward[t] *= emission
            forward[t] /= forward[t].sum(axis=1, keepdims=True)
        shares = np.zeros((n, self.n_windows_, k // 2), dtype=np.float32)
        runs_of_window = np.bincount(self._window)
        backward = np.ones((n, k), dtype=np.float32)
        for t in range(len(self._runs) - 1, -1, -1):
            posterior = forward[t]
            posterior *= backward
            posterior /= posterior.sum(axis=1, keepdims=True) * np.float32(runs_of_window[self._window[t]])
            shares[:, self._window[t]] += posterior[:, 0::2]
            shares[:, self._window[t]] += posterior[:, 1::2]
            if self._runs[t][1]:
                backward[:] = 1
            else:
                backward *= emissions[t]
                mean = backward.mean(axis=1, keepdims=True)
                backward *= stay / mean
                backward += np.float32(self.switch)
        return shares


def person_keys(haplotypes: np.ndarray) -> np.ndarray:
    """A digest of each person's two haplotypes, whichever is first; object, shape (sample,)."""
    keys = np.empty(len(haplotypes), dtype=object)
    for i, pair in enumerate(haplotypes):
        first, second = sorted((pair[:, 0].tobytes(), pair[:, 1].tobytes()))
        keys[i] = blake2b(first + second, digest_size=16).digest()
    return keys


def check_haplotypes(haplotypes: np.ndarray, n_variants: int) -> None:
    """Refuse what is not a pair of haplotypes a person with the expected variants.

    Raises
    ------
    UserError
        Wrong shape or a value outside {-1, 0, 1}.
    """
    if np.ndim(haplotypes) != 3 or np.shape(haplotypes)[1:] != (n_variants, 2):
        raise UserError(
            f"expected haplotypes of shape (sample, {n_variants}, 2), found {np.shape(haplotypes)}: read phased "
            "genotypes with read_genotypes(..., phased=True), or choose a method that reads dosages"
        )
    if haplotypes.dtype != np.int8 or (haplotypes.size and (haplotypes.min() < -1 or haplotypes.max() > 1)):
        raise UserError("expected haplotypes as int8 of 0, 1 and -1 (missing)")
