"""The ``gds`` command: one subcommand a file in :mod:`gds.commands`, imported only when it is run."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from gds.errors import UserError, did_you_mean
from gds.provenance import NOT_CLINICAL

# Each name is a module of gds.commands with a docstring, add_arguments(parser) and run(args).
COMMANDS = {
    "simulate": "simulate a cohort: demography, genes, a disease, batches",
    "convert": "convert genotype files between .bed, .pgen, .vcf.gz and .bcf",
    "qc": "check people and variants: call rates, sex, duplicates, relatives, equilibrium",
    "prepare": "check and split people, fit the featurizer on training people, write features",
    "pretrain": "pre-train a diffusion denoiser or a masked-token transformer",
    "finetune": "classify with few labels and report beside honest baselines",
    "efficiency": "accuracy against the number of labels, for many choices of them",
    "audit": "is a genetic result confounded, leaked, selected, too good or underpowered?",
    "predict": "predict the people of a new cohort with a fine-tuned model",
    "embed": "embed the people of a cohort, with pictures coloured by phenotypes",
    "generate": "sample synthetic genotypes from a pre-trained diffusion model",
    "evaluate": "judge synthetic genotypes: fidelity and privacy, each figure beside its references",
    "push": "publish a model or synthetic people on the Hugging Face hub",
    "models": "list the presets of networks and their sizes",
    "compare": "compare runs: curves, figures and what was set differently",
}
# Commands that say something about people: their last line is that it is not for clinical use.
ABOUT_PEOPLE = frozenset(
    {"pretrain", "finetune", "efficiency", "audit", "predict", "embed", "generate", "evaluate", "compare"}
)


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items()]
    return "\n".join(["usage: gds COMMAND [options]", "", *lines, "", "gds COMMAND --help explains each."])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns its exit code (2 for a user's error)."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        print(f"gds: unknown command {name!r}; {did_you_mean(name, COMMANDS)}", file=sys.stderr)
        return 2
    return run_command(name, rest)


def run_command(name: str, arguments: Sequence[str] | None = None, program: str | None = None) -> int:
    """Run the command ``name``; the scripts ``pretrain/run.py`` and ``finetune/als.py`` enter here."""
    module = importlib.import_module(f"gds.commands.{name}")
    parser = argparse.ArgumentParser(
        prog=program or f"gds {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    try:
        module.run(parser.parse_args(arguments))
    except UserError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    except Exception as error:
        from gds.files import is_full_disk

        if not is_full_disk(error):
            raise
        # Where a library writes files by itself, as while training.
        print(f"{parser.prog}: no space left on the disk: free some and run again ({error})", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted; run the same command again to resume", file=sys.stderr)
        return 130
    if name in ABOUT_PEOPLE:
        print(NOT_CLINICAL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
