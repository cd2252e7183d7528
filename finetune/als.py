"""Detect ALS with few labels: ``python finetune/als.py --help``."""

import sys

from gds.cli import run_command

if __name__ == "__main__":
    sys.exit(run_command("finetune", program="finetune/als.py"))
