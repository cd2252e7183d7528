"""Folds of the labelled people: the only thing that any method may tune on."""

from collections.abc import Callable, Sequence

import numpy as np

from gds.errors import UserError

Folds = list[tuple[np.ndarray, np.ndarray]]


def inner_folds(y: np.ndarray, n_folds: int = 5, *, groups: np.ndarray | None = None, seed: int = 0) -> Folds:
    """Stratified folds of few labelled people, with relatives together.

    Families (people, where there are none) are dealt to the folds in a seeded random order, those of the
    rarest class first, each to the fold that holds fewest of that class. A class of m families is thus
    held out in min(m, n_folds) folds and learned from in all. A class of a single family is never held
    out: it stays in every training part. Where fewer than two classes can be held out there is nothing to choose by,
    and the result is empty: the caller then uses its stated default.

    Parameters
    ----------
    y
        Class of each labelled person, shape (sample,).
    n_folds
        Wanted number of folds, at least 2; fewer where no class has so many families.
    groups
        Family of each person, shape (sample,).
    seed
        Seed of the order.

    Returns
    -------
    list of (train, held_out)
        Row indices; empty where no class can be compared.
    """
    y = np.asarray(y)
    if n_folds < 2:
        raise UserError(f"{n_folds} folds: tuning inside the labels needs at least 2")
    if groups is not None and len(groups) != len(y):
        raise UserError(f"expected one group for each of {len(y)} labelled people, found {len(groups)}")
    family = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    classes, code = np.unique(y, return_inverse=True)
    members = np.zeros((family.max() + 1, len(classes)), dtype=np.int64)
    np.add.at(members, (family, code), 1)
    families_of_class = (members > 0).sum(axis=0)
    # A family counts for its rarest class: that is the one that is hard to spread.
    rarest = np.where(members > 0, families_of_class, np.iinfo(np.int64).max).argmin(axis=1)
    # Families with the only carrier of some class can never be held out.
    free = ~((members > 0) & (families_of_class == 1)).any(axis=1)
    if (families_of_class > 1).sum() < 2:
        return []
    n_folds = min(n_folds, int(families_of_class.max()))
    order = np.random.default_rng(seed).permutation(len(members))
    order = order[np.argsort(families_of_class[rarest[order]], kind="stable")]
    fold = np.full(len(members), -1)
    people, families = np.zeros((2, n_folds, len(classes)), dtype=np.int64)
    for unit in order[free[order]]:
        holds = members[unit] > 0
        # No training part may lose a class: a fold must not take its last family.
        possible = (families[:, holds] < families_of_class[holds] - 1).all(axis=1)
        if possible.any():
            filled = people[:, rarest[unit]] * (len(y) + 1) + people.sum(axis=1)
            fold[unit] = np.where(possible, filled, np.iinfo(np.int64).max).argmin()
            people[fold[unit]] += members[unit]
            families[fold[unit]] += holds
    person_fold = fold[family]
    folds = [(np.flatnonzero(person_fold != k), np.flatnonzero(person_fold == k)) for k in range(n_folds)]
    folds = [(train, held_out) for train, held_out in folds if len(held_out)]
    held_out_classes = {label for _, held_out in folds for label in y[held_out]}
    return folds if len(held_out_classes) > 1 else []


def losses_by_person(
    y: np.ndarray, folds: Folds, fitted: Callable[[np.ndarray, np.ndarray], Sequence[np.ndarray]]
) -> np.ndarray:
    """Log-loss of several candidates for each held-out person of all folds.

    Parameters
    ----------
    y
        Class indices 0 ... k - 1, shape (sample,).
    folds
        Of :func:`inner_folds`, not empty.
    fitted
        Given training and held-out rows, the probabilities of every candidate for the held-out rows, each of
        shape (held_out, class).

    Returns
    -------
    numpy.ndarray
        Shape (candidate, held_out person).
    """
    losses = []
    for train, held_out in folds:
        rows = np.arange(len(held_out))
        chosen = np.stack([candidate[rows, y[held_out]] for candidate in fitted(train, held_out)])
        losses.append(-np.log(np.clip(chosen, 1e-12, 1)))
    return np.concatenate(losses, axis=1)


def held_out_loss(
    y: np.ndarray, folds: Folds, fitted: Callable[[np.ndarray, np.ndarray], Sequence[np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of :func:`losses_by_person` and its standard error, shape (candidate,)."""
    each = losses_by_person(y, folds, fitted)
    return each.mean(axis=1), each.std(axis=1) / np.sqrt(each.shape[1])


def first_within_one_error(losses: np.ndarray) -> int:
    """The first candidate that is not worse than the best by more than one standard error of their difference.

    Parameters
    ----------
    losses
        Of :func:`losses_by_person`, candidates in the order of preference: the simplest first.
    """
    away = losses - losses[losses.mean(axis=1).argmin()]
    return int((away.mean(axis=1) <= away.std(axis=1) / np.sqrt(losses.shape[1])).argmax())
