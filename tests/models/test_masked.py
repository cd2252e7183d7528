import math

import pytest
import torch

from gds.errors import UserError
from gds.models import GdsForMaskedModeling
from gds.models.randomness import draw_keys


@pytest.fixture
def model(make_config, shake):
    torch.manual_seed(0)
    return shake(
        GdsForMaskedModeling(make_config(input_kind="tokens", mask_unit="slot", mask_ratio=0.5))
    ).eval()


def test_loss_sees_masked_observed_cells_and_the_original_only(model, tokens, keys):
    mask = model.draw_mask(keys)
    output = model(tokens, keys, is_masked=mask)
    per_sample = []
    for sample in range(6):
        scored = mask[sample] & (tokens[sample] >= 0)
        logits = output.logits[sample][scored]
        target = tokens[sample][scored].long()
        per_sample.append(-logits.log_softmax(-1)[torch.arange(len(target)), target].mean())
    torch.testing.assert_close(output.loss, torch.stack(per_sample).mean())
    assert output.loss > 0.5  # were the target the masked input, zero would be within reach


def test_masked_values_are_hidden_from_the_network(model, tokens, keys):
    mask = model.draw_mask(keys)
    hidden = torch.where(mask, (tokens + 2) % 3, tokens)
    assert torch.equal(model.reconstruct(tokens, mask), model.reconstruct(hidden, mask))
    seen = torch.where(mask, tokens, (tokens + 2) % 3)
    assert not torch.equal(model.reconstruct(tokens, mask), model.reconstruct(seen, mask))


def test_accuracies_by_hand(model, tokens, keys):
    model.set_major_genotype(torch.full((10, 4), 2))
    mask = model.draw_mask(keys)
    output = model(tokens, keys, is_masked=mask)
    scored = mask & (tokens >= 0)
    right = output.logits.argmax(-1) == tokens
    correct, count = output.statistics["accuracy"].sum(dim=0)
    assert (correct, count) == ((right & scored).sum(), scored.sum())
    correct, count = output.statistics["non_major_accuracy"].sum(dim=0)
    assert (correct, count) == ((right & scored & (tokens != 2)).sum(), (scored & (tokens != 2)).sum())


def test_missing_calls_are_never_scored(model, tokens, keys):
    everything = torch.ones_like(tokens, dtype=torch.bool)
    missing = torch.full_like(tokens, -1)
    output = model(missing, keys, is_masked=everything)
    assert output.loss == 0
    assert output.statistics["accuracy"][:, 1].sum() == 0


@pytest.mark.parametrize("unit", ["block", "slot"])
def test_mask_ratio_and_unit(unit, make_config):
    model = GdsForMaskedModeling(make_config(input_kind="tokens", mask_unit=unit, mask_ratio=0.3))
    mask = model.draw_mask(draw_keys(0, 0, torch.arange(2000)))
    assert mask.float().mean() == pytest.approx(0.3, abs=0.02)
    assert (mask.all(-1) == mask.any(-1)).all() == (unit == "block")


def test_random_ratio_spans_its_range(make_config):
    options = {"input_kind": "tokens", "mask_unit": "slot", "mask_ratio": [0.0, 1.0], "n_blocks": 100}
    model = GdsForMaskedModeling(make_config(**options))
    share = model.draw_mask(draw_keys(0, 0, torch.arange(1000))).float().mean(dim=(1, 2))
    assert share.mean() == pytest.approx(0.5, abs=0.04)
    assert share.std() == pytest.approx(1 / math.sqrt(12), abs=0.03)


def test_padding_is_never_masked(model, keys):
    padding = torch.zeros(10, 4, dtype=torch.bool)
    padding[:, 3] = True
    model.gds.set_padding(padding)
    assert not model.draw_mask(keys)[..., 3].any()


def test_continuous_loss_is_l1_on_masked_cells(make_config, scores, keys, shake):
    model = shake(GdsForMaskedModeling(make_config(mask_channels=True, mask_ratio=0.5))).eval()
    mask = model.draw_mask(keys)
    output = model(scores, keys)
    expected = torch.stack(
        [
            (output.logits[i] - scores[i])[mask[i]].abs().mean() if mask[i].any() else torch.tensor(0.0)
            for i in range(6)
        ]
    ).mean()
    torch.testing.assert_close(output.loss, expected)


def test_major_genotypes_travel_with_the_model(model, tmp_path):
    model.set_major_genotype(torch.full((10, 4), 1))
    model.save_pretrained(tmp_path)
    assert (GdsForMaskedModeling.from_pretrained(tmp_path).masked_head.major_genotype == 1).all()
    with pytest.raises(UserError, match="major genotypes"):
        model.set_major_genotype(torch.zeros(3, 3))
