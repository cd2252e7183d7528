"""Training people and their labels as rows of the panel that haplotypes are copied from."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy import sparse

from gds.classifiers.haplotypes.haplotype_copying import HaplotypeCopying
from gds.errors import UserError


class PanelShares(Protocol):
    """What labels are passed along: how much of each window of a person falls to each person of a panel.

    Attributes
    ----------
    n_reference_, n_windows_ : int
        People of the panel, windows of the genome.
    """

    n_reference_: int
    n_windows_: int

    def shares(self, haplotypes: np.ndarray) -> sparse.csr_matrix:
        """(2 sample window, reference person), the windows of a haplotype one after the other."""
        ...

    def panel_rows(self, haplotypes: np.ndarray) -> np.ndarray:
        """Row of each person in the panel, -1 for those not in it; int64, shape (sample,)."""
        ...


def fitted_copying(copying: PanelShares | None, parts: Sequence[np.ndarray], seed: int) -> PanelShares:
    """The copying model that was given, or a new one whose panel are the training people."""
    return HaplotypeCopying(seed=seed).fit(parts) if copying is None else copying


def panel_rows_of(copying: PanelShares, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Row of each training person in the panel, -1 for those thinned out; shape (sample,).

    Raises
    ------
    UserError
        No labelled person is in the panel, so that nobody's label could be copied.
    """
    rows = [copying.panel_rows(part) for part in parts]
    if not (rows[0] >= 0).any():
        raise UserError(
            "none of the labelled people is in the reference panel: fit HaplotypeCopying on the training people, "
            "or raise max_reference"
        )
    return np.concatenate(rows)


def to_panel(people: np.ndarray, rows: np.ndarray, n_reference: int) -> np.ndarray:
    """Rows of training people put where they stand in the panel, (reference person, column)."""
    panel = np.zeros((n_reference, people.shape[1]), dtype=people.dtype)
    panel[rows[rows >= 0]] = people[rows >= 0]
    return panel


def joined_windows(shares: sparse.csr_matrix, n_windows: int, join: int) -> sparse.csr_matrix:
    """Shares of windows ``join`` times as long: the mean of neighbouring windows of each haplotype.

    Parameters
    ----------
    shares
        (haplotype x window, reference person), the windows of a haplotype one after the other.
    n_windows
        Windows of a haplotype.
    join
        Windows taken together; the last may be of fewer.

    Returns
    -------
    scipy.sparse.csr_matrix
        (haplotype x longer window, reference person).
    """
    if join == 1:
        return shares
    longer = np.arange(n_windows) // join
    n = shares.shape[0] // n_windows
    rows = (np.arange(n)[:, None] * (longer[-1] + 1) + longer).ravel()
    weights = np.tile((1 / np.bincount(longer)[longer]).astype(np.float32), n)
    mean = sparse.csr_matrix((weights, (rows, np.arange(len(rows)))), shape=(n * (longer[-1] + 1), len(rows)))
    return (mean @ shares).tocsr()
