"""Real, held-out and synthetic people in one picture."""

import numpy as np

from gds.studies.embedding_map import project
from gds.studies.synthetic.genotypes import ThreeSets

_MOST_PEOPLE = 1500


def project_three_sets(sets: ThreeSets, *, seed: int = 0) -> dict[str, np.ndarray]:
    """UMAP of all three sets together: cosine distance of alleles centred on training people, 5 neighbours.

    Parameters
    ----------
    sets
        The people; at most 1,500 rows of each are drawn at random.
    seed
        Of the draw and of UMAP.

    Returns
    -------
    dict
        ``real``, ``held out`` and ``synthetic``: shape (row, 2).
    """
    rng = np.random.default_rng(seed)
    chosen = [
        each[np.sort(rng.permutation(len(each))[:_MOST_PEOPLE])]
        for each in (sets.train, sets.test, sets.synthetic)
    ]
    together = np.concatenate(chosen).astype(np.float32) - sets.train.mean(axis=0).astype(np.float32)
    points = project(together, "umap", seed)
    bounds = np.cumsum([len(each) for each in chosen])[:-1]
    return dict(zip(("real", "held out", "synthetic"), np.split(points, bounds), strict=True))
