"""Unmasking of a model whose conditionals are known exactly: the joint distribution must come out."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tqdm import tqdm

from gds.errors import UserError
from gds.generation import GenotypeGenerator
from gds.generation.unmasking import Unmasking, sample_unmasking
from gds.models import GdsConfig, GdsForDiffusion, GdsForMaskedModeling
from gds.models.randomness import draw_keys

N_BLOCKS, N_SLOTS = 2, 2
# All 81 genotypes of two blocks of two slots, (genotype, block, slot).
GENOTYPES = torch.cartesian_prod(*[torch.arange(3)] * 4).view(-1, N_BLOCKS, N_SLOTS)


class ExactModel:
    """Every cell's distribution given the visible ones, by summing the joint over what agrees with them."""

    def __init__(self, joint):
        self.joint = joint
        self.gds = SimpleNamespace(is_padding=torch.zeros(N_BLOCKS, N_SLOTS, dtype=torch.bool))

    def reconstruct(self, state, is_masked, class_labels=None):
        unknown = is_masked | self.gds.is_padding
        agrees = (unknown.unsqueeze(1) | (state.unsqueeze(1) == GENOTYPES)).all(dim=3).all(dim=2)
        weight = agrees * self.joint
        one_hot = torch.nn.functional.one_hot(GENOTYPES, 3).float()
        return torch.einsum("ng,gbsk->nbsk", weight, one_hot).clamp(min=1e-30).log()


def sampled(model, n=20_000, **options):
    """Share of each of the 81 genotypes."""
    with tqdm(disable=True) as progress:
        found = sample_unmasking(
            model, draw_keys(0, 0, torch.arange(n)), Unmasking(**options), None, 1.0, progress
        )
    code = (found.long().flatten(1) * torch.tensor([27, 9, 3, 1])).sum(dim=1)
    return torch.bincount(code, minlength=81) / n


def distance(left, right):
    """Total variation; 20,000 draws of 81 equally likely genotypes are .025 from their own distribution."""
    return 0.5 * (left - right).abs().sum().item()


def table(seed):
    """A distribution of a block's two slots in which they are linked."""
    table = np.random.default_rng(seed).dirichlet(np.full(9, 0.4)).reshape(3, 3)
    return torch.tensor(table, dtype=torch.float32)


@pytest.fixture
def dependent():
    """All four cells depend on each other."""
    joint = np.random.default_rng(0).dirichlet(np.full(81, 0.3))
    return ExactModel(torch.tensor(joint, dtype=torch.float32))


@pytest.fixture
def linked():
    """Slots of a block are linked, blocks are independent."""
    left, right = table(1), table(2)
    joint = left[GENOTYPES[:, 0, 0], GENOTYPES[:, 0, 1]] * right[GENOTYPES[:, 1, 0], GENOTYPES[:, 1, 1]]
    return ExactModel(joint)


def test_one_cell_at_a_time_the_joint_distribution_comes_out(dependent):
    assert distance(sampled(dependent, num_inference_steps=500), dependent.joint) < 0.03
    assert distance(sampled(dependent, num_inference_steps=1), dependent.joint) > 0.2


def test_sweeps_mend_what_a_single_step_did_and_leave_what_was_right(linked):
    assert distance(sampled(linked, num_inference_steps=1), linked.joint) > 0.2
    assert distance(sampled(linked, num_inference_steps=1, corrector_sweeps=8), linked.joint) < 0.03
    assert distance(sampled(linked, num_inference_steps=4, corrector_sweeps=3), linked.joint) < 0.03
    assert distance(sampled(linked, num_inference_steps=4), linked.joint) < 0.03


def test_temperature_sharpens_what_follows_from_visible_cells_and_leaves_frequencies():
    """The first of two slots is drawn at temperature 1, the other, half being visible, at (1 + .2) / 2."""
    joint = table(3)
    alone = torch.zeros(81).index_put_(
        ((GENOTYPES * torch.tensor([[27, 9], [3, 1]])).sum(dim=(1, 2)),),
        joint[GENOTYPES[:, 0, 0], GENOTYPES[:, 0, 1]],
    )
    model = ExactModel(alone * (GENOTYPES[:, 1] == 0).all(dim=1))
    model.gds.is_padding = torch.tensor([[False, False], [True, True]])
    with tqdm(disable=True) as progress:
        found = sample_unmasking(
            model, draw_keys(0, 0, torch.arange(20_000)), Unmasking(4, temperature=0.2), None, 1.0, progress
        )
    counts = torch.bincount((3 * found[:, 0, 0] + found[:, 0, 1]).long(), minlength=9).view(3, 3) / 20_000
    sharp = joint ** (1 / 0.6)
    first, second = sharp / sharp.sum(dim=0), sharp / sharp.sum(dim=1, keepdim=True)
    expected = (joint.sum(dim=1, keepdim=True) * second + joint.sum(dim=0) * first) / 2
    assert distance(counts, expected) < 0.02
    assert distance(joint, expected) > 0.05
    assert (found[:, 1] == -1).all()


TINY = {
    "n_blocks": 4, "n_channels": 4, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 64, "blocks_per_token": 2,
}  # fmt: skip


@pytest.fixture
def masked():
    torch.manual_seed(0)
    model = GdsForMaskedModeling(
        GdsConfig(**TINY, input_kind="tokens", mask_unit="slot", mask_ratio=[0.0, 1.0])
    )
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.3 * torch.randn_like(value))
    return GenotypeGenerator(model)


def test_a_corrected_person_depends_neither_on_batches_nor_on_shards(masked):
    options = {"seed": 3, "temperature": 0.8, "corrector_sweeps": 2}
    whole = masked.generate(7, batch_size=7, **options)
    assert np.array_equal(whole, masked.generate(7, batch_size=2, **options))
    assert np.array_equal(whole[4:], masked.generate(3, first_index=4, **options))
    assert not np.array_equal(whole, masked.generate(7, seed=3, temperature=0.8))
    assert not np.array_equal(whole, masked.generate(7, seed=3, corrector_sweeps=2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_inference_steps": 0}, "at least 1, found 0"),
        ({"temperature": 0.0}, "above 0"),
        ({"temperature": float("nan")}, "above 0"),
        ({"temperature": float("inf")}, "finite"),
        ({"corrector_sweeps": -1}, "0 or more, found -1"),
    ],
)
def test_values_out_of_range_are_refused(masked, options, message):
    with pytest.raises(UserError, match=message):
        masked.generate(1, **options)


@pytest.mark.parametrize("options", [{"temperature": 0.9}, {"corrector_sweeps": 1}])
def test_a_diffusion_model_has_no_cells_to_redraw(options):
    generator = GenotypeGenerator(GdsForDiffusion(GdsConfig(**TINY, use_timestep=True)))
    with pytest.raises(UserError, match="for masked models"):
        generator.generate(1, **options)
