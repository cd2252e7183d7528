"""Who trains, who validates, who is tested; and which few of the training people have a label.

People are split before anything is fitted. Relatives (groups) stay together, strata keep their
proportions, and the few-label subsets are nested: the 50 people of one seed are among its 100.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gds.errors import UserError

SPLITS = ("train", "validation", "test")
UNLABELLED = -100  # torch's ignore index: decision 4 of the house


def split_people(
    ids: Sequence[str],
    *,
    strata: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    testable: np.ndarray | None = None,
    fractions: tuple[float, float, float] = (0.7, 0.1, 0.2),
    seed: int = 0,
) -> np.ndarray:
    """Assign each person to ``train``, ``validation`` or ``test``.

    The result depends on the set of ids, not on their order in the file. Within every stratum
    whole groups are dealt out, in a seeded random order, each to the split furthest below its share.

    Parameters
    ----------
    ids
        Unique sample ids, shape (sample,).
    strata
        Stratum of each person, e.g. the label; shape (sample,). A group's stratum is the one that
        is rarest in the cohort among its members, so that rare classes are spread first.
    groups
        Family or cluster of relatives of each person; people with an empty string are alone.
    testable
        False for people who must not be tested: those without a label, who could not be, and those
        whom an encoder has already seen. Their groups are dealt to train and validation only.
    fractions
        Share of people in train, validation and test; positive for train and test, summing to 1.
    seed
        Seed of the random order.

    Returns
    -------
    numpy.ndarray
        Strings, shape (sample,).

    Raises
    ------
    UserError
        Fractions do not sum to 1, ids repeat, or a split that was asked for would be empty.
    """
    names = np.asarray(ids, dtype=str)
    if len(np.unique(names)) != len(names):
        repeated = pd.Series(names)[pd.Series(names).duplicated()].iloc[0]
        raise UserError(f"sample id {repeated!r} occurs more than once: ids must be unique to be split")
    if min(fractions) < 0 or fractions[0] <= 0 or fractions[2] <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise UserError(f"split fractions must be positive and sum to 1, found {tuple(fractions)}")
    people = pd.DataFrame({"id": names, "stratum": "" if strata is None else np.asarray(strata).astype(str)})
    people["group"] = _whole_groups(names, groups)
    people["testable"] = True if testable is None else np.asarray(testable, dtype=bool)
    rarity = people["stratum"].map(people["stratum"].value_counts())
    units = (
        people.assign(rarity=rarity)
        .sort_values(["rarity", "stratum", "id"])
        .groupby("group", sort=True)
        .agg(stratum=("stratum", "first"), size=("id", "size"), testable=("testable", "all"))
    )
    units = units.iloc[np.random.default_rng(seed).permutation(len(units))]
    assigned = pd.Series(index=units.index, dtype=object)
    for (_, may_be_tested), stratum in units.groupby(["stratum", "testable"], sort=True):
        wanted = np.asarray(fractions) if may_be_tested else np.array([*fractions[:2], 0.0])
        wanted = wanted / wanted.sum()
        filled = np.zeros(3)
        # Large families first: a late large one could not be balanced any more.
        for group, size in stratum["size"].sort_values(ascending=False, kind="stable").items():
            shortfall = np.where(wanted > 0, wanted * (filled.sum() + size) - filled, -np.inf)
            chosen = int(np.argmax(shortfall))
            filled[chosen] += size
            assigned[group] = SPLITS[chosen]
    split = people["group"].map(assigned).to_numpy(dtype=str)
    for name, fraction in zip(SPLITS, fractions, strict=True):
        if fraction > 0 and not (split == name).any():
            raise UserError(
                f"{len(ids)} people in {len(units)} groups cannot be split as {tuple(fractions)}: "
                f"{name} would be empty; give more people or other fractions"
            )
    return split


def _whole_groups(ids: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """A group name for everyone; people without a group get one of their own."""
    alone = np.char.add("person:", ids)
    if groups is None:
        return alone
    groups = np.asarray(groups).astype(str)
    return np.where(np.isin(groups, ["", "0", "nan", "None"]), alone, np.char.add("group:", groups))


def check_split_column(split: pd.Series) -> np.ndarray:
    """Validate a user's own split column; ``val``/``valid`` are read as ``validation``.

    Raises
    ------
    UserError
        A value is none of train, validation and test, or nobody trains or is tested.
    """
    values = (
        split.astype("string").str.strip().str.lower().replace({"val": "validation", "valid": "validation"})
    )
    wrong = values[~values.isin(SPLITS)]
    if len(wrong):
        raise UserError(
            f"split column {split.name!r} holds {wrong.iloc[0]!r} for person {wrong.index[0]!r}; "
            f"expected one of {', '.join(SPLITS)}"
        )
    for name in ("train", "test"):
        if not (values == name).any():
            raise UserError(f"split column {split.name!r} puts nobody into {name}")
    return values.to_numpy(dtype=str)


def check_groups_apart(split: np.ndarray, groups: np.ndarray, ids: np.ndarray) -> None:
    """Refuse a split that puts two relatives on different sides.

    Raises
    ------
    UserError
        Names the first family that straddles, and two of its members.
    """
    people = pd.DataFrame({"split": split, "group": _whole_groups(np.asarray(ids, str), groups), "id": ids})
    straddling = people.groupby("group")["split"].nunique()
    straddling = straddling[straddling > 1]
    if len(straddling):
        members = people[people["group"] == straddling.index[0]].drop_duplicates("split")
        pair = " and ".join(f"{row.id} ({row.split})" for row in members.head(2).itertuples())
        raise UserError(
            f"{len(straddling)} families have members on both sides of the split, e.g. {pair}; "
            "keep relatives together in the split column, or leave it out"
        )


def few_label_subset(
    labels: np.ndarray,
    n_labels: int,
    *,
    seed: int = 0,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Choose the people whose label may be used.

    One seeded random order of the labelled people is fixed, in which classes alternate in their
    proportions and every class appears among the first ones; a subset is a prefix of that order, so
    subsets of one seed are nested. With groups, relatives follow each other as long as room is left.

    Parameters
    ----------
    labels
        Class of each person, shape (sample,); -100 is unlabelled.
    n_labels
        How many labels, over all classes.
    seed
        Seed of the order.
    groups
        Family of each person. Families may be cut by the last place; they never leave the training side.

    Returns
    -------
    numpy.ndarray
        Sorted indices of the chosen people, shape (n_labels,).

    Raises
    ------
    UserError
        More labels are asked for than exist, or fewer than there are classes.
    """
    labels = np.asarray(labels)
    labelled = np.flatnonzero(labels != UNLABELLED)
    classes = np.unique(labels[labelled])
    if n_labels < len(classes):
        raise UserError(f"{n_labels} labels for {len(classes)} classes: at least one label a class is needed")
    if n_labels > len(labelled):
        raise UserError(
            f"{n_labels} labels were asked for, but only {len(labelled)} training people have one"
        )
    return np.sort(_label_order(labels, labelled, classes, seed, groups)[:n_labels])


