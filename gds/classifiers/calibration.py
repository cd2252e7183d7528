"""Generative models that are too sure, or that unlabelled people mislead: both decided by folds of the labels.

A model of classes gives each person log-likelihoods. Where its assumptions fail (linked sites, few members of a
class) they rank people well but are far too large, so they are divided by a temperature; and where clusters of
unlabelled people are not the classes, learning from them does harm.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.special import log_softmax

from gds.classifiers.inner_folds import Folds

TEMPERATURES = tuple(2.0 ** np.arange(-1, 10, 0.5))

Evidence = tuple[np.ndarray, np.ndarray]  # log-likelihoods (held_out, class) and log priors (class,)


def tempered(likelihood: np.ndarray, log_prior: np.ndarray, temperature: float) -> np.ndarray:
    """Log posteriors whose evidence is divided by a temperature, shape (sample, class)."""
    return log_softmax(likelihood / temperature + log_prior, axis=1)


def choose_by_held_out(
    index: np.ndarray,
    folds: Folds,
    evidence: Callable[[np.ndarray, np.ndarray], Mapping[str, Evidence]],
) -> tuple[str, float, dict[str, float]]:
    """The variant of a model to use, and the temperature of its predictions.

    The first variant is the default. A later one is chosen if its held-out log-loss, each at its best temperature,
    is lower by more than one standard error of the paired difference, and the lowest of such.

    Parameters
    ----------
    index
        Class indices of the labelled people, shape (sample,).
    folds
        Of :func:`~gds.classifiers.inner_folds.inner_folds`, not empty.
    evidence
        Given training and held-out rows, what each variant says about the held-out people.

    Returns
    -------
    chosen
        Name of the variant.
    temperature
        Of lowest held-out log-loss, of :data:`TEMPERATURES`.
    loss
        Held-out log-loss of each variant at its best temperature.
    """
    losses: dict[str, list[np.ndarray]] = {}
    for train, held_out in folds:
        rows = np.arange(len(held_out))
        for name, (likelihood, log_prior) in evidence(train, held_out).items():
            each = [-tempered(likelihood, log_prior, t)[rows, index[held_out]] for t in TEMPERATURES]
            losses.setdefault(name, []).append(np.array(each))
    by_person = {name: np.concatenate(parts, axis=1) for name, parts in losses.items()}
    best = {name: int(loss.mean(axis=1).argmin()) for name, loss in by_person.items()}
    at_best = {name: loss[best[name]] for name, loss in by_person.items()}
    default, *others = at_best
    chosen = default
    for name in others:
        gain = at_best[default] - at_best[name]
        if gain.mean() > gain.std() / np.sqrt(len(gain)) and at_best[name].mean() < at_best[chosen].mean():
            chosen = name
    mean = {name: float(loss.mean()) for name, loss in at_best.items()}
    return chosen, float(TEMPERATURES[best[chosen]]), mean


def choose_em(
    index: np.ndarray,
    folds: Folds,
    n_iterations: int,
    temperature: float,
    fall_back: bool,
    evidence: Callable[[np.ndarray, np.ndarray, int], Evidence],
) -> tuple[int, float, dict[str, float]]:
    """Iterations of EM or none, and the temperature of predictions, by :func:`choose_by_held_out`.

    Parameters
    ----------
    index
        Class indices of the labelled people, shape (sample,).
    folds
        Of :func:`~gds.classifiers.inner_folds.inner_folds`; without any the iterations and the temperature stay.
    n_iterations, temperature
        What is asked for.
    fall_back
        Whether folds may give up EM.
    evidence
        What a model says about held-out people: given one-hot labels (sample, class) whose rows are zero for people
        that may not be known, the held-out rows, and the number of iterations.

    Returns
    -------
    n_iterations, temperature
        To be used.
    loss
        Held-out log-loss ``{"em": ..., "no em": ...}``; empty without folds.
    """
    lengths = {"em": n_iterations} if n_iterations else {"no em": 0}
    if fall_back:
        lengths["no em"] = 0
    if not folds:
        return n_iterations, temperature, {}
    labelled = np.eye(index.max() + 1)[index]

    def of_each(train: np.ndarray, held_out: np.ndarray) -> dict[str, Evidence]:
        known = np.zeros_like(labelled)
        known[train] = labelled[train]
        return {name: evidence(known, held_out, length) for name, length in lengths.items()}

    chosen, temperature, loss = choose_by_held_out(index, folds, of_each)
    return lengths[chosen], temperature, loss
