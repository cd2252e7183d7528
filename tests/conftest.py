"""What every test may ask for, and a hub of their own: no test reaches the one in the world."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.hub.server import HubServer

REPOSITORY = Path(__file__).resolve().parent.parent

# The client of the hub reads these once, when it is first imported, which is after this file.
_HUB = HubServer()
_HUB.serve()
_HOME = tempfile.TemporaryDirectory(prefix="gds-tests-hf-home-")
os.environ |= {
    "HF_ENDPOINT": _HUB.url,
    "HF_HOME": _HOME.name,
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
for name in ("HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_CACHE"):
    os.environ.pop(name, None)


@pytest.fixture
def hub() -> HubServer:
    """An empty hub, of which ``alice`` (token ``alice-token``) and ``bob`` are users."""
    _HUB.state.reset()
    _HUB.state.users = {"alice-token": "alice", "bob-token": "bob"}
    return _HUB


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real public genotypes; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("GDS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real genotypes at {folder}: set GDS_SHARED_DATA to run this test")
    return folder
