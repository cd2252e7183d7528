"""What every test may ask for."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real public genotypes; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("GDS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real genotypes at {folder}: set GDS_SHARED_DATA to run this test")
    return folder
