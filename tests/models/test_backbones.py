"""Every backbone with every objective: nothing dead, nothing leaking, the right size."""

import pytest
import torch

from gds.errors import UserError
from gds.models import (
    GdsConfig,
    GdsForClassification,
    GdsForContrastive,
    GdsForDiffusion,
    GdsForMaskedModeling,
    GdsModel,
)
from gds.models.backbones import BACKBONES
from gds.models.parameter_count import HEADS
from gds.models.presets import OBJECTIVES, PRESETS, preset_config
from gds.models.randomness import draw_keys

LABELS = torch.tensor([0, 1, 2, -100, 1, 0])
OBJECTIVE = {
    "diffusion": (GdsForDiffusion, {"use_timestep": True, "n_condition_classes": 3}),
    "masked-tokens": (GdsForMaskedModeling, {"input_kind": "tokens"}),
    "masked-continuous": (GdsForMaskedModeling, {"mask_channels": True, "n_condition_classes": 3}),
    "contrastive-tokens": (GdsForContrastive, {"input_kind": "tokens", "projection_size": 6}),
    "contrastive-continuous": (GdsForContrastive, {"mask_channels": True}),
    "classification": (GdsForClassification, {"num_labels": 3}),
    "classification-conditional": (GdsForClassification, {"num_labels": 3, "use_timestep": True}),
}


@pytest.fixture(params=BACKBONES)
def backbone(request):
    return request.param


@pytest.fixture(params=OBJECTIVE)
def objective(request):
    return request.param


def make(objective, backbone, make_config, **options):
    torch.manual_seed(0)
    kind, needed = OBJECTIVE[objective]
    return kind(make_config(backbone, **{**needed, **options}))


def run(model, scores, tokens, keys):
    features = tokens if model.config.input_kind == "tokens" else scores
    if isinstance(model, GdsForClassification):
        return model(features, labels=LABELS)
    return model(features, keys, labels=LABELS)


def predicted(output):
    """What an objective says of each person."""
    return output.logits if output.views is None else output.views


@pytest.mark.parametrize("options", [{}, {"block_hidden_size": 5}, {"neighbour_reach": 1}], ids=str)
def test_every_parameter_gets_a_gradient(
    backbone, objective, options, make_config, scores, tokens, keys, shake
):
    model = shake(make(objective, backbone, make_config, **options)).train()
    run(model, scores, tokens, keys).loss.backward()
    for name, value in model.named_parameters():
        assert value.grad is not None, name
        assert value.grad.abs().sum() > 0, name


@pytest.mark.parametrize("name", ["unet1d", "mlp", "hybrid"])
def test_a_condition_that_only_shifts_is_alive_too(name, make_config, scores, tokens, keys, shake):
    model = shake(make("diffusion", name, make_config, film=False)).train()
    run(model, scores, tokens, keys).loss.backward()
    assert all(value.grad.abs().sum() > 0 for value in model.parameters())
    assert model.num_parameters() < make("diffusion", name, make_config).num_parameters()
    early, late = torch.full((6,), 5), torch.full((6,), 450)
    assert not torch.allclose(model.gds(scores, early).pooler_output, model.gds(scores, late).pooler_output)


@pytest.mark.parametrize("options", [{}, {"use_timestep": True}, {"n_condition_classes": 2}])
def test_modules_for_a_condition_exist_only_where_it_is_configured(backbone, options, make_config):
    names = [name for name, _ in GdsModel(make_config(backbone, **options)).named_parameters()]
    assert any("timestep_mlp" in name for name in names) == ("use_timestep" in options)
    assert any("class_embedding" in name for name in names) == ("n_condition_classes" in options)
    assert any("modulation" in name or "mixing." in name for name in names) == bool(options)


