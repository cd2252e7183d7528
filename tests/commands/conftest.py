"""A saved model and another cohort, for the commands that bring them together."""

from pathlib import Path

import numpy as np
import pytest

from gds.features import GenePCA
from gds.genotypes import Genotypes, assign_blocks, write_genotypes
from tests.cohorts import tiny_genotypes, tiny_phenotypes
from tests.untrained_models import save_untrained


@pytest.fixture(scope="session")
def genotypes() -> Genotypes:
    return tiny_genotypes(n_samples=60, n_variants=96)


@pytest.fixture(scope="session")
def model_folder(genotypes, tmp_path_factory) -> Path:
    """An untrained classifier of control and case with a featurizer fitted on the first 40 people."""
    pca = GenePCA(n_components=3).fit(
        genotypes, assign_blocks(genotypes.variants, "window:12"), np.arange(40)
    )
    folder = tmp_path_factory.mktemp("classifier")
    return save_untrained(pca, folder, "classification", seen=tuple(genotypes.samples["id"][:40]))


@pytest.fixture(scope="session")
def cohort_files(genotypes, tmp_path_factory) -> Path:
    """Folder of cohort.bed (everyone as in training) and phenotypes.tsv."""
    folder = tmp_path_factory.mktemp("cohort")
    write_genotypes(genotypes, folder / "cohort.bed")
    table = tiny_phenotypes(genotypes)
    table["population"] = np.where(np.arange(len(table)) % 2, "north", "south")
    table.to_csv(folder / "phenotypes.tsv", sep="\t", index=False)
    return folder