def few_per_class(
    labels: np.ndarray, n_per_class: int, *, seed: int = 0, groups: np.ndarray | None = None
) -> np.ndarray:
    """Choose the same number of people of every class, in the order of :func:`few_label_subset`.

    Subsets of one seed are nested here too.

    Parameters
    ----------
    labels, seed, groups
        As in :func:`few_label_subset`.
    n_per_class
        Labels of each class.

    Returns
    -------
    numpy.ndarray
        Sorted indices of the chosen people, shape (n_per_class * number of classes,).

    Raises
    ------
    UserError
        Nobody is labelled, or a class has fewer members.
    """
    labels = np.asarray(labels)
    labelled = np.flatnonzero(labels != UNLABELLED)
    classes, sizes = np.unique(labels[labelled], return_counts=True)
    if not len(classes) or n_per_class < 1 or n_per_class > sizes.min():
        raise UserError(
            f"{n_per_class} labels a class were asked for: expected at least 1 and at most "
            f"{sizes.min() if len(sizes) else 0}, the size of the smallest class among training people"
        )
    order = _label_order(labels, labelled, classes, seed, groups)
    return np.sort(np.concatenate([order[labels[order] == label][:n_per_class] for label in classes]))


def _label_order(
    labels: np.ndarray, labelled: np.ndarray, classes: np.ndarray, seed: int, groups: np.ndarray | None
) -> np.ndarray:
    """All labelled people, one of each class first, then classes interleaved in proportion."""
    rng = np.random.default_rng(seed)
    position = np.empty(len(labels))
    for label in classes:
        members = rng.permutation(labelled[labels[labelled] == label])
        if groups is not None:
            # Each family takes the place of its first member.
            family, _ = pd.factorize(_whole_groups(members.astype(str), np.asarray(groups)[members]))
            members = members[np.argsort(family, kind="stable")]
        # Place k of a class of size n stands at (k + 1/2) / n of the order: proportions hold in every prefix.
        position[members] = (np.arange(len(members)) + 0.5) / len(members)
        position[members[0]] = -1.0
    ties = rng.permutation(len(labelled))
    return labelled[np.lexsort((ties, position[labelled]))]
