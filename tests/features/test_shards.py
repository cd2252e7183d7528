"""A sharded fit: whoever dies, the bytes are those of one process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_cohorts import awkward_dosages, cohort, consecutive_blocks

from gds.errors import UserError
from gds.features import GenePCA, GeneTokens
from gds.features.engine import Engine
from gds.features.feature_rows import FeatureRows
from gds.features.resources import Processes
from gds.features.shards import combine_shards, fit_sharded, gather_features

# The last is large enough for the partial solver, by matrix or (see below) by products.
SIZES = (1, 3, 30, 7, 40, 12, 5, 300)
# What a killed process runs: the same cohort from a source that takes its time.
SLOW_PROCESS = """
import sys, time
import numpy as np
from small_cohorts import awkward_dosages, cohort, consecutive_blocks
from gds.features import GenePCA
from gds.features.shards import fit_sharded

SIZES = {sizes}
people = cohort(awkward_dosages(150, SIZES))
read = people.read
people.read = lambda *arguments: (time.sleep(0.5), read(*arguments))[1]
fit_sharded(GenePCA(4), people, consecutive_blocks(*SIZES), np.arange(100), sys.argv[1], n_shards=8)
"""


@pytest.fixture(scope="module")
def people():
    return cohort(awkward_dosages(150, SIZES))


@pytest.fixture(scope="module")
def blocks():
    return consecutive_blocks(*SIZES)


@pytest.fixture(scope="module")
def whole(people, blocks):
    return GenePCA(4).fit(people, blocks, np.arange(100))


def saved_bytes(featurizer, folder: Path) -> list[bytes]:
    featurizer.save_pretrained(folder)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def test_a_killed_process_is_started_again_and_gives_the_same_bytes(people, blocks, whole, tmp_path):
    folder = tmp_path / "shards"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(
        [sys.executable, "-c", SLOW_PROCESS.format(sizes=SIZES), str(folder)], env=environment
    )
    deadline = time.monotonic() + 60
    while len(list(folder.glob("shard-*"))) < 2 and time.monotonic() < deadline:
        assert child.poll() is None, "the process ended before it could be killed"
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    left = {path.name: path.read_bytes() for path in folder.glob("shard-*")}
    assert 2 <= len(left) < 8
    with pytest.raises(UserError, match="shards are not finished"):
        combine_shards(folder)
    report = fit_sharded(GenePCA(4), people, blocks, np.arange(100), folder, n_shards=8)
    assert report.found == list(range(len(left)))
    assert report.fitted == list(range(len(left), 8))
    assert all((folder / name).read_bytes() == content for name, content in left.items())
    assert saved_bytes(combine_shards(folder), tmp_path / "a") == saved_bytes(whole, tmp_path / "b")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    n_shards=st.integers(1, len(SIZES)),
    world_size=st.integers(1, 4),
    read_bytes=st.integers(1, 20_000),
    kind=st.sampled_from([GenePCA(4), GenePCA(0.8), GenePCA("reference"), GeneTokens(300)]),
    by_products=st.booleans(),
    engine=st.sampled_from(Engine),
    n_jobs=st.integers(1, 2),
)
def test_any_number_of_shards_and_processes_and_any_block_size_give_the_same_bytes(
    people,
    blocks,
    monkeypatch,
    tmp_path_factory,
    n_shards,
    world_size,
    read_bytes,
    kind,
    by_products,
    engine,
    n_jobs,
):
    folder = tmp_path_factory.mktemp("shards")
    monkeypatch.setattr("gds.features.covariance.is_implicit", lambda n, _: by_products and n > 250)
    monkeypatch.setattr("gds.features.gene_pca.fastest_engine", lambda work: Engine.FLOAT32)
    alone = type(kind)(**kind.parameters()).fit(people, blocks, np.arange(100))
    monkeypatch.setattr("gds.features.streaming._READ_BYTES", read_bytes)
    monkeypatch.setattr("gds.features.gene_pca.fastest_engine", lambda work: engine)
    others = np.arange(100, 150)
    for rank in reversed(range(world_size)):
        processes = Processes(rank, world_size)
        fit_sharded(
            kind, people, blocks, np.arange(100), folder,
            n_shards=n_shards, others=others, processes=processes, n_jobs=n_jobs,
        )  # fmt: skip
    combined = combine_shards(folder)
    assert combined.fingerprint() == alone.fingerprint()
    assert combined.variants_.equals(alone.variants_)
    assert saved_bytes(combined, folder / "a") == saved_bytes(alone, folder / "b")
    features = np.empty((150, alone.n_blocks, alone.n_channels), alone.feature_dtype)
    gather_features(folder, FeatureRows(features, alone.padding_value))
    assert features.tobytes() == alone.transform(people).tobytes()


def test_rank_and_world_size_come_from_the_environment(people, blocks, whole, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    for rank, expected in ((2, [2]), (0, [0, 3]), (1, [1])):
        monkeypatch.setenv("RANK", str(rank))
        report = fit_sharded(GenePCA(4), people, blocks, np.arange(100), tmp_path, n_shards=4)
        assert report.fitted == expected
    assert combine_shards(tmp_path).fingerprint() == whole.fingerprint()
    monkeypatch.delenv("RANK")
    with pytest.raises(UserError, match="not the other of RANK and WORLD_SIZE"):
        fit_sharded(GenePCA(4), people, blocks, None, tmp_path, n_shards=4)


def test_a_truncated_shard_is_made_again(people, blocks, whole, tmp_path):
    fit_sharded(GenePCA(4), people, blocks, np.arange(100), tmp_path, n_shards=3)
    path = tmp_path / "shard-00001-of-00003.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert fit_sharded(GenePCA(4), people, blocks, np.arange(100), tmp_path, n_shards=3).fitted == [1]
    assert path.read_bytes() == content
    assert combine_shards(tmp_path).fingerprint() == whole.fingerprint()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"featurizer": GenePCA(5)}, "parameters"),
        ({"samples": np.arange(99)}, "n_training_samples"),
        ({"samples": np.arange(1, 101)}, "fingerprint"),
        ({"n_shards": 2}, "n_shards"),
        ({"blocks": consecutive_blocks(*SIZES[::-1])}, "fingerprint"),
    ],
)
def test_shards_of_another_fit_are_refused(people, blocks, tmp_path, change, named):
    arguments = {
        "featurizer": GenePCA(4), "source": people, "blocks": blocks, "samples": np.arange(100),
        "folder": tmp_path, "n_shards": 3,
    }  # fmt: skip
    fit_sharded(**arguments)
    with pytest.raises(UserError, match=f"shards of another fit .*{named}"):
        fit_sharded(**(arguments | change))


def test_a_changed_genotype_file_is_noticed(people, blocks, tmp_path):
    file = tmp_path / "genotypes.bed"
    file.write_bytes(b"one")
    fit_sharded(GenePCA(4), people, blocks, None, tmp_path / "s", n_shards=2, inputs=[file])
    file.write_bytes(b"two")
    with pytest.raises(UserError, match=r"another fit .*inputs"):
        fit_sharded(GenePCA(4), people, blocks, None, tmp_path / "s", n_shards=2, inputs=[file])


def test_impossible_numbers_are_refused(people, blocks, tmp_path):
    for numbers, message in (({"n_shards": 9}, "1 to 8 shards"),):
        with pytest.raises(UserError, match=message):
            fit_sharded(GenePCA(4), people, blocks, None, tmp_path, **numbers)
    with pytest.raises(UserError, match=r"rank in 0\.\.1"):
        Processes(2, 2)


def test_no_id_is_in_the_shards(people, blocks, tmp_path):
    fit_sharded(GenePCA(4), people, blocks, None, tmp_path, n_shards=2)
    for path in tmp_path.iterdir():
        assert people.samples["id"][0].encode() not in path.read_bytes()
