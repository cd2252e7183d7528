"""GeneTokens: dosages in slots, and back."""

import numpy as np
import pytest
from small_cohorts import blocks_of, cohort, consecutive_blocks, linked_dosages

from gds.errors import UserError
from gds.features import GeneTokens


def test_tokens_are_the_dosages_in_their_slots():
    dosage = linked_dosages(40, 12, missing=0.1)
    tokens = GeneTokens(max_slots=8).fit(cohort(dosage), consecutive_blocks(5, 7))
    features = tokens.transform(cohort(dosage))
    assert features.dtype == np.int8
    assert features.shape == (40, 2, 8)
    np.testing.assert_array_equal(features[:, 0, :5], dosage[:, :5])
    np.testing.assert_array_equal(features[:, 1, :7], dosage[:, 5:])
    assert (features[:, tokens.is_padding_] == -1).all()
    np.testing.assert_array_equal(tokens.is_padding_.sum(axis=1), [3, 1])


def test_inverse_gives_dosages_back_in_variant_order():
    dosage = linked_dosages(40, 12, missing=0.1)
    overlapping = blocks_of([np.arange(6, 12), np.arange(0, 8)])
    tokens = GeneTokens(max_slots=8).fit(cohort(dosage), overlapping)
    np.testing.assert_array_equal(tokens.inverse_transform(tokens.transform(cohort(dosage))), dosage)


def test_frequencies_are_of_training_people_only():
    dosage = linked_dosages(40, 12, missing=0.1)
    training = np.arange(25)
    tokens = GeneTokens().fit(cohort(dosage), consecutive_blocks(12), training)
    calls = np.where(dosage < 0, np.nan, dosage)[training]
    np.testing.assert_allclose(tokens.allele_frequency_, np.nanmean(calls, axis=0) / 2)
    assert tokens.n_training_samples_ == 25


def test_a_block_with_too_many_variants_says_how_to_split_it():
    with pytest.raises(UserError, match="max_variants=4"):
        GeneTokens(max_slots=4).fit(cohort(linked_dosages(10, 5)), consecutive_blocks(5))


def test_tokens_of_other_values_are_refused():
    dosage = linked_dosages(10, 5)
    tokens = GeneTokens(8).fit(cohort(dosage), consecutive_blocks(5))
    with pytest.raises(UserError, match=r"-1\.\.2"):
        tokens.inverse_transform(np.full((1, 1, 8), 4, dtype=np.int8))
    with pytest.raises(UserError, match="shape"):
        tokens.inverse_transform(np.zeros((1, 1, 7), dtype=np.int8))
