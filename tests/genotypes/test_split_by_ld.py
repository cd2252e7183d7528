"""Large blocks come apart where their variants are least correlated."""

import numpy as np
import pandas as pd
import pytest

from gds.errors import UserError
from gds.genotypes import assign_blocks
from gds.genotypes.matrix import Genotypes

RUNS = (9, 12, 6, 11)  # of perfectly linked variants


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(0)
    dosage = np.repeat(rng.integers(0, 3, (200, len(RUNS))), RUNS, axis=1).astype(np.int8)
    n = dosage.shape[1]
    samples = pd.DataFrame({"id": [f"P{i}" for i in range(200)], "family": "", "sex": np.int8(0)})
    variants = pd.DataFrame(
        {"chromosome": "1", "position": np.arange(1, n + 1) * 10, "id": [f"rs{j}" for j in range(n)],
         "effect_allele": "A", "other_allele": "G"}
    )  # fmt: skip
    return Genotypes(dosage, samples, variants)


def test_no_run_of_linked_variants_is_divided(people):
    blocks = assign_blocks(people.variants, "window:27", max_variants=13, split_by="ld", source=people)
    assert blocks.sizes.tolist() == [9, 12, 6, 11]
    assert blocks.name.tolist() == ["1:window1/1", "1:window1/2", "1:window1/3", "1:window2"]
    assert blocks.start.tolist() == [10, 100, 220, 280]
    assert blocks.end.tolist() == [90, 210, 270, 380]
    np.testing.assert_array_equal(blocks.variant_index, np.arange(38))


def test_parts_keep_to_their_sizes(people):
    blocks = assign_blocks(people.variants, "window:38", max_variants=8, split_by="ld", source=people)
    assert blocks.sizes.min() >= 2
    assert blocks.sizes.max() <= 8


def test_only_the_people_named_are_looked_at(people):
    training = np.arange(100)
    changed = people.subset()
    changed.dosage[100:] = np.random.default_rng(1).integers(0, 3, (100, 38))
    before, after = (
        assign_blocks(g.variants, "window:38", max_variants=13, split_by="ld", source=g, samples=training)
        for g in (people, changed)
    )
    assert before.sizes.tolist() == after.sizes.tolist() == list(RUNS)


def test_what_is_needed_is_asked_for(people):
    with pytest.raises(UserError, match="needs max_variants"):
        assign_blocks(people.variants, "window:38", split_by="ld", source=people)
    with pytest.raises(UserError, match="needs the genotypes themselves"):
        assign_blocks(people.variants, "window:38", max_variants=13, split_by="ld")
    with pytest.raises(UserError, match="split_by must be size or ld"):
        assign_blocks(people.variants, "window:38", split_by="genes")
