"""What it takes to run the same thing again: seed, command, versions, git state, input hashes."""

import datetime
import importlib.metadata
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gds.files import sha256

NOT_CLINICAL = (
    "Research software. Not for clinical use: nothing here is a diagnosis, and no decision about a person's health "
    "should rest on it."
)
_PACKAGES = (
    "genotype-diffusion", "torch", "transformers", "accelerate", "datasets", "diffusers",
    "scikit-learn", "numpy", "scipy", "pgenlib", "cyvcf2", "msprime", "stdpopsim",
)  # fmt: skip


def run_record(seed: int | None, inputs: Iterable[str | Path] = (), **facts: Any) -> dict[str, Any]:
    """Describe the present run.

    Parameters
    ----------
    seed
        The seed that everything random in the run derives from.
    inputs
        Files whose SHA-256 is recorded (no individual's data, only the hash of each file).
    **facts
        Anything else that belongs in the record, e.g. the resolved configuration.

    Returns
    -------
    dict
        Ready for :func:`gds.files.write_json`; conventionally saved as ``run.json``.
    """
    return {
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": _versions(),
        "git": _git_state(),
        "inputs": {str(path): sha256(path) for path in inputs},
        "not_for_clinical_use": NOT_CLINICAL,
        **facts,
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _git_state() -> dict[str, Any] | None:
    """Commit of the checkout this package runs from; None for an installed wheel."""
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(here), *arguments], capture_output=True, text=True, timeout=20, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    # A wheel inside someone else's repository must not record that repository's commit.
    if git("ls-files", "--error-unmatch", "provenance.py") is None:
        return None
    return {"commit": git("rev-parse", "HEAD"), "modified": bool(git("status", "--porcelain"))}
