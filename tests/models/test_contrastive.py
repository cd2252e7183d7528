"""Contrastive head: the loss against a hand-written one, views that share no cell, what is told of everyone."""

import functools

import pytest
import torch
from accelerate import PartialState, debug_launcher
from accelerate.state import AcceleratorState
from safetensors.torch import load_file, save_file

from gds.errors import UserError
from gds.models import GdsConfig, GdsForContrastive
from gds.models.contrastive import info_nce, second_haplotype
from gds.models.randomness import draw_keys


def unit(*shape, seed=0):
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(values, dim=-1)


def test_loss_is_the_formula():
    views, temperature = unit(3, 2, 5), 0.2
    expected = []
    for person in range(3):
        losses = []
        for view in range(2):
            anchor = views[person, view]
            weights = {
                (other, side): torch.exp(anchor @ views[other, side] / temperature)
                for other in range(3)
                for side in range(2)
                if (other, side) != (person, view)
            }
            losses.append(-torch.log(weights[person, 1 - view] / sum(weights.values())))
        expected.append(sum(losses) / 2)
    loss, correct = info_nce(views, temperature, torch.arange(3))
    torch.testing.assert_close(loss, torch.stack(expected))
    same = unit(4, 1, 5).expand(-1, 2, -1)
    assert info_nce(same, temperature, torch.arange(4))[1].tolist() == [1.0] * 4
    # Of some people among all: the same numbers.
    torch.testing.assert_close(info_nce(views, temperature, torch.tensor([2]))[0], loss[2:])
    assert correct.shape == (3,)


def test_haplotypes_of_a_person_are_the_two_views(make_config, keys):
    generator = torch.Generator().manual_seed(0)
    pair = torch.randint(0, 2, (6, 10, 4, 2), generator=generator, dtype=torch.int8)
    dosage, first = pair.sum(-1).to(torch.int8), 2 * pair[..., 0]
    assert torch.equal(second_haplotype(dosage, first), 2 * pair[..., 1])
    dosage[0, 0, 0], first[0, 0, 0] = -1, -1  # missing
    dosage[0, 0, 1], first[0, 0, 1] = 1, -1  # heterozygous, phase not known
    assert second_haplotype(dosage, first)[0, 0, :2].tolist() == [-1, -1]
    assert second_haplotype(torch.tensor([0.5]), torch.tensor([2.0])).tolist() == [-1.0]
    model = GdsForContrastive(make_config("local", input_kind="tokens", mask_ratio=0.0)).eval()
    views = model(dosage, keys, first_haplotype=first).views
    for side, haplotype in enumerate((first, second_haplotype(dosage, first))):
        pooled = model.gds(haplotype, is_masked=torch.zeros_like(dosage, dtype=torch.bool)).pooler_output
        torch.testing.assert_close(views[:, side], torch.nn.functional.normalize(pooled, dim=1))


@pytest.mark.parametrize("unit", ["block", "slot"])
def test_masked_views_share_no_cell_and_depend_on_the_key_alone(unit, make_config, tokens, keys):
    model = GdsForContrastive(make_config("local", input_kind="tokens", mask_ratio=0.3, mask_unit=unit))
    (first, hidden), (second, hidden_too) = model.draw_views(tokens, keys, None)
    assert first is second is tokens
    assert (hidden | hidden_too).all()
    again = model.draw_views(tokens[2:4], keys[2:4], None)
    assert torch.equal(again[0][1], hidden[2:4])
    assert torch.equal(again[1][1], hidden_too[2:4])
    assert not torch.equal(hidden, model.draw_views(tokens, draw_keys(7, 1, torch.arange(6)), None)[0][1])


def test_a_heterozygote_lies_halfway_where_dosage_is_additive(make_config, tokens):
    model = GdsForContrastive(make_config("transformer", input_kind="tokens", additive_dosage=True)).gds
    none = torch.zeros(10, 4, dtype=torch.bool)
    cells = [
        model.embedding.cells(torch.full_like(tokens, value), None, none, torch.float32)
        for value in (0, 1, 2)
    ]
    torch.testing.assert_close(cells[1], (cells[0] + cells[2]) / 2)
    assert not torch.equal(cells[0], cells[2])


def test_scores_of_everyone_do_not_depend_on_the_batch(make_config):
    """Eleven people, told from four each: the last group is filled up, and fillers are not scored twice."""
    model = GdsForContrastive(make_config("local", input_kind="tokens", contrastive_temperature=0.5))
    views = unit(11, 2, 4)
    groups = [torch.arange(0, 4), torch.arange(4, 8), torch.tensor([8, 9, 10, 0])]
    counted = [4, 4, 3]
    losses = [
        info_nce(views[group], 0.5, torch.arange(n))[0] for group, n in zip(groups, counted, strict=True)
    ]
    assert model.scores_of_everyone(views, 4)["loss"] == pytest.approx(torch.cat(losses).mean().item())
    everyone = info_nce(views, 0.5, torch.arange(11))[0].mean().item()
    assert model.scores_of_everyone(views, 100)["loss"] == pytest.approx(everyone)


def test_what_cannot_be_contrasted_is_refused(make_config):
    with pytest.raises(UserError, match="mask_channels=True"):
        GdsForContrastive(make_config())
    with pytest.raises(UserError, match="contrastive_temperature"):
        make_config(contrastive_temperature=0.0)
    with pytest.raises(UserError, match="additive_dosage is for tokens"):
        make_config(additive_dosage=True)
    with pytest.raises(UserError, match="local backbone pools by the mean"):
        make_config("local", pooling="cls")


def _gradient(folder, n_processes=1):
    """Gradients of the loss of eight people, a share of them on each process."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = GdsForContrastive(
        GdsConfig(
            n_blocks=5, n_channels=3, backbone="local", hidden_size=8, blocks_per_token=2, input_kind="tokens"
        )
    )
    people = torch.randint(0, 3, (8, 5, 3), generator=torch.Generator().manual_seed(1), dtype=torch.int8)
    keys = draw_keys(0, 0, torch.arange(8))
    rank, parallel = 0, model
    if n_processes > 1:
        AcceleratorState._reset_state(reset_partial_state=True)  # a fork inherits that of tests before
        rank = PartialState(cpu=True).process_index
        assert torch.distributed.get_world_size() == n_processes
        parallel = torch.nn.parallel.DistributedDataParallel(model)
        own = slice(rank * 8 // n_processes, (rank + 1) * 8 // n_processes)
        people, keys = people[own], keys[own]
    parallel(people, keys).loss.backward()
    if rank == 0:
        gradients = {name: value.grad for name, value in model.named_parameters()}
        save_file(gradients, folder / f"{n_processes}.safetensors")


def test_two_processes_see_the_whole_batch(tmp_path):
    """The gradient of one process with all eight people is that of two with four each."""
    _gradient(tmp_path)
    debug_launcher(functools.partial(_gradient, tmp_path, 2), num_processes=2)
    one, two = (load_file(tmp_path / f"{n}.safetensors") for n in (1, 2))
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-4, atol=1e-6)
