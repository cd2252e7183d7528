r"""Were the variants chosen by the labels of the people who test them?

Two signs. **A hole at zero**: of variants that nobody chose by their labels, whatever their effects, association
statistics are densest at 0; choosing variants by them cuts the middle out. With q the median of |z|, the share of
the lower half that lies below q / 2 is .53 without a choice and near 0 after one. Its distribution under chance
comes from permuted labels, which keeps the linkage between variants. Where a split is given, the hole is widest
among those people on whom the choice was made: a choice on training people alone is no leak.

**Inflation**: the choice is made again inside the folds, by training people alone, and the AUROC compared.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from gds.classifiers.linear.standardised import DosageScaler
from gds.evaluation.auroc import StratifiedAuroc, stratified_auroc
from gds.studies.audit.held_out import fold_blocks, hat_of_kernel

MIN_VARIANTS = 20
MAX_VARIANTS = 10_000  # sampled at random from more
N_PERMUTATIONS = 300


@dataclass(frozen=True)
class Selection:
    r"""What the association statistics say of how the variants were chosen.

    Attributes
    ----------
    near_zero, expected, p_value
        Share of the lower half of \|z\| below half its median; the mean of permutations; one-sided p, normal
        approximation. NaN with fewer than 20 variants.
    hole_all, hole_train
        The 5 % quantile of \|z\| among everyone and among training people (.063 without a choice); the latter NaN
        without a split.
    z
        Association of each variant looked at, over everyone, (variant,).
    """

    near_zero: float
    expected: float
    p_value: float
    hole_all: float
    hole_train: float
    z: np.ndarray

    def chosen_by_labels(self, alpha: float) -> bool:
        """Whether there is a hole."""
        return bool(self.p_value < alpha)

    @property
    def on_training_only(self) -> bool:
        """Whether the hole is wider among training people alone than among everyone."""
        return bool(self.hole_train > self.hole_all)


def association_signs(
    dosage: np.ndarray,
    labels: np.ndarray,
    permuted: np.ndarray,
    is_test: np.ndarray | None,
    seed: int,
) -> Selection:
    """Look for a hole at zero.

    Parameters
    ----------
    dosage
        Of the variants in use, int8 (sample, variant).
    labels
        0 or 1, (sample,).
    permuted
        Labels permuted, (sample, permutation).
    is_test
        Of a split, or None.
    seed
        Of the sample of variants.
    """
    n_variants = dosage.shape[1]
    if n_variants > MAX_VARIANTS:
        chosen = np.random.default_rng(seed).choice(n_variants, MAX_VARIANTS, replace=False)
        dosage = dosage[:, np.sort(chosen)]
    z = _association(dosage, np.column_stack([labels, permuted[:, :N_PERMUTATIONS]]))
    z = z[np.isfinite(z).all(axis=1)]
    observed = np.abs(z[:, 0])
    if len(observed) < MIN_VARIANTS:
        nan = float("nan")
        return Selection(nan, nan, nan, nan, nan, z[:, 0])
    shares = share_near_zero(np.abs(z))
    chance = shares[1:]
    p_value = float(ndtr((shares[0] - chance.mean()) / max(chance.std(), 1e-9)))
    in_training = float("nan")
    if is_test is not None:
        trained = _association(dosage[~is_test], labels[~is_test, None])
        in_training = float(np.nanquantile(np.abs(trained), 0.05))
    return Selection(
        float(shares[0]),
        float(chance.mean()),
        p_value,
        float(np.quantile(observed, 0.05)),
        in_training,
        z[:, 0],
    )


def share_near_zero(size: np.ndarray) -> np.ndarray:
    r"""Of the lower half of \|z\| of each column, the share below half its median; (variant, column) to (column,)."""
    median = np.median(size, axis=0)
    return (size < median / 2).sum(axis=0) / np.maximum((size < median).sum(axis=0), 1)


def selected_again(
    dosage: np.ndarray, labels: np.ndarray, folds: np.ndarray, n_variants: int, groups: np.ndarray
) -> StratifiedAuroc:
    """AUROC when as many variants are chosen anew in each fold, by the association among its training people.

    Parameters
    ----------
    dosage
        All variants that could be chosen, int8 (sample, variant).
    labels, folds
        (sample,).
    n_variants
        How many to choose.
    groups
        Families, for the standard error.
    """
    score = np.empty(len(labels))
    for held_out in fold_blocks(folds):
        training = np.ones(len(labels), dtype=bool)
        training[held_out] = False
        z = _association(dosage[training], labels[training, None])[:, 0]
        best = np.argsort(-np.nan_to_num(np.abs(z)), kind="stable")[:n_variants]
        kernel = DosageScaler().fit([dosage[:, best]]).kernel([dosage[:, best]])
        score[held_out] = hat_of_kernel(kernel).held_out(labels, [held_out])[held_out]
    return stratified_auroc(labels, score, folds, groups)


def _association(dosage: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Score statistics of each variant for each column of labels, (variant, column); NaN without variation.

    Ancestry is left in: components of chosen variants are made of the labels they were chosen by.
    """
    residual = labels - labels.mean(axis=0)
    residual /= np.sqrt(np.square(residual).sum(axis=0))
    scaler = DosageScaler().fit([dosage])
    z = scaler.back_project([dosage], residual)
    return np.where((scaler.scale_ > 0)[:, None], z, np.nan)