@pytest.mark.parametrize("n_blocks", [4, 5, 7, 10])
def test_a_unet_takes_any_length_and_adds_no_position(n_blocks, make_config):
    """Ceil(n / 2) positions a level down: whatever normalises, attends or averages sees real blocks only."""
    model = GdsModel(make_config("unet1d", n_blocks=n_blocks, n_channels=4))
    lengths = set()
    for module in model.modules():
        if isinstance(module, torch.nn.GroupNorm):
            module.register_forward_hook(lambda module, given, out: lengths.add(out.shape[-1]))
    output = model(torch.randn(2, n_blocks, 4))
    assert output.last_hidden_state.shape[:2] == (2, n_blocks)
    assert lengths == {n_blocks, -(-n_blocks // 2), -(-n_blocks // 4)}


def test_shapes_of_the_contract(backbone, make_config, scores):
    model = GdsModel(make_config(backbone)).eval()
    output = model(scores)
    assert output.last_hidden_state.ndim == 3
    assert len(output.last_hidden_state) == 6
    assert output.pooler_output.shape == (6, model.pooled_size)
    decoder = BACKBONES[backbone].make_decoder(model.config, 7)
    assert decoder(output.last_hidden_state).shape == (6, 10, 7)


def test_layers_to_shard_exist(backbone, make_config):
    model = GdsForDiffusion(make_config(backbone, use_timestep=True))
    found = {type(module).__name__ for module in model.modules()}
    assert model._no_split_modules
    assert set(model._no_split_modules) == set(BACKBONES[backbone].layers_to_shard) <= found


def test_people_do_not_see_each_other(backbone, objective, make_config, scores, tokens, keys, shake):
    model = shake(make(objective, backbone, make_config)).eval()
    whole = predicted(run(model, scores, tokens, keys))
    features = tokens if model.config.input_kind == "tokens" else scores
    for person in (0, 3):
        one = slice(person, person + 1)
        if isinstance(model, GdsForClassification):
            alone = model(features[one])
        else:
            alone = model(features[one], keys[one], labels=LABELS[one])
        torch.testing.assert_close(whole[one], predicted(alone), rtol=1e-4, atol=1e-5)


def test_padding_cells_are_invisible(backbone, objective, make_config, scores, tokens, keys, shake):
    model = shake(make(objective, backbone, make_config)).eval()
    padding = torch.zeros(10, 4, dtype=torch.bool)
    padding[3] = True
    padding[7, 2:] = True
    model.gds.set_padding(padding)
    before = run(model, scores, tokens, keys)
    tokens, scores = tokens.clone(), scores.clone()
    tokens[:, padding], scores[:, padding] = 2, -1e6
    after = run(model, scores, tokens, keys)
    assert torch.equal(before.loss, after.loss)
    assert torch.equal(predicted(before), predicted(after))


def test_a_class_changes_what_a_masked_model_predicts(backbone, make_config, tokens, keys, shake):
    model = shake(make("masked-tokens", backbone, make_config, n_condition_classes=2)).eval()
    mask = model.draw_mask(keys)
    case, null = torch.zeros(6, dtype=torch.int64), torch.full((6,), -100)
    found = model.reconstruct(tokens, mask, case)
    assert torch.equal(found, model.reconstruct(tokens, mask, case))
    assert not torch.allclose(found, model.reconstruct(tokens, mask, null))


def test_condition_changes_the_output(backbone, make_config, scores, shake):
    model = shake(make("diffusion", backbone, make_config)).eval()
    early, late = torch.full((6,), 5), torch.full((6,), 450)
    assert not torch.allclose(model.gds(scores, early).pooler_output, model.gds(scores, late).pooler_output)
    case, null = torch.zeros(6, dtype=torch.int64), torch.full((6,), -100)
    assert not torch.allclose(model.denoise(scores, early, case), model.denoise(scores, early, null))


def test_evaluation_is_deterministic_and_survives_saving(
    backbone, objective, make_config, scores, tokens, keys, shake, tmp_path
):
    model = shake(make(objective, backbone, make_config, hidden_dropout=0.3)).eval()
    expected = predicted(run(model, scores, tokens, keys))
    assert torch.equal(expected, predicted(run(model, scores, tokens, keys)))
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    assert torch.equal(expected, predicted(run(again, scores, tokens, keys)))


def test_gradient_checkpointing_changes_nothing(backbone, make_config, scores, tokens, keys, shake):
    model = shake(make("diffusion", backbone, make_config)).train()
    run(model, scores, tokens, keys).loss.backward()
    expected = {name: value.grad.clone() for name, value in model.named_parameters()}
    model.zero_grad()
    model.gradient_checkpointing_enable()
    run(model, scores, tokens, keys).loss.backward()
    for name, value in model.named_parameters():
        assert torch.equal(expected[name], value.grad), name


def test_a_little_training_beats_every_constant_and_the_floor(backbone, make_config, learn):
    """Blocks that are copies of each other: structure that no constant, and no shrinkage of single cells, uses."""
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(512, 1, 4, generator=generator).expand(-1, 10, -1)
    copies = torch.randint(0, 3, (512, 1, 4), generator=generator, dtype=torch.int8).expand(-1, 10, -1)
    for objective, people in (
        ("diffusion", shared), ("masked-continuous", shared), ("masked-tokens", copies)
    ):  # fmt: skip
        mask = {} if objective == "diffusion" else {"mask_unit": "slot", "mask_ratio": 0.5}
        model = make(objective, backbone, make_config, n_condition_classes=0, **mask)
        learn(model, people, n_steps=30, batch_size=32, learning_rate=1e-2)
        with torch.no_grad():
            held_out = model(people[448:], draw_keys(1, 0, torch.arange(64)))
        # The best constant: E|x| = .798 of a standard normal at its median, log 3 for three dosages as common.
        constant = {"diffusion": 1.0, "masked-continuous": (2 / torch.pi) ** 0.5, "masked-tokens": 1.0986}
        assert held_out.loss < 0.9 * constant[objective], objective
        if objective == "diffusion":
            assert held_out.loss < 0.9 * held_out.statistics["shrinkage_loss"][:, 0].mean()


REFERENCE_PARAMETERS = {
    "transformer": 135e6, "unet1d": 18.6e6, "unet1d-per-gene": 38.8e6, "mlp": 310e6, "hybrid": 329e6,
}  # fmt: skip


@pytest.mark.parametrize("name", REFERENCE_PARAMETERS)
def test_presets_have_the_reference_sizes(name):
    config = preset_config(name, "diffusion", n_blocks=18_432, n_channels=8)
    with torch.device("meta"):
        model = GdsForDiffusion(config)
    assert model.num_parameters() == pytest.approx(REFERENCE_PARAMETERS[name], rel=0.02)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("input_kind", ["continuous", "tokens"])
def test_presets_build_what_their_objective_needs(name, objective, input_kind):
    if objective == "diffusion" and input_kind == "tokens":
        return
    config = preset_config(name, objective, n_blocks=200, n_channels=8, input_kind=input_kind)
    with torch.device("meta"):
        HEADS[objective](config)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backbone": "unet1d", "n_blocks": 100}, "cannot be halved"),
        ({"backbone": "unet1d", "attention_levels": [9]}, "attention_levels"),
        ({"backbone": "unet1d", "channel_multipliers": [0]}, "channel_multipliers"),
        ({"backbone": "unet1d", "hidden_size": 50, "num_attention_heads": 7}, "cannot share"),
        ({"backbone": "mlp", "mlp_sizes": []}, "mlp_sizes"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        GdsConfig(**options)


def test_unknown_presets_and_objectives_are_refused():
    with pytest.raises(UserError, match="did you mean 'transformer'"):
        preset_config("transfomer", "diffusion", n_blocks=4, n_channels=4)
    with pytest.raises(UserError, match="did you mean 'masked'"):
        preset_config("mlp", "maskd", n_blocks=4, n_channels=4)
