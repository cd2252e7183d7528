"""Pre-train an encoder on unlabelled genotypes, on one process or many.

    accelerate launch pretrain/run.py --config pretrain/configs/diffusion.yaml --data DIR --output-dir DIR
    accelerate launch pretrain/run.py --objective masked --genotypes chr*.pgen model.hidden_size=256
    accelerate launch pretrain/run.py --preset unet1d-tiny --data DIR

With a guarantee of differential privacy for each person (docs/privacy.md):

    gds pretrain --dp-epsilon 8 --dp-delta 1e-5 --dp-public DIR --genotypes chr*.pgen

Without --data or --genotypes a cohort is simulated first. Every key of the configuration can be
overridden as section.key=value. A run that was interrupted is resumed by the same command.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gds.commands import arguments
from gds.errors import UserError
from gds.models.presets import OBJECTIVES

if TYPE_CHECKING:
    from gds.studies.pretraining.initial_weights import InitialWeights
    from gds.studies.pretraining.public_featurizer import PublicFeaturizer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="YAML", help="e.g. pretrain/configs/masked.yaml")
    parser.add_argument("--objective", choices=OBJECTIVES, help="default: the config's, or diffusion")
    parser.add_argument(
        "--preset", metavar="NAME", help="network and size, e.g. unet1d-tiny (gds models lists them)"
    )
    parser.add_argument(
        "--init-from",
        metavar="DIR|ORG/NAME",
        help="go on from a pre-trained model, here or on the hub, with its network and its featurizer",
    )
    privacy = parser.add_argument_group("differential privacy (extra privacy); docs/privacy.md")
    privacy.add_argument("--dp-epsilon", type=float, metavar="E", help="train with a guarantee, e.g. 8")
    privacy.add_argument("--dp-delta", type=float, metavar="D", help="below 1 / people, e.g. 1e-5")
    privacy.add_argument(
        "--dp-public", metavar="DIR",
        help="a cohort or model of other people, whose featurizer is used in place of one fitted on those protected",
    )  # fmt: skip
    arguments.add_cohort(parser)
    arguments.add_output(parser, default="runs/pretrained")
    parser.add_argument(
        "overrides", nargs="*", metavar="SECTION.KEY=VALUE", help="e.g. training.learning_rate=3e-4"
    )


def run(args: argparse.Namespace) -> None:
    from accelerate import PartialState
    from accelerate.utils import parse_flag_from_env

    from gds.studies.pretraining.config import load_config
    from gds.studies.pretraining.initial_weights import InitialWeights
    from gds.studies.pretraining.private import pretrain_privately
    from gds.studies.pretraining.public_featurizer import PublicFeaturizer
    from gds.studies.pretraining.run import check_processes, pretrain

    initial = None if args.init_from is None else InitialWeights.open(args.init_from)
    objective = args.objective or (initial.objective if initial and not args.config else None)
    network = None if initial is None else initial.options()
    guarantee = {"epsilon": args.dp_epsilon, "delta": args.dp_delta}
    overrides = [f"privacy.{name}={value}" for name, value in guarantee.items() if value is not None]
    config = load_config(args.config, [*args.overrides, *overrides], objective, args.preset, network)
    public = None if args.dp_public is None else PublicFeaturizer.open(args.dp_public)
    if public is not None and not config.privacy:
        raise UserError("--dp-public is for a private run: give --dp-epsilon and --dp-delta")
    # accelerate reads this variable itself only once the Trainer exists, and the cohort comes before it.
    state = PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU"))
    check_processes(state)
    # The first process prepares; the others then find the finished cohort.
    with state.main_process_first():
        cohort = open_cohort(args, config.features, initial, public)
    if config.privacy:
        pretrain_privately(config, cohort, args.out, seed=args.seed, initial=initial, public=public)
    else:
        pretrain(config, cohort, args.out, seed=args.seed, initial=initial)
    if state.is_main_process:
        print(f"pre-trained encoder: {args.out} (curves: {Path(args.out) / 'curves.png'})")


def open_cohort(
    args: argparse.Namespace,
    features: dict,
    initial: "InitialWeights | None" = None,
    public: "PublicFeaturizer | None" = None,
):
    """The prepared cohort that the flags name; prepared (and simulated) first where need be."""
    from gds.commands.prepare import print_summary
    from gds.features.dataset import PreparedCohort
    from gds.features.prepare import prepare_cohort
    from gds.files import read_json

    if (prepared := arguments.open_prepared(args)) is not None:
        return prepared
    if not args.genotypes and not args.data:
        args.data = str(simulated_cohort())
    changes = {key: value for key, value in features.items() if key != "kind" and value is not None}
    options = arguments.prepare_options(args, features=features["kind"], **changes)
    folder = Path(args.out) / "data"
    if (folder / "run.json").is_file():
        import json
        from dataclasses import asdict

        # JSON has no tuples: compare what would be written with what was.
        if read_json(folder / "run.json")["options"] == json.loads(json.dumps(asdict(options))):
            return PreparedCohort(folder)
    earlier = initial or public
    featurizer = None if earlier is None else earlier.featurizer()
    cohort = prepare_cohort(
        options, folder, featurizer=featurizer, never_test=[] if earlier is None else list(earlier.people())
    )
    print_summary(cohort)
    return cohort


def simulated_cohort() -> Path:
    """The default simulated cohort, made on first use."""
    folder = arguments.SIMULATED
    if not (folder / "run.json").is_file():
        from gds.cli import run_command

        print(f"no --data or --genotypes: simulating a cohort into {folder}")
        code = run_command("simulate", ["--out", str(folder)])
        if code:
            sys.exit(code)
    return folder
