"""gds prepare by several processes, one of which is killed: the bytes of one process."""

import os
import subprocess
import sys
import time

from tests.cohorts import write_tiny_cohort

FILES = (
    "featurizer/preprocessor.safetensors", "featurizer/preprocessor_config.json", "people.tsv",
    "train/data-00000-of-00001.arrow", "test/data-00000-of-00001.arrow",
)  # fmt: skip


def start(bed, out, rank=None, world_size=2):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    if rank is not None:
        environment |= {"RANK": str(rank), "WORLD_SIZE": str(world_size)}
    command = [sys.executable, "-m", "gds.cli", "prepare", "--genotypes", str(bed), "--out", str(out),
               "--blocks", "window:8", "--wait-minutes", "2"]  # fmt: skip
    return subprocess.Popen(command, env=environment)


def test_two_processes_one_killed_give_the_bytes_of_one(tmp_path):
    bed, _ = write_tiny_cohort(tmp_path / "in")
    alone = start(bed, tmp_path / "alone")
    killed = start(bed, tmp_path / "shared", rank=0)
    shards = tmp_path / ".shared.shards"
    deadline = time.monotonic() + 60
    while not list(shards.glob("shard-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.kill()  # it waits for the shards of process 1, which was never started
    killed.wait()
    left = {path.name for path in shards.glob("shard-*")}
    assert left
    assert not (tmp_path / "shared").exists()
    both = [start(bed, tmp_path / "shared", rank=rank) for rank in (1, 0)]
    assert [process.wait(timeout=120) for process in (*both, alone)] == [0, 0, 0]
    assert not shards.exists()
    for name in FILES:
        assert (tmp_path / "shared" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
