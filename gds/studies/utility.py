"""Can synthetic people replace, or add to, real ones in training a classifier? Tested on held-out real people."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from gds.classifiers.baselines import LogisticProbe, ShrinkageLDA
from gds.errors import UserError, did_you_mean
from gds.evaluation.calibration import wilson_interval

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
}


def recovery_rates(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    synthetic: tuple[np.ndarray, np.ndarray],
    *,
    methods: Sequence[str] = tuple(METHODS),
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accuracy on held-out real people after training on real, on synthetic, or on both.

    The recovery rate is accuracy after training on synthetic people over accuracy after training on the same number of
    real people; the larger of the two sets is subsampled. It is at least chance / accuracy, so chance stands beside it.

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
        Of subsamples and classifiers.

    Returns
    -------
    recovery : pandas.DataFrame
        ``method``, ``real``, ``synthetic`` (accuracies), ``synthetic_lower`` and ``_upper`` (Wilson), ``recovery``,
        ``chance`` (share of the commonest class among test people), ``n`` trained on.
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
    from sklearn.exceptions import ConvergenceWarning

    rng = np.random.default_rng(seed)
    n = min(len(train[1]), len(synthetic[1]))
    chance = float(np.unique(test[1], return_counts=True)[1].max() / len(test[1]))
    recovery, by_fraction = [], []
    with tqdm(
        total=len(methods) * (2 + 2 * len(fractions)), desc="utility", unit="fit", delay=5, disable=None
    ) as bar:

        def accuracy(method: str, dosage: np.ndarray, labels: np.ndarray) -> float:
            with warnings.catch_warnings():
                # The network is trained for a fixed number of epochs.
                warnings.simplefilter("ignore", ConvergenceWarning)
                fitted = METHODS[method](seed).fit(dosage, labels)
            bar.update()
            return float((fitted.predict(test[0]) == test[1]).mean())

        orders = [rng.permutation(len(train[1])), rng.permutation(len(synthetic[1]))]
        for method in methods:
            real, fake = (
                accuracy(method, each[0][order[:n]], each[1][order[:n]])
                for each, order in zip((train, synthetic), orders, strict=True)
            )
            lower, upper = wilson_interval(np.array(fake * len(test[1])), np.array(len(test[1])))
            recovery.append([method, real, fake, float(lower), float(upper), fake / real, chance, n])
            for fraction in fractions:
                few = orders[0][: max(2, round(fraction * len(orders[0])))]
                if len(np.unique(train[1][few])) < 2:
                    bar.update(2)
                    continue
                alone = accuracy(method, train[0][few], train[1][few])
                both = accuracy(
                    method,
                    np.concatenate([train[0][few], synthetic[0]]),
                    np.concatenate([train[1][few], synthetic[1]]),
                )
                by_fraction.append([method, fraction, len(few), alone, both])
    return (
        pd.DataFrame(
            recovery,
            columns=[
                "method",
                "real",
                "synthetic",
                "synthetic_lower",
                "synthetic_upper",
                "recovery",
                "chance",
                "n",
            ],
        ),
        pd.DataFrame(by_fraction, columns=["method", "fraction", "n_real", "real", "real_and_synthetic"]),
    )
