"""Check and split people, fit the featurizer on training people, write everyone's features.

In this order: quality of people, without labels and before the split (call rate, heterozygosity, sex,
duplicates); groups of relatives, which are never divided; the split; quality of variants among the
training people alone; features. --no-qc leaves the checks out. Nothing is fitted on validation or
test people. The result is a datasets.DatasetDict (train, validation, test) with features, labels
(-100 where unlabelled), covariates and ids, beside the fitted featurizer, qc.json (what was removed
and why) and a local people.tsv of who was used for what.

Under torchrun (or RANK and WORLD_SIZE of a job array, on a shared disk) all processes fit and transform;
a process that was killed is started again with the same command, and finished shards stay.
"""

import argparse

from gds.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_cohort(parser, required=True)
    arguments.add_features(parser)
    arguments.add_output(parser)
    resources = parser.add_argument_group("resources; the features are the same whatever they are")
    resources.add_argument("--n-jobs", type=int, default=1, metavar="N", help="threads (default 1)")
    resources.add_argument(
        "--max-memory", type=float, default=1.0, metavar="GB", help="working space (default 1)"
    )
    resources.add_argument(
        "--wait-minutes", type=float, default=720.0, metavar="N",
        help="under torchrun, for the other processes (default 720)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> None:
    from gds.features.prepare import prepare_cohort
    from gds.features.resources import Processes, Resources

    processes = Processes.from_environment(args.wait_minutes * 60)
    resources = Resources(args.n_jobs, int(args.max_memory * 2**30), processes)
    cohort = prepare_cohort(arguments.prepare_options(args), args.out, resources=resources)
    if processes is None or processes.rank == 0:
        print_summary(cohort)


def print_summary(cohort) -> None:
    """What was removed and why, people by split and class, and blocks, for the screen."""
    from gds.genotypes.quality import quality_table

    people, description = cohort.people, cohort.description
    print(quality_table(cohort.quality()))
    names = dict(enumerate(description.label_names)) | {-100: "unlabelled"}
    n_blocks, n_channels = cohort.featurizer().is_padding_.shape
    print(f"prepared {cohort.folder}: {len(people)} people, {n_blocks} blocks of up to {n_channels} channels")
    for split, rows in people.groupby("split", sort=False):
        counts = rows["label"].map(names).value_counts()
        print(f"  {split:<10} {len(rows):>6}  " + ", ".join(f"{name} {n}" for name, n in counts.items()))
    if description.label_threshold is not None:
        print(
            f"  {description.label_names[1]}: {description.label_column} above {description.label_threshold:.6g}"
        )
