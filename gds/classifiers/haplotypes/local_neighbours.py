"""Whose haplotypes are alike, window by window, by the local embeddings of an encoder: a graph to pass labels along."""

from hashlib import blake2b

import numpy as np
from scipy import sparse

from gds.errors import UserError

BATCH = 64  # haplotypes at a time


class LocalNeighbours:
    """Nearest panel haplotypes of each window, in the place of whom they are copied from.

    Has what :class:`~gds.classifiers.haplotypes.windowed_propagation.WindowedPropagation` asks of a
    :class:`~gds.classifiers.haplotypes.haplotype_copying.HaplotypeCopying`: shares of a window that fall to each
    panel person. Of unit vectors z the share of panel haplotype k is exp(z . z_k / temperature), over the
    ``n_neighbours`` most like ones and normalised; nobody is a neighbour of itself.

    Parameters
    ----------
    n_neighbours
        Panel haplotypes a window.
    temperature
        What similarities are divided by.
    width
        Tokens a window: neighbouring tokens are put side by side, which tells haplotypes apart that are alike
        in one token.
    """

    def __init__(self, n_neighbours: int = 32, temperature: float = 0.03, width: int = 8) -> None:
        self.n_neighbours = n_neighbours
        self.temperature = temperature
        self.width = width

    def fit(self, panel: np.ndarray) -> "LocalNeighbours":
        """Take the local embeddings of training people, float32 (sample, 2, token, hidden)."""
        self.mean_ = panel.mean(axis=(0, 1), keepdims=True)
        self._panel = self._windows(panel)
        self.n_reference_, self.n_windows_ = len(panel), self._panel.shape[0]
        self._rows = {key: row for row, key in enumerate(_keys(panel))}
        self._remembered: dict[bytes, sparse.csr_matrix] = {}
        return self

    def panel_rows(self, people: np.ndarray) -> np.ndarray:
        """Row of each person in the panel, -1 for those not in it; int64, shape (sample,)."""
        return np.array([self._rows.get(key, -1) for key in _keys(people)], dtype=np.int64)

    def shares(self, people: np.ndarray) -> sparse.csr_matrix:
        """Shares of panel people, (2 sample window, reference person): a person's haplotypes one after the other."""
        if people.ndim != 4 or people.shape[1:3] != (2, self.mean_.shape[2]):
            raise UserError(
                f"expected local embeddings of shape (sample, 2, {self.mean_.shape[2]}, hidden), found {people.shape}"
            )
        keys = _keys(people)
        new = [i for i, key in enumerate(keys) if key not in self._remembered]
        for start in range(0, len(new), BATCH // 2):
            rows = np.array(new[start : start + BATCH // 2])
            for i, found in zip(rows, self._compute(people[rows], [keys[i] for i in rows]), strict=True):
                self._remembered[keys[i]] = found
        return sparse.vstack([self._remembered[key] for key in keys], format="csr")

    def _compute(self, people: np.ndarray, keys: list[bytes]) -> list[sparse.csr_matrix]:
        windows = self._windows(people)  # (window, 2 sample, size)
        n, k = windows.shape[1], min(self.n_neighbours, 2 * (self.n_reference_ - 1))
        own = np.repeat([self._rows.get(key, -1) for key in keys], 2)
        known = np.flatnonzero(own >= 0)
        columns = np.empty((n, self.n_windows_, k), dtype=np.int64)
        weights = np.empty((n, self.n_windows_, k), dtype=np.float32)
        for w in range(self.n_windows_):
            similarity = windows[w] @ self._panel[w].T
            for haplotype in (0, 1):
                similarity[known, 2 * own[known] + haplotype] = -np.inf
            nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
            value = np.take_along_axis(similarity, nearest, axis=1)
            value = np.exp((value - value.max(axis=1, keepdims=True)) / self.temperature)
            columns[:, w], weights[:, w] = nearest // 2, value / value.sum(axis=1, keepdims=True)
        rows = 2 * self.n_windows_
        starts = np.arange(0, rows * k + 1, k)
        found = []
        for i in range(len(people)):
            pair = slice(2 * i, 2 * i + 2)
            matrix = sparse.csr_matrix(
                (weights[pair].ravel(), columns[pair].ravel(), starts), shape=(rows, self.n_reference_)
            )
            matrix.sum_duplicates()
            found.append(matrix)
        return found

    def _windows(self, people: np.ndarray) -> np.ndarray:
        """Unit vectors, float32 (window, 2 sample, width * hidden); the last window ends with the last token."""
        tokens = (people - self.mean_).reshape(-1, *people.shape[2:])
        width = min(self.width, tokens.shape[1])
        starts = [*range(0, tokens.shape[1] - width, width), tokens.shape[1] - width]
        joined = np.stack([tokens[:, start : start + width].reshape(len(tokens), -1) for start in starts])
        length = np.linalg.norm(joined, axis=2, keepdims=True)
        return (joined / np.maximum(length, 1e-12)).astype(np.float32)


def _keys(people: np.ndarray) -> list[bytes]:
    return [blake2b(np.ascontiguousarray(person).tobytes(), digest_size=16).digest() for person in people]
