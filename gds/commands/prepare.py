"""Split people, fit the featurizer on training people, write everyone's features.

Nothing is fitted on validation or test people. The result is a datasets.DatasetDict
(train, validation, test) with features, labels (-100 where unlabelled), covariates and
ids, beside the fitted featurizer and a local people.tsv of who was used for what.
"""

import argparse

from gds.commands import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_cohort(parser, required=True)
    arguments.add_features(parser)
    arguments.add_output(parser)


def run(args: argparse.Namespace) -> None:
    from gds.features.prepare import prepare_cohort

    cohort = prepare_cohort(arguments.prepare_options(args), args.out)
    print_summary(cohort)


def print_summary(cohort) -> None:
    """People, classes, blocks and what was left out, for the screen."""
    people, description = cohort.people, cohort.description
    names = dict(enumerate(description.label_names)) | {-100: "unlabelled"}
    n_blocks, n_channels = cohort.featurizer().is_padding_.shape
    print(f"prepared {cohort.folder}: {len(people)} people, {n_blocks} blocks of up to {n_channels} channels")
    for split, rows in people.groupby("split", sort=False):
        counts = rows["label"].map(names).value_counts()
        print(f"  {split:<10} {len(rows):>6}  " + ", ".join(f"{name} {n}" for name, n in counts.items()))
    for what, count in description.removed.items():
        if count:
            print(f"  {what.replace('_', ' ')}: {count}")
