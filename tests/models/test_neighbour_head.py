"""The dense layers past the backbone: what they see, and what they are for."""

import pytest
import torch

from gds.errors import UserError
from gds.models import GdsConfig, GdsForDiffusion, GdsForMaskedModeling
from gds.models.neighbours import NeighbourHead
from gds.models.randomness import draw_keys


@pytest.fixture
def make_head(make_config, shake):
    """Alone, so that nobody gives it its initial zeros."""

    def make(reach):
        head = NeighbourHead(make_config(neighbour_reach=reach), 3)
        for value in head.parameters():
            torch.nn.init.zeros_(value)
        return shake(head)

    return make


@pytest.mark.parametrize("reach", [0, 1, 2])
def test_a_block_sees_its_own_cells_and_those_within_reach(reach, make_head):
    layer = make_head(reach)
    cells = torch.randn(2, 10, 4, requires_grad=True)
    layer(cells, None)[:, 5].sum().backward()
    seen = cells.grad.abs().sum(dim=(0, 2)) > 0
    assert seen.nonzero()[:, 0].tolist() == list(range(5 - reach, 6 + reach))


def test_values_by_hand(make_head):
    layer = make_head(1)
    cells = torch.randn(2, 10, 4)
    nobody = torch.zeros(2, 1, 4)
    around = torch.cat((nobody, cells, nobody), dim=1)
    expected = torch.stack(
        [around[:, i : i + 3].flatten(1) @ layer.layer.weight[i] + layer.layer.bias[i] for i in range(10)],
        dim=1,
    )
    torch.testing.assert_close(layer(cells, None), expected)


@pytest.mark.parametrize("objective", [GdsForDiffusion, GdsForMaskedModeling])
def test_an_untrained_one_changes_nothing(objective, make_config, scores, keys):
    needed = {"use_timestep": True} if objective is GdsForDiffusion else {"mask_channels": True}
    torch.manual_seed(0)
    without = objective(make_config(**needed)).eval()
    model = objective(make_config(neighbour_reach=1, **needed)).eval()
    model.load_state_dict(without.state_dict(), strict=False)
    assert torch.equal(model(scores, keys).logits, without(scores, keys).logits)


def test_the_noise_level_changes_what_neighbours_say(make_config, scores, shake):
    model = shake(GdsForDiffusion(make_config(use_timestep=True, neighbour_reach=0))).eval()
    with torch.no_grad():
        for value in model.diffusion_head.parameters():
            value.zero_()
        velocity = [
            model.denoise(scores, torch.full((6,), step)) - model.denoise(0 * scores, torch.full((6,), step))
            for step in (5, 450)
        ]
    assert not torch.allclose(*velocity)


def test_pairs_of_variants_that_a_narrow_backbone_loses_are_kept(learn):
    """Each slot of a block equals its neighbour in the next one; two hidden units cannot carry twenty such pairs."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(0, 2, (512, 20, 1), generator=generator, dtype=torch.int8) * 2
    people = drawn.repeat_interleave(2, dim=1)
    held_out = {}
    for reach in (None, 1):
        torch.manual_seed(0)
        model = GdsForMaskedModeling(
            GdsConfig(
                n_blocks=40, n_channels=1, input_kind="tokens", backbone="mlp", mlp_sizes=[2],
                mask_unit="slot", mask_ratio=0.3, neighbour_reach=reach,
            )
        )  # fmt: skip
        learn(model, people, n_steps=60, batch_size=64, learning_rate=3e-2)
        with torch.no_grad():
            held_out[reach] = model(people[448:], draw_keys(1, 0, torch.arange(64))).loss.item()
    # Where the twin is masked too, three in ten, nothing is known: .3 log 2.
    assert held_out[1] < 0.3 * 0.6931 + 0.1
    assert held_out[None] > 0.6


def test_a_reach_below_zero_is_refused():
    with pytest.raises(UserError, match="neighbour_reach: expected a whole number of at least 0, found -1"):
        GdsConfig(neighbour_reach=-1)
