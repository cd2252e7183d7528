"""Label spreading against its closed form and scikit-learn, and mosaics whose answer is known."""

import numpy as np
from scipy import sparse
from sklearn.semi_supervised import LabelSpreading as Reference

from gds.classifiers.label_spreading import LabelSpreading, spread


def test_it_is_the_closed_form():
    rng = np.random.default_rng(0)
    graph = rng.random((30, 30)) * (rng.random((30, 30)) < 0.3)
    graph = graph + graph.T
    np.fill_diagonal(graph, 0)
    labels = np.zeros((30, 3))
    labels[[0, 1, 2, 3], [0, 1, 2, 0]] = 1
    root = 1 / np.sqrt(graph.sum(axis=1))
    expected = np.linalg.solve(np.eye(30) - 0.9 * root[:, None] * graph * root, labels)
    found = spread(sparse.csr_matrix(graph), labels, 0.9)
    np.testing.assert_allclose(found, expected / expected.sum(axis=0), atol=1e-5)
    # scikit-learn's fixed point is the same up to a class-independent scale of each row.
    y = np.full(30, -1)
    y[:4] = [0, 1, 2, 0]
    oracle = Reference(kernel=lambda a, b: graph, alpha=0.9, max_iter=1000, tol=1e-9).fit(np.eye(30), y)
    rows = expected / expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(oracle.label_distributions_, rows, atol=1e-3)


def moons(n=300, seed=0):
    """Two interleaved half circles: neighbours know what straight lines do not."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    angle = rng.uniform(0, np.pi, n)
    x = np.where(y == 0, np.cos(angle), 1 - np.cos(angle))
    height = np.where(y == 0, np.sin(angle), 0.5 - np.sin(angle))
    return np.column_stack([x, height]) + rng.normal(size=(n, 2)) * 0.05, y


def test_labels_follow_the_shape_of_unlabelled_people():
    X, y = moons()
    model = LabelSpreading().fit(X[:6], y[:6], unlabelled=X[6:200])
    assert (model.predict(X[200:]) == y[200:]).mean() > 0.97
    np.testing.assert_allclose(model.predict_proba(X[200:]).sum(axis=1), 1)
