"""Can synthetic people replace, or add to, real ones in training a classifier? Tested on held-out real people."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from gds.classifiers.baselines import LogisticProbe, ShrinkageLDA
from gds.classifiers.networks.network import NetworkFromScratch
from gds.errors import UserError, did_you_mean
from gds.evaluation.recovery import recovery_rate
from gds.evaluation.reference_generators import gaussian_threshold, independent_sites

FRACTIONS = (0.05, 0.1, 0.2, 0.5)
_MOST_EPOCHS = 60


def _mlp(seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = MLPClassifier((128,), alpha=1e-2, max_iter=_MOST_EPOCHS, random_state=seed)
    return make_pipeline(StandardScaler(), network)


# Settings are fixed: tuning on held-out people would leak, and tuning on synthetic ones would test the tuner too.
METHODS: dict[str, Callable[[int], Any]] = {
    "logistic": lambda seed: LogisticProbe(C=0.01, seed=seed),
    "lda": lambda seed: ShrinkageLDA(seed=seed),
    "mlp": _mlp,
    "cnn": lambda seed: NetworkFromScratch("cnn", seed=seed),
    "transformer": lambda seed: NetworkFromScratch("transformer", seed=seed),
}
FLOORS = {"independent_sites": independent_sites, "gaussian_threshold": gaussian_threshold}
Labelled = tuple[np.ndarray, np.ndarray]


def recovery_rates(
    train: Labelled,
    test: Labelled,
    synthetic: Labelled,
    *,
    methods: Sequence[str] = tuple(METHODS),
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accuracy on held-out real people after training on real, on synthetic, or on both.

    The recovery rate is accuracy after training on synthetic people over accuracy after training on the same number of
    real people; the larger of the two sets is subsampled. It is at least chance / accuracy, so chance stands beside it,
    and so do the accuracies after training on as many people of generators in closed form, fitted class by class.
    What the rate of faithful people would be is shown by one half of the real training people held against the other.

    Parameters
    ----------
    train, test, synthetic
        Dosages, int8 (sample, variant), and class of each person (sample,), everyone labelled.
    methods
        Of :data:`METHODS`.
    fractions
        Shares of the real training people that classifiers are trained on, alone and with all synthetic people. A
        generator trained on the labels of everyone makes the latter a statement about the generator, not about
        few labels.
    seed
        Seed of subsamples and classifiers.

    Returns
    -------
    recovery : pandas.DataFrame
        ``method``, what :func:`gds.evaluation.recovery.recovery_rate` gives, ``real_half_recovery`` (NaN where a
        half has one class only), ``independent_sites`` and ``gaussian_threshold`` (accuracies), and ``n`` trained on.
    by_fraction : pandas.DataFrame
        ``method``, ``fraction``, ``n_real``, ``real`` and ``real_and_synthetic`` (accuracies).

    Raises
    ------
    UserError
        An unknown method, or classes that synthetic people do not have.
    """
    for name in methods:
        if name not in METHODS:
            raise UserError(f"no classifier {name!r}; {did_you_mean(name, METHODS)}")
    known = np.unique(train[1])
    if len(known) < 2 or len(np.intersect1d(known, synthetic[1])) < 2:
        raise UserError(
            f"classifiers need two classes: training people have {len(known)}, of which synthetic people have "
            f"{len(np.intersect1d(known, synthetic[1]))}"
        )
    rng = np.random.default_rng(seed)
    n = min(len(train[1]), len(synthetic[1]))
    orders = [rng.permutation(len(each[1])) for each in (train, synthetic)]
    equal = {
        name: _take(people, order[:n])
        for name, people, order in zip(("real", "synthetic"), (train, synthetic), orders, strict=True)
    }
    # The floors have the classes of the synthetic people that are trained on.
    floors = {
        name: _class_by_class(make, train, equal["synthetic"][1], seed) for name, make in FLOORS.items()
    }
    half = len(orders[0]) // 2
    halves = {
        name: _take(train, rows)
        for name, rows in (("one half", orders[0][:half]), ("other half", orders[0][half : 2 * half]))
    }
    if min(len(np.unique(people[1])) for people in halves.values()) < 2:
        halves = {}
    sets = equal | floors | halves
    total = len(methods) * (len(sets) + 2 * len(fractions))
    recovery, by_fraction = [], []
    with tqdm(total=total, desc="utility", unit="fit", delay=5, disable=None) as bar:

        def predictions(method: str, people: Labelled) -> np.ndarray:
            bar.update()
            return _predictions(method, people, test[0], seed)

        for method in methods:
            said = {name: predictions(method, people) for name, people in sets.items()}
            row = recovery_rate(test[1], said["synthetic"], said["real"])
            row["real_half_recovery"] = float("nan")
            if halves:
                between = recovery_rate(test[1], said["one half"], said["other half"])
                row["real_half_recovery"] = between["recovery"]
            accuracies = {name: float((said[name] == test[1]).mean()) for name in floors}
            recovery.append({"method": method, **row, **accuracies, "n": n})
            for fraction in fractions:
                few = _take(train, orders[0][: max(2, round(fraction * len(orders[0])))])
                if len(np.unique(few[1])) < 2:
                    bar.update(2)
                    continue
                both = np.concatenate([few[0], synthetic[0]]), np.concatenate([few[1], synthetic[1]])
                right = [float((predictions(method, each) == test[1]).mean()) for each in (few, both)]
                by_fraction.append([method, fraction, len(few[1]), *right])
    columns = ["method", "fraction", "n_real", "real", "real_and_synthetic"]
    return pd.DataFrame(recovery), pd.DataFrame(by_fraction, columns=columns)


def _take(people: Labelled, rows: np.ndarray) -> Labelled:
    return people[0][rows], people[1][rows]


def _class_by_class(
    make: Callable[..., np.ndarray], train: Labelled, labels: np.ndarray, seed: int
) -> Labelled:
    """People of the given classes from a generator fitted to each; classes without real people are left out."""
    drawn = []
    for name in np.unique(labels):
        real = train[0][train[1] == name]
        if len(real):
            people = make(real, int((labels == name).sum()), seed=seed)
            drawn.append((people, np.full(len(people), name)))
    return np.concatenate([each[0] for each in drawn]), np.concatenate([each[1] for each in drawn])


def _predictions(method: str, people: Labelled, dosage: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # The network is trained for a fixed number of epochs.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return METHODS[method](seed).fit(*people).predict(dosage)
