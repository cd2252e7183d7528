"""Pre-train on unlabelled genotypes: ``accelerate launch pretrain/run.py --help``."""

import sys

from gds.cli import run_command

if __name__ == "__main__":
    sys.exit(run_command("pretrain", program="pretrain/run.py"))
