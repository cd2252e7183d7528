"""Folders of models that are to be pushed."""

from pathlib import Path

import numpy as np
import pytest

from gds.features import GenePCA
from gds.files import write_json
from gds.genotypes import Genotypes, assign_blocks
from gds.provenance import run_record
from tests.cohorts import tiny_genotypes
from tests.untrained_models import save_untrained


@pytest.fixture(scope="session")
def genotypes() -> Genotypes:
    return tiny_genotypes(n_samples=60, n_variants=96)


@pytest.fixture(scope="session")
def featurizer(genotypes) -> GenePCA:
    blocks = assign_blocks(genotypes.variants, "window:12")
    return GenePCA(n_components=3).fit(genotypes, blocks, np.arange(40))


def save_with_record(featurizer, folder: Path, head: str, people: tuple[str, ...]) -> Path:
    """A model with everything that a run leaves beside it, the local files too."""
    save_untrained(featurizer, folder, head, seen=people)
    record = run_record(
        3, [folder / "config.json"], config={"objective": head, "training": {"learning_rate": 0.001}},
        genome_build="hg19", training_people=40, validation_people=5, steps=7, final={"eval_loss": 0.5},
        label_column="ALS", labelled_few={"control": 30, "case": 4},
    )  # fmt: skip
    write_json(folder / "run.json", record)
    (folder / "training_args.bin").write_bytes(b"a pickle")
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "optimizer.pt").write_bytes(b"another")
    return folder


@pytest.fixture(scope="session")
def classifier(featurizer, genotypes, tmp_path_factory) -> Path:
    people = tuple(genotypes.samples["id"][:40])
    return save_with_record(
        featurizer, tmp_path_factory.mktemp("runs") / "classifier", "classification", people
    )


@pytest.fixture(scope="session")
def denoiser(featurizer, genotypes, tmp_path_factory) -> Path:
    people = tuple(genotypes.samples["id"][:40])
    return save_with_record(featurizer, tmp_path_factory.mktemp("runs") / "denoiser", "diffusion", people)
