"""gds generate by several processes, one of which is killed: the bytes of one process; every format says its origin."""

import gzip
import json
import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from gds.cli import main
from gds.features import GenePCA
from gds.files import sha256
from gds.generation import GenotypeGenerator
from gds.generation.chunks import ChunkedGenotypes, Chunks, Draw
from gds.genotypes import assign_blocks, read_genotypes
from gds.models import GdsConfig, GdsForDiffusion
from tests.models.conftest import TINY
from tests.untrained_models import save_untrained


@pytest.fixture(scope="module")
def model(genotypes, tmp_path_factory):
    pca = GenePCA(n_components=3).fit(
        genotypes, assign_blocks(genotypes.variants, "window:12"), np.arange(40)
    )
    return save_untrained(pca, tmp_path_factory.mktemp("generator"))


def arguments(model, out, *more):
    return ["generate", "--model", str(model), "--n", "30", "--steps", "5", "--batch-size", "7",
            "--out", str(out), *more]  # fmt: skip


def start(model, out, rank=None):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    if rank is not None:
        environment |= {"RANK": str(rank), "WORLD_SIZE": "2"}
    command = [sys.executable, "-m", "gds.cli", *arguments(model, out, "--features", "--wait-minutes", "6")]
    return subprocess.Popen(command, env=environment)


def test_two_processes_one_killed_give_the_bytes_of_one(model, tmp_path):
    names = ("synthetic.pgen", "synthetic.pvar", "synthetic.psam", "synthetic.features.npy")
    alone = start(model, tmp_path / "alone/synthetic.pgen")
    shared = tmp_path / "shared/synthetic.pgen"
    killed = start(model, shared, rank=0)
    chunks = shared.with_name(".synthetic.pgen.chunks")
    deadline = time.monotonic() + 300
    while not list(chunks.glob("chunk-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.kill()  # it waits for the chunks of process 1, which was never started
    killed.wait()
    assert list(chunks.glob("chunk-*"))
    assert {path.name for path in shared.parent.iterdir()} == {chunks.name}
    both = [start(model, shared, rank=rank) for rank in (1, 0)]
    assert [process.wait(timeout=400) for process in (*both, alone)] == [0, 0, 0]
    assert not chunks.exists()
    for name in names:
        assert (shared.parent / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    assert json.loads((shared.parent / "synthetic.run.json").read_text())["chunks"]["found"] >= 1


def test_every_format_holds_the_same_people_and_says_who_made_them(model, tmp_path, capsys):
    found = {}
    for ending in (".pgen", ".bed", ".vcf.gz"):
        out = tmp_path / f"synthetic{ending}"
        assert main(arguments(model, out)) == 0
        found[ending] = read_genotypes(out)
    assert "30 synthetic people" in capsys.readouterr().out
    for genotypes in found.values():
        assert genotypes.samples["id"].tolist() == [f"SYN{i:06d}" for i in range(1, 31)]
        assert np.array_equal(genotypes.dosage, found[".pgen"].dosage)
    weights = sha256(model / "model.safetensors")
    with gzip.open(tmp_path / "synthetic.vcf.gz", "rt") as lines:
        vcf = lines.read()
    headers = [
        vcf,
        (tmp_path / "synthetic.pvar").read_text(),
        json.loads((tmp_path / "synthetic.run.json").read_text())["provenance"],
    ]
    options = (
        "--n 30 --seed 0 --guidance-scale 1 --steps 5 --temperature 1 --corrector-sweeps 0 --batch-size 7"
    )
    for header in headers:
        assert f"gds generate --model {model.name} {options} (model.safetensors SHA-256 {weights})" in header
    assert not (tmp_path / "synthetic.features.npy").exists()


def test_another_seed_is_another_request(model, tmp_path):
    """Chunks of another request beside the file are not taken for this one's."""
    generator = GenotypeGenerator.from_pretrained(model, "cpu")
    folder = tmp_path / ".synthetic.pgen.chunks"
    draw = Draw(n=30, batch_size=7, num_inference_steps=5, seed=1)
    assert Chunks(folder, draw, "other").make(generator, range(5)) == 5
    assert main(arguments(model, tmp_path / "synthetic.pgen")) == 0
    assert main(arguments(model, tmp_path / "again.pgen")) == 0
    assert (tmp_path / "synthetic.pgen").read_bytes() == (tmp_path / "again.pgen").read_bytes()
    assert main(arguments(model, tmp_path / "other.pgen", "--seed", "1")) == 0
    assert (tmp_path / "other.pgen").read_bytes() != (tmp_path / "again.pgen").read_bytes()


def test_threads_and_bands_change_nothing(model, tmp_path):
    generator = GenotypeGenerator.from_pretrained(model, "cpu")
    draw = Draw(n=20, batch_size=6, num_inference_steps=4)
    chunks = Chunks(tmp_path / "one", draw, "request")
    assert chunks.make(generator, range(4), n_threads=3) == 4
    assert chunks.make(generator, range(4)) == 0
    whole = chunks.source(generator)
    # A damaged chunk is drawn again.
    damaged = chunks.path(2)
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-10])
    assert chunks.missing() == [2]
    chunks.make(generator, range(4))
    assert damaged.read_bytes() == content
    expected = whole.read(slice(0, len(whole.variants)))
    assert expected.shape == (20, len(whole.variants))
    narrow = ChunkedGenotypes(
        [chunks.path(i) for i in range(4)], whole.samples, whole.variants, band_bytes=20 * 7
    )
    pieces = [narrow.read(slice(start, start + 5)) for start in range(0, len(whole.variants), 5)]
    assert np.array_equal(np.concatenate(pieces, axis=1), expected)
    chunks.write_features(tmp_path / "features.npy")
    features = np.load(tmp_path / "features.npy")
    assert np.array_equal(generator.decode(features).dosage, expected)


def test_classes_go_to_a_table_beside_the_file(model, tmp_path):
    featurizer = GenotypeGenerator.from_pretrained(model, "cpu").featurizer
    assert featurizer is not None
    n_blocks, n_channels = featurizer.is_padding_.shape
    config = GdsConfig(
        n_blocks=n_blocks, n_channels=n_channels, use_timestep=True, n_condition_classes=2,
        id2label={0: "control", 1: "case"}, **TINY["transformer"],
    )  # fmt: skip
    conditional = GdsForDiffusion(config)
    conditional.gds.set_padding(featurizer.is_padding_)
    GenotypeGenerator(conditional, featurizer).save_pretrained(tmp_path / "model")
    out = tmp_path / "synthetic.vcf.gz"
    assert (
        main(arguments(tmp_path / "model", out, "--label", "case=12,control=18", "--guidance-scale", "2"))
        == 0
    )
    table = pd.read_csv(tmp_path / "synthetic.labels.tsv", sep="\t")
    assert table["id"].tolist() == read_genotypes(out).samples["id"].tolist()
    assert table["label"].tolist() == ["case"] * 12 + ["control"] * 18
    record = json.loads((tmp_path / "synthetic.run.json").read_text())
    assert record["labels"] == {"control": 18, "case": 12}
    assert "--guidance-scale 2" in record["provenance"]
