"""Which blocks the methods of a few-label run rest on, and whether that holds for other labels of the same people.

The network: integrated gradients of the log odds. Ridge regression: exact contributions, the sum of effect times
dosage over a block's variants. Both are refitted on resampled labelled people, which says how stable they are, and on
permuted labels, which says what importance a block has by its size and position alone. People are explained who are
in training; no test person has a part in it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gds.classifiers.linear.ridge import DosageRidge
from gds.classifiers.linear.tuned_logistic import LogisticProbe
from gds.classifiers.networks.embedding import embed
from gds.classifiers.networks.fine_tuning import FineTunedEncoder
from gds.classifiers.networks.integrated_gradients import block_inputs, integrated_gradients
from gds.classifiers.networks.probe_head import probe_layer
from gds.evaluation.attribution import importance_shares, permutation_p, stability
from gds.evaluation.resampling import bootstrap_counts
from gds.features.featurizer import Featurizer
from gds.genotypes.align import KEY
from gds.models import GdsModel
from gds.studies.few_labels.result import FewLabelResult
from gds.studies.few_labels.task import FewLabelTask

N_RESAMPLES, N_PERMUTATIONS = 5, 19
N_EXPLAINED, N_BASELINE = 32, 512  # training people
MOST_LABELLED = 1000  # refits on more take long and add little


@dataclass(frozen=True)
class BlockAttributions:
    """What one method rests on.

    Attributes
    ----------
    method
        Its name on the page.
    how
        Integrated gradients, or exact contributions.
    table
        A row a block, in the order of the featurizer: ``block``, ``share`` (mean size of the attributions, of all
        blocks), ``least`` and ``most`` over resamples, ``permuted`` (95 % quantile with permuted labels), ``p``,
        ``p_adjusted``.
    stability
        As of :func:`gds.evaluation.attribution.stability`.
    completeness_error
        Largest gap between the sum of a person's attributions and what they should add up to, over the spread of that.
    n_permutations
        How many.
    """

    method: str
    how: str
    table: pd.DataFrame
    stability: dict[str, float]
    completeness_error: float
    n_permutations: int


# Labelled rows (with repetition), and labels of all labelled people.
Refit = tuple[np.ndarray, np.ndarray]


def attribute_blocks(
    task: FewLabelTask,
    result: FewLabelResult,
    encoders: list[Path],
    *,
    n_resamples: int = N_RESAMPLES,
    n_permutations: int | None = None,
    seed: int = 0,
) -> list[BlockAttributions]:
    """Attributions of ridge regression and, if there is an encoder, of the first one's classifier.

    Parameters
    ----------
    task
        People; the labelled few and others of the training split are used.
    result
        Of the run: what was chosen inside the labels is kept in every refit.
    encoders
        Folders of the run's encoders.
    n_resamples
        Refits on labelled people drawn with replacement within classes, families together.
    n_permutations
        Refits on permuted labels; None: 19, but none for a fully fine-tuned network, of which each is a training.
    seed
        Of the people explained, the resamples and the permutations.
    """
    rng = np.random.default_rng(seed)
    kept = np.sort(rng.permutation(len(task.few))[:MOST_LABELLED])
    few, y = task.few[kept], task.labels_few[kept]
    training = rng.permutation(np.concatenate([task.few, task.unlabelled]))
    families = task.families(few)
    counts = bootstrap_counts(y, n_resamples, groups=families, seed=seed)
    everyone = np.arange(len(y))
    resamples: list[Refit] = [(np.repeat(everyone, count), y) for count in counts]

    def refits(n: int) -> list[Refit]:
        return [(everyone, y), *resamples, *((everyone, rng.permutation(y)) for _ in range(n))]

    found = [_ridge(task, result, few, training, refits(_or(n_permutations, N_PERMUTATIONS)), n_resamples)]
    if result.classifier is not None:
        is_probe = "C" in result.details[result.classifier_name]
        default = N_PERMUTATIONS if is_probe else 0
        found.append(
            _network(
                task,
                result,
                encoders[0],
                few,
                training,
                refits(_or(n_permutations, default)),
                n_resamples,
                seed,
            )
        )
    return found


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _ridge(
    task: FewLabelTask,
    result: FewLabelResult,
    few: np.ndarray,
    training: np.ndarray,
    refits: list[Refit],
    n_resamples: int,
) -> BlockAttributions:
    h2 = result.details["ridge on dosages"]["heritability"]
    dosage, explained = task.dosages(few), task.dosages(training[:N_EXPLAINED])
    unlabelled = task.dosages(training[:N_BASELINE])
    featurizer = task.cohort.featurizer()
    source = task.cohort.source()
    kept = source.variants.iloc[task.cohort.kept_variants()].reset_index(drop=True)
    # Quality control may have left out variants of a featurizer from elsewhere, and may have others.
    owner = block_of(featurizer, kept)
    inside = owner >= 0
    attributions, errors = [], []
    for rows, labels in refits:
        model = DosageRidge(h2, n_folds=2).fit(dosage[rows], labels[rows], unlabelled=unlabelled)
        each = ridge_contributions(model, explained)
        expected = model.decision_function(explained)[:, 0] - model.intercept_[0]
        errors.append(_gap(each.sum(axis=1), expected))
        blocks = np.zeros((len(explained), featurizer.n_blocks))
        np.add.at(blocks.T, owner[inside], each[:, inside].T)
        attributions.append(blocks)
    return _summarised(
        "ridge on dosages", "exact contributions of a linear method", featurizer, np.stack(attributions), n_resamples,
        max(errors),
    )  # fmt: skip


def ridge_contributions(model: DosageRidge, dosage: np.ndarray) -> np.ndarray:
    """Effect times standardised dosage of each variant: what adds up to the decision less its constant.

    Returns
    -------
    numpy.ndarray
        float64 (sample, variant).
    """
    z = np.concatenate([tile for _, tile in model.scaler_.tiles([dosage])], axis=1)
    return z.astype(np.float64) * model.coef_[:, 0]


def block_of(featurizer: Featurizer, variants: pd.DataFrame) -> np.ndarray:
    """Block of each variant, the first where it has several; int64 (variant,), -1 for none."""
    blocks = featurizer.blocks_
    block = np.repeat(np.arange(len(blocks)), blocks.sizes)
    used, first = np.unique(blocks.variant_index, return_index=True)
    owner = np.full(len(featurizer.variants_) + 1, -1)  # the last one is that of variants that are not there
    owner[used] = block[first]
    known = pd.MultiIndex.from_frame(featurizer.variants_[KEY])
    return owner[known.get_indexer(pd.MultiIndex.from_frame(variants[KEY]))]


def _network(
    task: FewLabelTask,
    result: FewLabelResult,
    folder: Path,
    few: np.ndarray,
    training: np.ndarray,
    refits: list[Refit],
    n_resamples: int,
    seed: int,
) -> BlockAttributions:
    chosen = result.details[result.classifier_name]
    featurizer = Featurizer.from_pretrained(folder)
    features = task.features(few, featurizer)
    explained = task.features(training[:N_EXPLAINED], featurizer)
    others = task.features(training[:N_BASELINE], featurizer)
    encoder = GdsModel.from_pretrained(folder)
    if "C" in chosen:
        embedded = embed(encoder, features)
        heads = np.stack([_probe_weights(embedded, *refit, chosen["C"], seed) for refit in refits])
        baseline = block_inputs(encoder, others).mean(axis=0)
        attributions, difference = integrated_gradients(encoder, explained, heads, baseline)
    else:
        parts = [
            _trained(folder, features, *refit, chosen["n_epochs"], seed)(explained, others)
            for refit in refits
        ]
        attributions, difference = (np.concatenate(each) for each in zip(*parts, strict=True))
    return _summarised(
        result.classifier_name, "integrated gradients of the log odds, from the mean of training people", featurizer,
        attributions, n_resamples, _gap(attributions.sum(axis=2), difference),
    )  # fmt: skip


def _probe_weights(embedded: np.ndarray, rows: np.ndarray, y: np.ndarray, C: float, seed: int) -> np.ndarray:
    weight, _ = probe_layer(LogisticProbe(C=C, seed=seed).fit(embedded[rows], y[rows]))
    return weight[1] - weight[0]


def _trained(
    folder: Path, features: np.ndarray, rows: np.ndarray, y: np.ndarray, n_epochs: int, seed: int
) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Attributions by a network that was trained on these rows."""
    model = FineTunedEncoder(folder, seed=seed).refit(features[rows], y[rows], n_epochs).model_
    weight = model.classification_head[-1].weight.detach().float().cpu().numpy()

    def attribute(explained: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        baseline = block_inputs(model.gds, others).mean(axis=0)
        return integrated_gradients(model.gds, explained, (weight[1] - weight[0])[None], baseline)

    return attribute


def _gap(found: np.ndarray, expected: np.ndarray) -> float:
    spread = float(np.std(expected))
    return float(np.abs(found - expected).max() / spread) if spread > 0 else 0.0


def _summarised(
    method: str, how: str, featurizer: Featurizer, attributions: np.ndarray, n_resamples: int, error: float
) -> BlockAttributions:
    """Refits, (refit, sample, block): the run's own first, then resamples, then permutations."""
    shares = importance_shares(attributions)
    resampled, permuted = shares[1 : 1 + n_resamples], shares[1 + n_resamples :]
    nothing = np.full(shares.shape[1], np.nan)
    table = pd.DataFrame(
        {
            "block": featurizer.blocks_.name,
            "share": shares[0],
            "least": resampled.min(axis=0) if len(resampled) else nothing,
            "most": resampled.max(axis=0) if len(resampled) else nothing,
            "permuted": np.quantile(permuted, 0.95, axis=0) if len(permuted) else nothing,
        }
    )
    table = pd.concat([table, permutation_p(shares[0], permuted)], axis=1)
    return BlockAttributions(method, how, table, stability(resampled), error, len(permuted))
