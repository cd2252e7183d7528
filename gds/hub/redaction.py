"""What rare variants lose before a featurizer leaves: their frequency, their loadings, their cut points.

A rare allele's count is about the few who carry it, and a loading or a cut point of one is nearly a value of theirs.
"""

import copy
from dataclasses import dataclass

import numpy as np

from gds.errors import UserError
from gds.features.featurizer import Featurizer
from gds.features.gene_pca import GenePCA

# Where a reconstructed dosage becomes 1 and 2 if nothing is known.
_USUAL_CUTS = (0.5, 1.5)


@dataclass(frozen=True)
class Withheld:
    """What was taken out.

    Attributes
    ----------
    min_allele_count
        The rule.
    n_variants, n_withheld
        Variants of the featurizer, and those of them that lost frequency and loadings.
    n_blocks
        Blocks with such a variant.
    """

    min_allele_count: int
    n_variants: int
    n_withheld: int
    n_blocks: int


def minor_allele_counts(featurizer: Featurizer) -> np.ndarray:
    """Count of the rarer allele in training people, float64 (variant,); missing calls count as the mean."""
    frequency = featurizer.allele_frequency_
    return 2 * featurizer.n_training_samples_ * np.minimum(frequency, 1 - frequency)


def withhold_rare(featurizer: Featurizer, min_allele_count: int = 10) -> tuple[Featurizer, Withheld]:
    """A copy of a featurizer without what it knows of rare variants.

    Their frequency becomes 0 or 1, whichever is nearer, their loadings 0 and their cut points the usual ones. They
    stay in the table of variants, so that blocks and tensors keep their shapes; scores no longer depend on them.

    Parameters
    ----------
    featurizer
        A fitted one; it is left as it is.
    min_allele_count
        Variants whose rarer allele was seen in training, but less often than this, are withheld; 0 for none.

    Raises
    ------
    UserError
        A negative count.
    """
    if min_allele_count < 0:
        raise UserError(f"--min-allele-count {min_allele_count}: expected 0 or more")
    counts = minor_allele_counts(featurizer)
    is_rare = (counts > 0) & (np.rint(counts) < min_allele_count)
    shown = copy.copy(featurizer)
    in_block = is_rare[featurizer.blocks_.variant_index]
    blocks = np.repeat(np.arange(featurizer.n_blocks), featurizer.blocks_.sizes)
    if is_rare.any():
        frequency = featurizer.allele_frequency_
        shown.allele_frequency_ = np.where(is_rare, np.rint(frequency), frequency)
        if isinstance(shown, GenePCA):
            shown.loadings_ = np.where(in_block[:, None], np.float32(0), shown.loadings_)
            shown.expected_r2_ = np.where(in_block, np.float32(0), shown.expected_r2_)
            usual = np.array(_USUAL_CUTS, dtype=np.float32)
            shown.cut_points_ = np.where(in_block[:, None], usual, shown.cut_points_)
    report = Withheld(min_allele_count, len(is_rare), int(is_rare.sum()), len(np.unique(blocks[in_block])))
    return shown, report
